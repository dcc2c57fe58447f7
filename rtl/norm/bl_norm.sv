// SPDX-License-Identifier: Apache-2.0
// Rounds an exact sum to binary32: the only rounding of the whole dot product.
//
// Function:   value_i counts units of 2^-48; value_o is the nearest binary32, ties to even. An
//             exact zero is +0; nan_i gives the canonical quiet NaN. No sum of the contract
//             overflows or is subnormal in binary32 (docs/arithmetic.md).
// Latency:    3 cycles. Throughput: one value per cycle.
// Limits:     26 <= AccumulatorBits <= 128.

`include "bl_assert.svh"

module bl_norm #(
  parameter int unsigned AccumulatorBits
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       valid_i,
  output logic                       ready_o,
  input  logic [AccumulatorBits-1:0] value_i,
  input  logic                       nan_i,

  output logic                       valid_o,
  input  logic                       ready_i,
  output logic [31:0]                value_o,
  output logic                       nan_o
);

  localparam int unsigned PosW = $clog2(AccumulatorBits);
  localparam logic [31:0] QuietNan = 32'h7FC00000;
  // Biased exponent of the unit 2^-48.
  localparam int unsigned UnitExponent = 127 - 48;

  logic advance;
  assign advance = !valid_o || ready_i;
  assign ready_o = advance;

  logic s1_valid_q, s2_valid_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      s1_valid_q <= 1'b0;
      s2_valid_q <= 1'b0;
      valid_o    <= 1'b0;
    end else if (advance) begin
      s1_valid_q <= valid_i;
      s2_valid_q <= s1_valid_q;
      valid_o    <= s2_valid_q;
    end
  end

  // ---- Stage 1: sign and magnitude --------------------------------------------------------------

  logic                       s1_sign_q, s1_nan_q;
  logic [AccumulatorBits-1:0] s1_magnitude_q;
  always_ff @(posedge clk_i) begin
    if (advance && valid_i) begin
      s1_sign_q      <= value_i[AccumulatorBits-1];
      s1_magnitude_q <= value_i[AccumulatorBits-1] ? -value_i : value_i;
      s1_nan_q       <= nan_i;
    end
  end

  // ---- Stage 2: the leading one moves to the top ------------------------------------------------

  logic [PosW-1:0] leading_zeros;
  always_comb begin
    leading_zeros = '0;
    if (s1_valid_q) begin
      for (int unsigned i = 0; i < AccumulatorBits; i++) begin
        if (s1_magnitude_q[i]) leading_zeros = PosW'(AccumulatorBits - 1 - i);
      end
    end
  end

  logic                       s2_sign_q, s2_nan_q;
  logic [AccumulatorBits-1:0] s2_top_q;
  logic [7:0]                 s2_exponent_q;
  always_ff @(posedge clk_i) begin
    if (advance && s1_valid_q) begin
      s2_sign_q     <= s1_sign_q;
      s2_nan_q      <= s1_nan_q;
      s2_top_q      <= s1_magnitude_q << leading_zeros;
      s2_exponent_q <= 8'(UnitExponent + AccumulatorBits - 1) - 8'(leading_zeros);
    end
  end

  // ---- Stage 3: round and pack; a carry out of the fraction increments the exponent -------------

  logic        round_up;
  logic [31:0] packed_value;
  assign round_up = s2_top_q[AccumulatorBits-25] &&
                    (s2_top_q[AccumulatorBits-24] || s2_top_q[AccumulatorBits-26:0] != '0);
  assign packed_value = {s2_sign_q, s2_exponent_q, s2_top_q[AccumulatorBits-2 -: 23]} +
                        32'(round_up);

  always_ff @(posedge clk_i) begin
    if (advance && s2_valid_q) begin
      nan_o <= s2_nan_q;
      if (s2_nan_q)                          value_o <= QuietNan;
      else if (!s2_top_q[AccumulatorBits-1]) value_o <= '0;
      else                                   value_o <= packed_value;
    end
  end

  `BL_ASSERT_STABLE(OutIsStable, valid_o, ready_i, value_o)

endmodule
