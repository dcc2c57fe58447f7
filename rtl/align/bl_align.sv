// SPDX-License-Identifier: Apache-2.0
// Turns binary16 activations into block mantissas that share one exponent per group.
//
// Function:   slices of Columns values come token by token. A group is a power of two of slices, or
//             a slice is a power of two of groups. For every group:
//               exponent  Eb = max(exponent field, 1) - 1 over the group, so E_g = Eb - 14
//               mantissa  m = round-to-nearest-even(x * 2^(MantissaBits - 2 - E_g)), clamped
//               sum       of all mantissas, for the offset term
//             Slices of a job's first of two readings (`find_i`) only find their token's exponent.
//             In the second one (`found_i`) it comes with every group, the NaN flag is that of the
//             whole token, and `per_row_i` makes it the exponent of every group.
// Latency:    three cycles from a group's last slice in until its first slice is on offer
//             (`slice_valid_o`); the mantissas of a slice that was taken follow one cycle later,
//             the data of its group (`sum_*`) two cycles later: no stalls behind the offer.
// Throughput: one slice per cycle.
// Limits:     group data is that of the group's last slice. A slice of several groups has entry s
//             for its s-th group; otherwise entry 0 counts. The NaN flag of a token that is read
//             once tells of its groups so far. Mantissas of a NaN token are unspecified (its
//             results are forced to NaN).
// Source:     docs/arithmetic.md; pre-aligned mantissas as in iFPU (Kim et al., ICLR 2023).
//
// Two phases: the first finds the exponent while raw slices wait in a buffer; the second shifts.

`include "bl_assert.svh"

module bl_align #(
  parameter int unsigned Columns,
  parameter int unsigned MantissaBits,
  parameter int unsigned Tokens,
  parameter int unsigned TagW,
  localparam int unsigned Segs = Columns > bl_pkg::MinGroup ? Columns / bl_pkg::MinGroup : 1,
  localparam int unsigned TokenW = Tokens > 1 ? $clog2(Tokens) : 1,
  localparam int unsigned SumW = MantissaBits + 8
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            valid_i,
  output logic                            ready_o,
  input  logic [Columns*16-1:0]           data_i,
  input  logic [1:0]                      group_log2_i,   // log2 of the columns per group, less 5
  input  logic                            group_last_i,   // ends a group
  input  logic                            token_first_i,  // begins a token
  input  logic [TokenW-1:0]               token_i,
  input  logic                            find_i,
  input  logic                            found_i,
  input  logic                            per_row_i,
  input  logic [TagW-1:0]                 tag_i,          // comes out with the slice

  output logic                            slice_valid_o,
  input  logic                            slice_ready_i,
  output logic                            slice_group_last_o,
  output logic [TagW-1:0]                 slice_tag_o,

  output logic [Columns*MantissaBits-1:0] mantissas_o,    // one cycle after a slice was taken

  output logic [Segs*5-1:0]               sum_exponents_o,  // two cycles after it was taken
  output logic [Segs*SumW-1:0]            sum_sums_o,
  output logic [4:0]                      sum_token_exponent_o,
  output logic                            sum_nan_o
);

  localparam int unsigned SegColumns = Columns / Segs;
  localparam int unsigned SegLog2 = $clog2(Segs);
  localparam int unsigned MaxSpan = bl_pkg::MaxGroup / Columns;
  localparam int unsigned MinSpan =
      Columns < bl_pkg::MinGroup ? bl_pkg::MinGroup / Columns : 1;
  // Two groups: one is shifted while the next one comes in. A queued group has its last slice in
  // the raw buffer, so its queue holds as many as that can.
  localparam int unsigned RawDepth = MaxSpan > 2 ? 2 * MaxSpan : 4;
  localparam int unsigned HeadDepth = RawDepth / MinSpan;
  localparam int unsigned HeadW = Segs * 5 + 2 + 5 + 1;
  // Room for a significand of 11 bits, shifted left to the mantissa's top, above 31 rounding bits.
  localparam int unsigned ShiftW = (MantissaBits > 12 ? MantissaBits : 12) + 31;
  localparam int unsigned LeftShift = MantissaBits > 12 ? MantissaBits - 12 : 0;
  localparam int unsigned RightShift = MantissaBits < 12 ? 12 - MantissaBits : 0;
  localparam logic [MantissaBits-1:0] MaxMantissa = {1'b0, {(MantissaBits - 1){1'b1}}};

  // Levels of joined segments: 0 is every segment on its own, SegLog2 the whole slice.
  function automatic logic [1:0] join_level(logic [1:0] group_log2);
    join_level = 32'(group_log2) > SegLog2 ? 2'(SegLog2) : group_log2;
  endfunction

  // ---- Raw slices wait for their exponents ------------------------------------------------------

  logic                  take, keep, raw_ready, raw_valid, shift;
  logic [Columns*16-1:0] raw_data;

  assign ready_o = find_i || raw_ready;
  assign take    = valid_i && ready_o;
  assign keep    = take && !find_i;

  bl_fifo #(
    .Width(Columns * 16 + 1 + TagW),
    .Depth(RawDepth)
  ) u_raw (
    .clk_i,
    .rst_ni,
    .wvalid_i(keep),
    .wready_o(raw_ready),
    .wdata_i ({tag_i, group_last_i, data_i}),
    .rvalid_o(raw_valid),
    .rready_i(shift),
    .rdata_o ({slice_tag_o, slice_group_last_o, raw_data})
  );

  // ---- Finding, stage 1: the largest exponent field of every segment ----------------------------

  // A binary tree: field[i] is the larger one of field[2i] and field[2i+1], the lanes are the
  // leaves, and segment s is Segs + s.
  logic [4:0] field [2*Columns];
  always_comb begin
    for (int unsigned i = 0; i < 2 * Columns; i++) field[i] = 5'd1;
    if (valid_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        if (data_i[c*16+10 +: 5] != 5'd0) field[Columns+c] = data_i[c*16+10 +: 5];
      end
      for (int unsigned i = Columns - 1; i >= Segs; i--) begin
        field[i] = field[2*i] > field[2*i+1] ? field[2*i] : field[2*i+1];
      end
    end
  end

  logic [4:0]        seg_field_q [Segs];
  logic              f_valid_q, f_group_last_q, f_token_first_q, f_find_q, f_found_q, f_per_row_q;
  logic [1:0]        f_level_q;
  logic [TokenW-1:0] f_token_q;

  for (genvar s = 0; s < Segs; s++) begin : gen_seg_field
    always_ff @(posedge clk_i) begin
      if (take) seg_field_q[s] <= field[Segs+s];
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      f_group_last_q  <= group_last_i;
      f_token_first_q <= token_first_i;
      f_find_q        <= find_i;
      f_found_q       <= found_i;
      f_per_row_q     <= per_row_i;
      f_level_q       <= join_level(group_log2_i);
      f_token_q       <= token_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) f_valid_q <= 1'b0;
    else f_valid_q <= take;
  end

  // ---- Finding, stage 2: segments joined to groups, slices to groups and tokens -----------------

  // The rest of the tree: the slice is 1.
  logic [4:0] field_joined [2*Segs];
  always_comb begin
    field_joined[0] = 5'd1;
    for (int unsigned s = 0; s < Segs; s++) field_joined[Segs+s] = seg_field_q[s];
    for (int unsigned i = Segs - 1; i > 0; i--) begin
      field_joined[i] = field_joined[2*i] > field_joined[2*i+1] ?
                        field_joined[2*i] : field_joined[2*i+1];
    end
  end

  logic [4:0] slice_field, group_field, group_field_q, token_field, token_field_q [Tokens];
  logic       group_first_q, nan, nan_q;
  assign slice_field = field_joined[1];
  assign group_field = !group_first_q && group_field_q > slice_field ? group_field_q : slice_field;
  assign token_field = token_field_q[f_token_q];
  // A field of 31 is a NaN or an infinity.
  assign nan         = slice_field == 5'd31 || (nan_q && !f_token_first_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) group_first_q <= 1'b1;
    else if (f_valid_q) group_first_q <= f_group_last_q;
  end

  always_ff @(posedge clk_i) begin
    if (f_valid_q) begin
      group_field_q <= group_field;
      nan_q         <= nan;
    end
  end

  always_ff @(posedge clk_i) begin
    if (f_valid_q && f_find_q && (f_token_first_q || slice_field > token_field)) begin
      token_field_q[f_token_q] <= slice_field;
    end
  end

  logic              head_push, head_ready, head_valid, head_nan;
  logic [Segs*5-1:0] exponents, head_exponents;  // of the group that each segment is part of
  logic [1:0]        head_level;
  logic [4:0]        head_token_exponent;

  assign head_push = f_valid_q && f_group_last_q && !f_find_q;

  always_comb begin
    exponents = '0;
    if (head_push) begin
      for (int unsigned s = 0; s < Segs; s++) begin
        for (int unsigned l = 0; l <= SegLog2; l++) begin
          if (f_level_q == 2'(l)) exponents[s*5 +: 5] = field_joined[(Segs+s)>>l] - 5'd1;
        end
        if (f_level_q == 2'(SegLog2)) exponents[s*5 +: 5] = group_field - 5'd1;
        if (f_per_row_q) exponents[s*5 +: 5] = token_field - 5'd1;
      end
    end
  end

  bl_fifo #(
    .Width(HeadW),
    .Depth(HeadDepth)
  ) u_heads (
    .clk_i,
    .rst_ni,
    .wvalid_i(head_push),
    .wready_o(head_ready),
    .wdata_i ({f_found_q ? token_field == 5'd31 : nan, token_field - 5'd1, f_level_q, exponents}),
    .rvalid_o(head_valid),
    .rready_i(shift && slice_group_last_o),
    .rdata_o ({head_nan, head_token_exponent, head_level, head_exponents})
  );

  // ---- Shifting, stage 1: shift and round each lane ---------------------------------------------

  assign slice_valid_o = raw_valid && head_valid;
  assign shift         = slice_valid_o && slice_ready_i;

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

  logic [Columns*MantissaBits-1:0] mantissas_d;
  always_comb begin
    mantissas_d = '0;
    if (shift) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        mantissas_d[c*MantissaBits +: MantissaBits] =
            mantissa(raw_data[c*16 +: 16], head_exponents[(c/SegColumns)*5 +: 5]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (shift) mantissas_o <= mantissas_d;
  end

  logic              s1_valid_q, s1_group_last_q, s1_nan_q;
  logic [1:0]        s1_level_q;
  logic [4:0]        s1_token_exponent_q;
  logic [Segs*5-1:0] s1_exponents_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) s1_valid_q <= 1'b0;
    else s1_valid_q <= shift;
  end

  always_ff @(posedge clk_i) begin
    if (shift) begin
      s1_group_last_q     <= slice_group_last_o;
      s1_nan_q            <= head_nan;
      s1_level_q          <= head_level;
      s1_token_exponent_q <= head_token_exponent;
      s1_exponents_q      <= head_exponents;
    end
  end

  // ---- Shifting, stage 2: sums of segments ------------------------------------------------------

  logic signed [SumW-1:0] sum [2*Columns];  // a tree as above
  logic signed [SumW-1:0] seg_sum_q [Segs];
  always_comb begin
    for (int unsigned i = 0; i < 2 * Columns; i++) sum[i] = '0;
    if (s1_valid_q) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        sum[Columns+c] = SumW'(signed'(mantissas_o[c*MantissaBits +: MantissaBits]));
      end
      for (int unsigned i = Columns - 1; i >= Segs; i--) sum[i] = sum[2*i] + sum[2*i+1];
    end
  end

  for (genvar s = 0; s < Segs; s++) begin : gen_seg_sum
    always_ff @(posedge clk_i) begin
      if (s1_valid_q) seg_sum_q[s] <= sum[Segs+s];
    end
  end

  logic              s2_valid_q, s2_group_last_q;
  logic [1:0]        s2_level_q;
  logic [Segs*5-1:0] s2_exponents_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) s2_valid_q <= 1'b0;
    else s2_valid_q <= s1_valid_q;
  end

  always_ff @(posedge clk_i) begin
    if (s1_valid_q) begin
      s2_group_last_q      <= s1_group_last_q;
      s2_level_q           <= s1_level_q;
      s2_exponents_q       <= s1_exponents_q;
      sum_nan_o            <= s1_nan_q;
      sum_token_exponent_o <= s1_token_exponent_q;
    end
  end

  // ---- Segments joined to groups, slices to groups; an entry per group --------------------------

  logic signed [SumW-1:0] sum_joined [2*Segs];
  logic signed [SumW-1:0] group_sum, group_sum_q;
  always_comb begin
    sum_joined[0] = '0;
    for (int unsigned s = 0; s < Segs; s++) sum_joined[Segs+s] = seg_sum_q[s];
    for (int unsigned i = Segs - 1; i > 0; i--) begin
      sum_joined[i] = sum_joined[2*i] + sum_joined[2*i+1];
    end
  end

  // Zero between groups.
  assign group_sum = group_sum_q + sum_joined[1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) group_sum_q <= '0;
    else if (s2_valid_q) group_sum_q <= s2_group_last_q ? '0 : group_sum;
  end

  always_comb begin
    sum_exponents_o = s2_exponents_q;
    sum_sums_o      = '0;
    for (int unsigned l = 0; l <= SegLog2; l++) begin
      if (s2_valid_q && s2_level_q == 2'(l)) begin
        for (int unsigned s = 0; s < (Segs >> l); s++) begin
          sum_exponents_o[s*5 +: 5]  = s2_exponents_q[(s<<l)*5 +: 5];
          sum_sums_o[s*SumW +: SumW] = sum_joined[(Segs>>l)+s];
        end
      end
    end
    if (s2_level_q == 2'(SegLog2)) sum_sums_o[SumW-1:0] = group_sum;
  end

  `BL_ASSERT_IF(HeadsHaveRoom, head_push, head_ready,
                "more groups are queued than the raw buffer can hold")

endmodule
