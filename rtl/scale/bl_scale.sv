// SPDX-License-Identifier: Apache-2.0
/* verilator lint_off WIDTH */ /* verilator lint_off UNUSEDSIGNAL */ /* verilator lint_off UNUSEDPARAM */
`include "bl_assert.svh"
module bl_scale #(
  parameter int unsigned Rows,
  parameter int unsigned RowsPerScale,
  parameter int unsigned SumW,
  localparam int unsigned Lanes = Rows / RowsPerScale,
  localparam int unsigned ProductW = SumW + 12,
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1
) (
  input  logic clk_i, input logic rst_ni,
  input  logic valid_i,
  input  logic [PhaseW-1:0] phase_i,
  input  logic [Rows*SumW-1:0] sums_i,
  input  logic [Rows*16-1:0] scales_i,
  input  logic [Rows*16-1:0] offsets_i,
  input  logic offset_i,
  input  logic codebook_i,
  input  logic [4:0] exponent_i,
  input  logic [SumW-1:0] group_sum_i,
  input  logic signed [9:0] bias_i,
  input  logic first_i, input logic last_i, input logic nan_i,
  output logic term_valid_o,
  output logic [PhaseW-1:0] term_phase_o,
  output logic term_first_o, output logic term_last_o, output logic term_nan_o,
  output logic [Lanes*ProductW-1:0] products_o,
  output logic [Lanes*10-1:0] distances_o,
  output logic offset_valid_o,
  output logic [Lanes*ProductW-1:0] offset_products_o,
  output logic [Lanes*10-1:0] offset_distances_o
);
  always_ff @(posedge clk_i) begin
    term_valid_o <= rst_ni && valid_i;
    offset_valid_o <= rst_ni && valid_i && offset_i;
    term_phase_o <= phase_i; term_first_o <= first_i; term_last_o <= last_i; term_nan_o <= nan_i;
  end
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [15:0] a, b;
    logic signed [SumW-1:0] s, f;
    logic signed [11:0] sa, sb;
    always_comb begin
      a = scales_i[(32'(phase_i)*Lanes+l)*16 +: 16];
      b = offsets_i[(32'(phase_i)*Lanes+l)*16 +: 16];
      s = sums_i[(32'(phase_i)*Lanes+l)*SumW +: SumW];
      f = codebook_i ? SumW'(((SumW+1)'(s) + (SumW+1)'($signed(group_sum_i))) >>> 1) : s;
      sa = {1'b0, a[14:10] != 0, a[9:0]};
      if (a[15]) sa = -sa;
      sb = {1'b0, b[14:10] != 0, b[9:0]};
      if (b[15]) sb = -sb;
    end
    always_ff @(posedge clk_i) if (valid_i) begin
      products_o[l*ProductW +: ProductW] <= ProductW'(f) * ProductW'(sa);
      distances_o[l*10 +: 10] <= 10'(exponent_i) + 10'(a[14:10]) - 10'(a[14:10] != 0) + bias_i;
      offset_products_o[l*ProductW +: ProductW] <= ProductW'($signed(group_sum_i)) * ProductW'(sb);
      offset_distances_o[l*10 +: 10] <= 10'(exponent_i) + 10'(b[14:10]) - 10'(b[14:10] != 0) + bias_i;
    end
  end
endmodule
