// SPDX-License-Identifier: Apache-2.0
// Turns binary16 activations into block mantissas that share one exponent per group.
//
// Function:   a group is GroupSlices slices of Columns binary16 values. For every group:
//               exponent  Eb = max(exponent field, 1) - 1 over the group, so E_g = Eb - 14
//               mantissa  m = round-to-nearest-even(x * 2^(MantissaBits - 2 - E_g)), clamped
//               sum       of all mantissas, for the offset term
//             Groups leave slice by slice; the last slice carries exponent, sum and `nan_o`, which
//             tells whether this or an earlier group of the token held a NaN or Inf.
// Latency:    GroupSlices + 3 cycles from the last slice of a group in to its last slice out.
// Throughput: one slice per cycle.
// Limits:     token_first_i marks the first slice of a token. Mantissas of a NaN token are
//             unspecified (its results are forced to NaN).
// Source:     docs/arithmetic.md; pre-aligned mantissas as in iFPU (Kim et al., ICLR 2023).
//
// Two passes: the first finds the exponent while raw slices wait in a buffer; the second shifts.

`include "bl_assert.svh"

module bl_align #(
  parameter int unsigned Columns,
  parameter int unsigned GroupSlices,
  parameter int unsigned MantissaBits,
  localparam int unsigned SumW = MantissaBits + 8
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            valid_i,
  output logic                            ready_o,
  input  logic [Columns*16-1:0]           data_i,
  input  logic                            token_first_i,

  output logic                            valid_o,
  input  logic                            ready_i,
  output logic [Columns*MantissaBits-1:0] mantissas_o,
  output logic                            group_last_o,
  output logic [4:0]                      exponent_o,
  output logic [SumW-1:0]                 sum_o,
  output logic                            nan_o
);

  localparam int unsigned SliceW = GroupSlices > 1 ? $clog2(GroupSlices) : 1;
  localparam logic [SliceW-1:0] LastSlice = SliceW'(GroupSlices - 1);
  // Room for a significand of 11 bits, shifted left to the mantissa's top, above 31 rounding bits.
  localparam int unsigned ShiftW = (MantissaBits > 12 ? MantissaBits : 12) + 31;
  localparam int unsigned LeftShift = MantissaBits > 12 ? MantissaBits - 12 : 0;
  localparam int unsigned RightShift = MantissaBits < 12 ? 12 - MantissaBits : 0;
  localparam logic [MantissaBits-1:0] MaxMantissa = {1'b0, {(MantissaBits - 1){1'b1}}};

  // ---- First pass: raw slices into a buffer, the group's exponent into a small queue ------------

  logic [4:0] slice_field;
  logic       slice_nan;
  always_comb begin
    slice_field = 5'd1;
    slice_nan   = 1'b0;
    if (valid_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        if (data_i[c*16+10 +: 5] > slice_field) slice_field = data_i[c*16+10 +: 5];
      end
      slice_nan = slice_field == 5'd31;
    end
  end

  logic [SliceW-1:0] in_slice_q;
  logic [4:0]        field_q, field_d;
  logic              nan_q, nan_d;
  logic              raw_ready, head_ready, take;

  assign ready_o = raw_ready && head_ready;
  assign take    = valid_i && ready_o;

  always_comb begin
    field_d = slice_field;
    if (in_slice_q != '0 && field_q > slice_field) field_d = field_q;
    nan_d = slice_nan || (nan_q && !token_first_i);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_slice_q <= '0;
      field_q    <= '0;
      nan_q      <= 1'b0;
    end else if (take) begin
      in_slice_q <= in_slice_q == LastSlice ? '0 : in_slice_q + 1'b1;
      field_q    <= field_d;
      nan_q      <= nan_d;
    end
  end

  logic                  raw_valid, raw_pop;
  logic [Columns*16-1:0] raw_data;
  logic                  head_valid, head_pop;
  logic [4:0]            head_exponent;
  logic                  head_nan;

  localparam int unsigned RawDepth = GroupSlices > 1 ? 2 << $clog2(GroupSlices) : 4;

  bl_fifo #(
    .Width(Columns * 16),
    .Depth(RawDepth)
  ) u_raw (
    .clk_i,
    .rst_ni,
    .wvalid_i(take),
    .wready_o(raw_ready),
    .wdata_i (data_i),
    .rvalid_o(raw_valid),
    .rready_i(raw_pop),
    .rdata_o (raw_data)
  );

  bl_fifo #(
    .Width(6),
    .Depth(4)
  ) u_head (
    .clk_i,
    .rst_ni,
    .wvalid_i(take && in_slice_q == LastSlice),
    .wready_o(head_ready),
    .wdata_i ({nan_d, field_d - 5'd1}),
    .rvalid_o(head_valid),
    .rready_i(head_pop),
    .rdata_o ({head_nan, head_exponent})
  );

  // ---- Second pass, stage 1: shift and round each lane ------------------------------------------

  logic              stage_ready;  // the output register is free or is being emptied
  logic              shift;
  logic [SliceW-1:0] out_slice_q;
  logic              s1_valid_q, s1_last_q, s1_nan_q, s1_first_q;
  logic [4:0]        s1_exponent_q;

  assign stage_ready = !valid_o || ready_i;
  assign shift       = raw_valid && head_valid && stage_ready;
  assign raw_pop     = shift;
  assign head_pop    = shift && out_slice_q == LastSlice;

  // The mantissa of one binary16 value in a group of exponent `group_exponent`.
  function automatic logic [MantissaBits-1:0] mantissa(logic [15:0] value,
                                                       logic [4:0]  group_exponent);
    logic [4:0]              exponent;
    logic [5:0]              distance;
    logic [ShiftW-1:0]       shifted;
    logic [MantissaBits-1:0] magnitude;
    exponent  = value[14:10] == 5'd0 ? 5'd0 : value[14:10] - 5'd1;
    distance  = 6'(group_exponent) - 6'(exponent) + 6'(RightShift);
    shifted   = ShiftW'({value[14:10] != 5'd0, value[9:0]}) << (LeftShift + 31);
    shifted   = shifted >> distance;
    magnitude = shifted[31 +: MantissaBits];
    // Round half to even: the bit below the point, and any bit further down or an odd result.
    if (shifted[30] && (shifted[29:0] != '0 || shifted[31])) magnitude = magnitude + 1'b1;
    if (magnitude > MaxMantissa) magnitude = MaxMantissa;
    mantissa = value[15] ? -magnitude : magnitude;
  endfunction

  logic signed [MantissaBits-1:0] lane_d [Columns];
  logic signed [MantissaBits-1:0] lane_q [Columns];
  always_comb begin
    for (int unsigned c = 0; c < Columns; c++) lane_d[c] = '0;
    if (shift) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        lane_d[c] = mantissa(raw_data[c*16 +: 16], head_exponent);
      end
    end
  end

  for (genvar c = 0; c < Columns; c++) begin : gen_lane_q
    always_ff @(posedge clk_i) begin
      if (shift) lane_q[c] <= lane_d[c];
    end
  end

  always_ff @(posedge clk_i) begin
    if (shift) begin
      s1_first_q    <= out_slice_q == '0;
      s1_last_q     <= out_slice_q == LastSlice;
      s1_exponent_q <= head_exponent;
      s1_nan_q      <= head_nan;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_slice_q <= '0;
      s1_valid_q  <= 1'b0;
    end else begin
      if (shift) out_slice_q <= out_slice_q == LastSlice ? '0 : out_slice_q + 1'b1;
      if (stage_ready) s1_valid_q <= shift;
    end
  end

  // ---- Second pass, stage 2: group sum and output register --------------------------------------

  logic signed [SumW-1:0] slice_sum;
  always_comb begin
    slice_sum = '0;
    if (s1_valid_q) begin
      for (int unsigned c = 0; c < Columns; c++) slice_sum = slice_sum + SumW'(lane_q[c]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else if (stage_ready) begin
      valid_o <= s1_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (stage_ready && s1_valid_q) begin
      group_last_o <= s1_last_q;
      exponent_o   <= s1_exponent_q;
      nan_o        <= s1_nan_q;
      sum_o        <= s1_first_q ? slice_sum : sum_o + slice_sum;
    end
  end

  for (genvar c = 0; c < Columns; c++) begin : gen_out
    always_ff @(posedge clk_i) begin
      if (stage_ready && s1_valid_q) mantissas_o[c*MantissaBits +: MantissaBits] <= lane_q[c];
    end
  end

  `BL_ASSERT_STABLE(OutIsStable, valid_o, ready_i, mantissas_o)

endmodule
