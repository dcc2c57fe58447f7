// SPDX-License-Identifier: Apache-2.0
// One token's binary sums times their scales, and its group sums times the offsets.
//
// Function:   takes a vector of the sums S of all rows for one group and plane (or code), and one
//             vector of binary16 scales; gives, for Lanes rows per phase, the product of S and the
//             scale's significand, and how far the accumulator has to shift it:
//               term = round_half_up(product * 2^distance)  accumulator units.
//             In codebook mode S is the sum over the plane of one code, set bits +1 and others -1,
//             and (S + group sum) / 2, the sum over the set bits alone, takes its place. A vector
//             that brings offsets gives a second product per row, group sum times offset, from a
//             multiplier of its own and in the same cycle.
// Latency:    1 cycle. Throughput: a phase per cycle, RowsPerScale phases per vector; no stalls.
// Limits:     scales and offsets are finite (the host refuses others). The vector's inputs are
//             stable for all of its phases, which come in order.

`include "bl_assert.svh"

module bl_scale #(
  parameter int unsigned Rows,
  parameter int unsigned RowsPerScale,
  parameter int unsigned SumW,
  localparam int unsigned Lanes = Rows / RowsPerScale,
  localparam int unsigned FieldW = bl_pkg::FieldW,
  localparam int unsigned ProductW = SumW + 12,
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      valid_i,            // a phase of a vector of sums
  input  logic [PhaseW-1:0]         phase_i,            // rows phase * Lanes ... + Lanes - 1
  input  logic [Rows*FieldW-1:0]    sums_i,             // SumW bits of each field
  input  logic [Rows*16-1:0]        scales_i,
  input  logic [Rows*16-1:0]        offsets_i,
  input  logic                      offset_i,           // add the offset terms with this vector
  input  logic                      codebook_i,
  input  logic [4:0]                exponent_i,         // E_g + 14
  input  logic [SumW-1:0]           group_sum_i,
  input  logic signed [9:0]         bias_i,             // distance = both exponents + bias
  input  logic                      first_i,            // of the row tile
  input  logic                      last_i,             // of the row tile
  input  logic                      nan_i,

  output logic                      term_valid_o,
  output logic [PhaseW-1:0]         term_phase_o,
  output logic                      term_first_o,
  output logic                      term_last_o,
  output logic                      term_nan_o,
  output logic [Lanes*ProductW-1:0] products_o,
  output logic [Lanes*10-1:0]       distances_o,        // signed
  output logic                      offset_valid_o,
  output logic [Lanes*ProductW-1:0] offset_products_o,
  output logic [Lanes*10-1:0]       offset_distances_o  // signed
);

  logic signed [SumW-1:0] group_sum;
  logic signed [9:0]      bias;
  assign group_sum = group_sum_i;
  assign bias      = bias_i + 10'(exponent_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      term_valid_o   <= 1'b0;
      offset_valid_o <= 1'b0;
    end else begin
      term_valid_o   <= valid_i;
      offset_valid_o <= valid_i && offset_i;
    end
    if (valid_i) begin
      term_phase_o <= phase_i;
      term_first_o <= first_i;
      term_last_o  <= last_i;
      term_nan_o   <= nan_i;
    end
  end

  logic unused_fields;
  assign unused_fields = ^sums_i;

  // The phase's operands, one element per lane.
  logic signed [SumW-1:0] sum [Lanes];
  logic [15:0]            scale [Lanes];
  logic [15:0]            offset [Lanes];
  for (genvar l = 0; l < Lanes; l++) begin : gen_operand
    always_comb begin
      sum[l]   = '0;
      scale[l] = '0;
      if (valid_i) begin
        sum[l]   = sums_i[(RowsPerScale > 1 ? 32'(phase_i)*Lanes+l : l)*FieldW +: SumW];
        scale[l] = scales_i[(RowsPerScale > 1 ? 32'(phase_i)*Lanes+l : l)*16 +: 16];
      end
    end

    always_comb begin
      offset[l] = '0;
      if (valid_i && offset_i) begin
        offset[l] = offsets_i[(RowsPerScale > 1 ? 32'(phase_i)*Lanes+l : l)*16 +: 16];
      end
    end
  end

  // A finite binary16 is significand * 2^(exponent - 24).
  logic signed [ProductW-1:0] product [Lanes];
  logic signed [9:0]          distance [Lanes];
  logic                       odd;  // some lane's S and the group sum differ in parity
  always_comb begin
    int unsigned            l;
    logic [15:0]            half;
    logic signed [11:0]     significand;
    logic signed [SumW:0]   doubled;
    logic signed [SumW-1:0] factor;
    logic [15:0]            odd_lanes;
    half        = '0;
    significand = '0;
    doubled     = '0;
    factor      = '0;
    odd_lanes   = '0;
    for (l = 0; l < Lanes; l++) begin
      product[l]  = '0;
      distance[l] = '0;
    end
    if (valid_i) begin
      for (l = 0; l < Lanes; l++) begin
        half        = scale[l];
        significand = {1'b0, half[14:10] != 5'd0, half[9:0]};
        significand = half[15] ? -significand : significand;
        doubled     = (SumW+1)'(sum[l]) + (SumW+1)'(group_sum);
        odd_lanes   = odd_lanes | 16'(doubled[0]);
        factor      = codebook_i ? SumW'(doubled >>> 1) : sum[l];
        product[l]  = ProductW'(factor) * ProductW'(significand);
        distance[l] = bias + 10'(half[14:10]) - 10'(half[14:10] != 5'd0);
      end
    end
    odd = odd_lanes != '0;
  end

  logic signed [ProductW-1:0] offset_product [Lanes];
  logic signed [9:0]          offset_distance [Lanes];
  always_comb begin
    int unsigned        l;
    logic [15:0]        half;
    logic signed [11:0] significand;
    half        = '0;
    significand = '0;
    for (l = 0; l < Lanes; l++) begin
      offset_product[l]  = '0;
      offset_distance[l] = '0;
    end
    if (valid_i && offset_i) begin
      for (l = 0; l < Lanes; l++) begin
        half               = offset[l];
        significand        = {1'b0, half[14:10] != 5'd0, half[9:0]};
        significand        = half[15] ? -significand : significand;
        offset_product[l]  = ProductW'(group_sum) * ProductW'(significand);
        offset_distance[l] = bias + 10'(half[14:10]) - 10'(half[14:10] != 5'd0);
      end
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        products_o[l*ProductW +: ProductW] <= product[l];
        distances_o[l*10 +: 10]            <= distance[l];
      end
      if (valid_i && offset_i) begin
        offset_products_o[l*ProductW +: ProductW] <= offset_product[l];
        offset_distances_o[l*10 +: 10]            <= offset_distance[l];
      end
    end
  end

  `BL_ASSERT_IF(CodesSplitTheGroup, valid_i && codebook_i, nan_i || !odd,
                "a sum and its group's sum differ in parity")

endmodule
