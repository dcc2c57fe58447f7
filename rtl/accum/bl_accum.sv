// SPDX-License-Identifier: Apache-2.0
/* verilator lint_off WIDTH */ /* verilator lint_off UNUSEDSIGNAL */ /* verilator lint_off UNUSEDPARAM */
`include "bl_assert.svh"
module bl_accum #(
  parameter int unsigned Rows,
  parameter int unsigned RowsPerScale,
  parameter int unsigned ProductW,
  parameter int unsigned MantissaBits,
  parameter int unsigned AccumulatorBits,
  parameter bit          Exact,
  parameter int unsigned ResultLanes,
  localparam int unsigned Lanes = Rows / RowsPerScale,
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1,
  localparam int unsigned RowW = $clog2(Rows)
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,
  input  logic                                   term_valid_i,
  input  logic [PhaseW-1:0]                      term_phase_i,
  input  logic                                   term_first_i,
  input  logic                                   term_last_i,
  input  logic                                   term_nan_i,
  input  logic [Lanes*ProductW-1:0]              products_i,
  input  logic [Lanes*10-1:0]                    distances_i,
  input  logic                                   offset_valid_i,
  input  logic [Lanes*ProductW-1:0]              offset_products_i,
  input  logic [Lanes*10-1:0]                    offset_distances_i,
  input  logic signed [9:0]                      unit_i,
  output logic                                   tile_done_o,
  input  logic                                   draining_i,
  input  logic [RowW-1:0]                        row_i,
  output logic [ResultLanes*AccumulatorBits-1:0] values_o,
  output logic                                   nan_o,
  output logic signed [9:0]                      unit_o
);
  localparam int unsigned W = 200;
  logic signed [AccumulatorBits-1:0] acc_q [Rows];
  logic signed [AccumulatorBits-1:0] result_q [Rows];
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic signed [W-1:0] t, o, ta, oa;
    logic signed [9:0] d, e;
    logic signed [AccumulatorBits-1:0] sum;
    always_comb begin
      d = distances_i[l*10 +: 10]; e = offset_distances_i[l*10 +: 10];
      ta = W'($signed(products_i[l*ProductW +: ProductW])); oa = W'($signed(offset_products_i[l*ProductW +: ProductW]));
      t = d >= 0 ? ta <<< d : ((ta >>> (-d - 10'sd1)) + 1) >>> 1;
      o = e >= 0 ? oa <<< e : ((oa >>> (-e - 10'sd1)) + 1) >>> 1;
      sum = (term_first_i ? '0 : acc_q[32'(term_phase_i)*Lanes+l]) + AccumulatorBits'(t) + (offset_valid_i ? AccumulatorBits'(o) : '0);
    end
    always_ff @(posedge clk_i) if (term_valid_i) begin
      acc_q[32'(term_phase_i)*Lanes+l] <= sum;
      if (term_last_i) result_q[32'(term_phase_i)*Lanes+l] <= sum;
    end
  end
  always_ff @(posedge clk_i) if (term_valid_i && term_last_i) begin nan_o <= term_nan_i; unit_o <= unit_i; end
  assign tile_done_o = term_valid_i && term_last_i && term_phase_i == PhaseW'(RowsPerScale-1);
  for (genvar l = 0; l < ResultLanes; l++) begin : gen_out
    assign values_o[l*AccumulatorBits +: AccumulatorBits] = result_q[32'(row_i)+l];
  end
  `BL_ASSERT(ResultsAreFree, !(term_valid_i && term_last_i && draining_i), "x")
endmodule
