// SPDX-License-Identifier: Apache-2.0
/* verilator lint_off WIDTH */ /* verilator lint_off UNUSEDSIGNAL */ /* verilator lint_off UNUSEDPARAM */
module bl_drain #(
  parameter int unsigned Rows, parameter int unsigned Tokens, parameter int unsigned ResultLanes, parameter int unsigned AccumulatorBits,
  localparam int unsigned RowW = $clog2(Rows)
) (
  input logic clk_i, input logic rst_ni, input logic tile_done_i, input logic [4:0] tokens_i, input logic binary16_i,
  output logic [RowW-1:0] row_o,
  input logic [Tokens*ResultLanes*AccumulatorBits-1:0] values_i, input logic [Tokens-1:0] nans_i, input logic [Tokens*10-1:0] units_i,
  output logic valid_o, input logic ready_i, output logic [ResultLanes*AccumulatorBits-1:0] values_o, output logic nan_o, output logic [9:0] unit_o, output logic [3:0] token_o, output logic binary16_o,
  output logic drained_o, output logic draining_o
);
  logic [3:0] token_q;
  always_ff @(posedge clk_i) begin
    drained_o <= 1'b0;
    if (!rst_ni) begin draining_o <= 0; token_q <= 0; row_o <= 0; end
    else if (tile_done_i) draining_o <= 1'b1;
    else if (draining_o && ready_i) begin
      row_o <= row_o + RowW'(ResultLanes);
      if (32'(row_o) + ResultLanes == Rows) begin
        row_o <= 0; token_q <= token_q + 1;
        if (5'(token_q) + 5'd1 == tokens_i) begin token_q <= 0; draining_o <= 0; drained_o <= 1; end
      end
    end
  end
  assign valid_o = draining_o;
  assign token_o = token_q; assign binary16_o = binary16_i;
  assign values_o = values_i[32'(token_q)*ResultLanes*AccumulatorBits +: ResultLanes*AccumulatorBits];
  assign nan_o = nans_i[token_q]; assign unit_o = units_i[32'(token_q)*10 +: 10];
endmodule
