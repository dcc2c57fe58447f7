// SPDX-License-Identifier: Apache-2.0
// Moves the products of Lanes rows to their places in the accumulators.
//
// Function:   a term is round_half_up(product * 2^distance) = floor(product * 2^distance + 1/2). It
//             leaves in two limbs: a low one of LowW bits with one more bit below the unit, the
//             first that fell off, and a high one. Term = high * 2^LowW + low + that bit: what adds
//             the limbs up takes the bit as a carry.
// Latency:    1 cycle. Throughput: Lanes products per cycle.
// Limits:     a product other than 0 has a distance below AccumulatorBits; to the right there is no
//             limit. Exact: distances are those of exact terms, -12 .. 62, and the bits that fall
//             off are zeros.
//
// The shift takes two steps: by 0..15 to the left, then by a multiple of 16 to either side.

`include "bl_assert.svh"

module bl_accum_place #(
  parameter int unsigned Lanes,
  parameter int unsigned ProductW,
  parameter int unsigned MantissaBits,
  parameter int unsigned AccumulatorBits,
  parameter bit          Exact,
  parameter int unsigned LowW,
  parameter int unsigned HighW
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      valid_i,
  input  logic                      nan_i,        // of a token with NaNs: nothing holds
  input  logic [Lanes*ProductW-1:0] products_i,
  input  logic [Lanes*10-1:0]       distances_i,  // signed

  output logic [Lanes*64-1:0]       lows_o,       // in fields of 64
  output logic [Lanes*HighW-1:0]    highs_o
);

  // One bit below the unit, and room for the first step.
  localparam int unsigned FineW = ProductW + 16;
  // Exact terms go to the right only for wide mantissas, and then by less than 16.
  localparam bit ToRight = !Exact || MantissaBits > 12;
  // Bits of the number of steps of 16 to the left. The high limb takes those beyond the low one.
  localparam int unsigned StepW = Exact ? 2 : $clog2((AccumulatorBits + 15) / 16);
  localparam logic [2:0] LowSteps = 3'(LowW / 16);
  localparam int unsigned HighStepW = HighW > 64 ? 3 : 2;

  logic signed [ProductW-1:0] product [Lanes];
  logic signed [9:0]          distance [Lanes];
  for (genvar l = 0; l < Lanes; l++) begin : gen_operand
    always_comb begin
      product[l]  = '0;
      distance[l] = '0;
      if (valid_i) begin
        product[l]  = products_i[l*ProductW +: ProductW];
        distance[l] = distances_i[l*10 +: 10];
      end
    end
  end

  // In the loop every variable has 16 bits or more and is assigned without a condition: compilers
  // then make vector instructions of it (docs/units/accum.md).
  logic [LowW:0]     low [Lanes];
  logic [HighW-1:0]  high [Lanes];
  logic [FineW-1:0]  dropped;   // any lane's bits that must be zeros
  logic [ProductW:0] beyond;    // any lane's product that is too far to the left
  always_comb begin
    int unsigned             l;
    logic signed [9:0]       d;
    logic signed [FineW-1:0] fine;
    logic [2:0]              steps;
    logic signed [HighW-1:0] wide, high_right, high_left;
    logic [LowW:0]           low_limb;
    d          = '0;
    fine       = '0;
    steps      = '0;
    wide       = '0;
    high_right = '0;
    high_left  = '0;
    low_limb   = '0;
    dropped    = '0;
    beyond     = '0;
    for (l = 0; l < Lanes; l++) begin
      low[l]  = '0;
      high[l] = '0;
    end
    if (valid_i) begin
      for (l = 0; l < Lanes; l++) begin
        d    = distance[l];
        fine = FineW'(product[l]) <<< (5'(d[3:0]) + 5'd1);
        if (Exact && ToRight) begin
          dropped = dropped | (d[9] ? FineW'(fine[16:0]) : '0);
          fine    = d[9] ? fine >>> 16 : fine;
        end else if (ToRight) begin
          fine = d[9] ? fine >>> {2'd0 - d[5:4], 4'd0} : fine;
          fine = d < -10'sd48 ? '0 : fine;  // less than half a unit, whatever the product
        end
        steps      = d[9] ? 3'd0 : 3'(d[4 +: StepW]);
        beyond     = beyond | (d[9] || d[8:4] == 5'(steps) ? '0 : {1'b0, product[l]});
        wide       = HighW'(fine);
        high_right = wide >>> 1 >>> {2'(LowSteps - steps), 4'd0};
        high_left  = wide >>> 1 << {HighStepW'(steps - LowSteps), 4'd0};
        low_limb   = (LowW+1)'(wide << {steps[1:0], 4'd0});
        low[l]     = steps < LowSteps ? low_limb : '0;
        high[l]    = steps < LowSteps ? high_right : high_left;
      end
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        lows_o[l*64 +: 64]        <= 64'(low[l]);
        highs_o[l*HighW +: HighW] <= high[l];
      end
    end
  end

  `BL_ASSERT_IF(DroppedBitsAreZero, valid_i, nan_i || dropped == '0,
                "an exact term is not a multiple of the accumulator's unit")
  `BL_ASSERT_IF(TermsAreInReach, valid_i, nan_i || beyond == '0,
                "a term lies beyond the accumulator's highest bit")

endmodule
