// SPDX-License-Identifier: Apache-2.0
// Rounds sums to binary32 or binary16: the only rounding of the whole dot product.
//
// Function:   a value counts units of 2^unit_i; it becomes the nearest number of the format, ties
//             to even. Overflow gives infinity, subnormals are kept, zero is +0, a value that
//             rounds to zero keeps its sign; nan_i gives the canonical quiet NaN. Lanes values at a
//             time share unit, NaN flag, token and format.
// Latency:    5 cycles. Throughput: Lanes values per cycle; never stalls.
// Limits:     1 < AccumulatorBits <= 128. Any unit.

module bl_norm #(
  parameter int unsigned AccumulatorBits,
  parameter int unsigned Lanes
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  logic                             valid_i,
  input  logic [Lanes*AccumulatorBits-1:0] values_i,    // two's complement
  input  logic signed [9:0]                unit_i,
  input  logic                             nan_i,
  input  logic [3:0]                       token_i,
  input  logic                             binary16_i,

  output logic                             valid_o,
  output logic [Lanes*32-1:0]              values_o,    // binary16 in the low half
  output logic                             nan_o,
  output logic [3:0]                       token_o
);

  // The exponents of normal numbers.
  localparam logic signed [10:0] MinExponent32 = -11'sd126;
  localparam logic signed [10:0] MaxExponent32 = 11'sd127;
  localparam logic signed [10:0] MinExponent16 = -11'sd14;
  localparam logic signed [10:0] MaxExponent16 = 11'sd15;
  localparam logic [30:0] Infinity32 = 31'h7F800000;
  localparam logic [30:0] Infinity16 = 31'h00007C00;
  localparam logic [31:0] QuietNan32 = 32'h7FC00000;
  localparam logic [31:0] QuietNan16 = 32'h00007E00;

  // ---- What the lanes share ---------------------------------------------------------------------

  logic              s1_valid_q, s2_valid_q, s3_valid_q, s4_valid_q;
  logic              s1_nan_q, s2_nan_q, s3_nan_q, s4_nan_q;
  logic              s1_binary16_q, s2_binary16_q, s3_binary16_q, s4_binary16_q;
  logic [3:0]        s1_token_q, s2_token_q, s3_token_q, s4_token_q;
  logic signed [9:0] s1_unit_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      s1_valid_q <= 1'b0;
      s2_valid_q <= 1'b0;
      s3_valid_q <= 1'b0;
      s4_valid_q <= 1'b0;
      valid_o    <= 1'b0;
    end else begin
      s1_valid_q <= valid_i;
      s2_valid_q <= s1_valid_q;
      s3_valid_q <= s2_valid_q;
      s4_valid_q <= s3_valid_q;
      valid_o    <= s4_valid_q;
    end
    {s1_nan_q, s1_binary16_q, s1_token_q} <= {nan_i, binary16_i, token_i};
    {s2_nan_q, s2_binary16_q, s2_token_q} <= {s1_nan_q, s1_binary16_q, s1_token_q};
    {s3_nan_q, s3_binary16_q, s3_token_q} <= {s2_nan_q, s2_binary16_q, s2_token_q};
    {s4_nan_q, s4_binary16_q, s4_token_q} <= {s3_nan_q, s3_binary16_q, s3_token_q};
    s1_unit_q <= unit_i;
    nan_o     <= s4_nan_q;
    token_o   <= s4_token_q;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [AccumulatorBits-1:0] value;
    assign value = values_i[l*AccumulatorBits +: AccumulatorBits];

    // ---- Stage 1: sign and magnitude ------------------------------------------------------------

    logic                       s1_sign_q;
    logic [AccumulatorBits-1:0] s1_magnitude_q;
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        s1_sign_q      <= value[AccumulatorBits-1];
        s1_magnitude_q <= value[AccumulatorBits-1] ? -value : value;
      end
    end

    // ---- Stage 2: the leading one moves to the upper half of 64 bits ----------------------------

    // What lies below the 64 bits only matters as being zero or not: bit 0, more than 24 places
    // below the leading one, takes it up.
    logic               s2_sign_q;
    logic [63:0]        s2_top_q;
    logic signed [10:0] s2_exponent_q;  // of bit 63
    always_ff @(posedge clk_i) begin
      if (s1_valid_q) begin
        logic [63:0]        high, low;
        logic signed [10:0] exponent;
        {high, low} = 128'(s1_magnitude_q) << (128 - AccumulatorBits);
        exponent    = 11'(s1_unit_q) + 11'(AccumulatorBits - 1);
        if (high == '0) begin
          high     = low;
          low      = '0;
          exponent = exponent - 11'd64;
        end
        if (high[63:32] == '0) begin
          {high, low} = {high[31:0], low, 32'd0};
          exponent    = exponent - 11'd32;
        end
        s2_sign_q     <= s1_sign_q;
        s2_top_q      <= {high[63:1], high[0] || low != '0};
        s2_exponent_q <= exponent;
      end
    end

    // ---- Stage 3: the leading one moves to the top ----------------------------------------------

    logic               s3_sign_q, s3_nonzero_q;
    logic [25:0]        s3_significand_q;  // 24 bits, the next one, and whether any follow
    logic signed [10:0] s3_exponent_q;
    always_ff @(posedge clk_i) begin
      if (s2_valid_q) begin
        logic [63:0]        top;
        logic signed [10:0] exponent;
        top      = s2_top_q;
        exponent = s2_exponent_q;
        for (int unsigned step = 16; step != 0; step /= 2) begin
          if ((top >> (64 - step)) == '0) begin
            top      = top << step;
            exponent = exponent - 11'(step);
          end
        end
        s3_sign_q        <= s2_sign_q;
        s3_nonzero_q     <= top[63];
        s3_significand_q <= {top[63:39], top[38:0] != '0};
        s3_exponent_q    <= exponent;
      end
    end

    // ---- Stage 4: the last place of the format moves to its place -------------------------------

    logic        s4_sign_q, s4_overflow_q;
    logic [7:0]  s4_field_q;        // exponent field, less one for normal numbers
    logic [25:0] s4_significand_q;
    always_ff @(posedge clk_i) begin
      if (s3_valid_q) begin
        logic signed [10:0] min_exponent, above;
        logic [10:0]        below;
        logic [4:0]         drop;
        logic [57:0]        shifted;
        min_exponent = s3_binary16_q ? MinExponent16 : MinExponent32;
        above        = s3_exponent_q - min_exponent;
        below        = (above < 11'sd0 ? -above : 11'd0) + (s3_binary16_q ? 11'd13 : 11'd0);
        drop         = below > 11'd31 ? 5'd31 : 5'(below);
        shifted      = {s3_significand_q, 32'd0} >> drop;
        s4_sign_q        <= s3_sign_q;
        s4_overflow_q    <= s3_nonzero_q &&
                            s3_exponent_q > (s3_binary16_q ? MaxExponent16 : MaxExponent32);
        s4_field_q       <= s3_nonzero_q && above > 11'sd0 ? 8'(above) : 8'd0;
        s4_significand_q <= {shifted[57:33], shifted[32:0] != '0};
      end
    end

    // ---- Stage 5: round and pack; a carry out of the fraction increments the exponent -----------

    always_ff @(posedge clk_i) begin
      if (s4_valid_q) begin
        logic        round_up;
        logic [30:0] magnitude;
        round_up  = s4_significand_q[1] && (s4_significand_q[2] || s4_significand_q[0]);
        magnitude = s4_binary16_q ? {13'd0, s4_field_q, 10'd0} : {s4_field_q, 23'd0};
        magnitude = magnitude + 31'(s4_significand_q[25:2]) + 31'(round_up);
        if (s4_overflow_q) magnitude = s4_binary16_q ? Infinity16 : Infinity32;
        if (s4_nan_q) begin
          values_o[l*32 +: 32] <= s4_binary16_q ? QuietNan16 : QuietNan32;
        end else if (s4_binary16_q) begin
          values_o[l*32 +: 32] <= {16'd0, s4_sign_q, magnitude[14:0]};
        end else begin
          values_o[l*32 +: 32] <= {s4_sign_q, magnitude};
        end
      end
    end
  end

endmodule
