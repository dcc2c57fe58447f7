// SPDX-License-Identifier: Apache-2.0
// Memory with one write port and one read port.
//
// Latency: read data one cycle after `re_i`; it stays until the next read. Throughput: one read and
// one write per cycle. A read of the word that is written in the same cycle returns the old word.

module bl_ram #(
  parameter int unsigned Width,
  parameter int unsigned Depth,
  localparam int unsigned AddrW = $clog2(Depth)
) (
  input  logic             clk_i,

  input  logic             we_i,
  input  logic [AddrW-1:0] waddr_i,
  input  logic [Width-1:0] wdata_i,

  input  logic             re_i,
  input  logic [AddrW-1:0] raddr_i,
  output logic [Width-1:0] rdata_o
);

  logic [Width-1:0] mem_q [Depth];

  always_ff @(posedge clk_i) begin
    if (we_i) mem_q[waddr_i] <= wdata_i;
    if (re_i) rdata_o <= mem_q[raddr_i];
  end

endmodule
