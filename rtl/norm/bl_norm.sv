// SPDX-License-Identifier: Apache-2.0
/* verilator lint_off WIDTH */ /* verilator lint_off UNUSEDSIGNAL */ /* verilator lint_off UNUSEDPARAM */
module bl_norm #(parameter int unsigned AccumulatorBits, parameter int unsigned Lanes) (
  input logic clk_i, input logic rst_ni, input logic valid_i, output logic ready_o,
  input logic [Lanes*AccumulatorBits-1:0] values_i, input logic signed [9:0] unit_i, input logic nan_i, input logic [3:0] token_i, input logic binary16_i,
  output logic valid_o, input logic ready_i, output logic [Lanes*32-1:0] values_o, output logic nan_o, output logic [3:0] token_o);
  assign ready_o = !valid_o || ready_i;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_o <= 0; else if (ready_o) valid_o <= valid_i;
    if (ready_o && valid_i) begin nan_o <= nan_i; token_o <= token_i; end
  end
  for (genvar l = 0; l < Lanes; l++) begin : g
    logic [AccumulatorBits-1:0] v, m; logic [31:0] r; int lz, e, p, drop; logic [AccumulatorBits+40-1:0] x, k; logic up;
    always_comb begin
      v = values_i[l*AccumulatorBits +: AccumulatorBits];
      m = v[AccumulatorBits-1] ? -v : v; p = 0; r = 0; up = 0; x = 0; k = 0; lz = 0; e = 0; drop = 0;
      for (int i = 0; i < AccumulatorBits; i++) if (m[i]) p = i;
      e = p + 32'(unit_i);
      if (nan_i) r = binary16_i ? 32'h7E00 : 32'h7FC00000;
      else if (m != 0) begin
        // keep `prec` bits
        drop = binary16_i ? (e < -14 ? -24 - 32'(unit_i) : p - 10) : p - 23;
        x = {m, 40'd0};
        drop = drop + 40;
        if (drop > AccumulatorBits + 39) begin k = 0; up = drop == AccumulatorBits + 40 ? 1'b0 : 1'b0; end
        else begin
          k = x >> drop;
          up = x[drop-1] && (k[0] || (x & (((AccumulatorBits+40)'(1) << (drop-1)) - 1'b1)) != 0);
        end
        if (binary16_i) begin
          r = 32'(k) + 32'(up) + (e < -14 ? 0 : (32'(e + 15) << 10) - 32'd1024);
          if (e > 15 || r >= 32'h7C00) r = 32'h7C00;
          r[15] = v[AccumulatorBits-1];
        end else begin
          r = 32'(k) + 32'(up) + (32'(e + 127) << 23) - 32'h800000;
          r[31] = v[AccumulatorBits-1];
        end
      end
    end
    always_ff @(posedge clk_i) if (ready_o && valid_i) values_o[l*32 +: 32] <= r;
  end
endmodule
