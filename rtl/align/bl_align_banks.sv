// SPDX-License-Identifier: Apache-2.0
// A memory per token; all have the same addresses and write data.
//
// Latency: read data one cycle after `re_i`; a bank's data stays until its next read. Throughput:
// one read and one write per bank and cycle. A read of the word that is written in the same cycle
// returns the old word.
//
// One module for all banks, because a read register that is part of the wide output costs a
// simulated cycle only when it is read; outputs of several memories are joined in every cycle.

module bl_align_banks #(
  parameter int unsigned Banks,
  parameter int unsigned Width,
  parameter int unsigned Depth,
  localparam int unsigned AddrW = $clog2(Depth)
) (
  input  logic                   clk_i,

  input  logic [Banks-1:0]       we_i,
  input  logic [AddrW-1:0]       waddr_i,
  input  logic [Width-1:0]       wdata_i,

  input  logic [Banks-1:0]       re_i,
  input  logic [AddrW-1:0]       raddr_i,
  output logic [Banks*Width-1:0] rdata_o
);

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    logic [Width-1:0] mem_q [Depth];

    always_ff @(posedge clk_i) begin
      if (we_i[b]) mem_q[waddr_i] <= wdata_i;
      if (re_i[b]) rdata_o[b*Width +: Width] <= mem_q[raddr_i];
    end
  end

endmodule
