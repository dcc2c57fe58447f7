// SPDX-License-Identifier: Apache-2.0
// First-in first-out buffer with a registered head.
//
// Function:   words leave in the order in which they came.
// Latency:    2 cycles from an accepted word to the head of an empty buffer.
// Throughput: one word in and one word out per cycle.
// Limits:     Depth is a power of two, at least 2. The head register comes on top of Depth, so
//             Depth + 1 words fit; `wready_o` only looks at the memory.

module bl_fifo #(
  parameter int unsigned Width,
  parameter int unsigned Depth,
  localparam int unsigned PtrW = $clog2(Depth)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              wvalid_i,
  output logic              wready_o,
  input  logic [Width-1:0]  wdata_i,

  output logic              rvalid_o,
  input  logic              rready_i,
  output logic [Width-1:0]  rdata_o
);

  logic [Width-1:0] mem_q [Depth];
  logic [PtrW-1:0]  wptr_q, rptr_q;
  logic [PtrW:0]    count_q;
  logic             head_valid_q;
  logic             push, load;

  assign wready_o = count_q != (PtrW + 1)'(Depth);
  assign push     = wvalid_i && wready_o;
  assign load     = (count_q != '0) && (!head_valid_q || rready_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      wptr_q       <= '0;
      rptr_q       <= '0;
      count_q      <= '0;
      head_valid_q <= 1'b0;
    end else begin
      if (push) wptr_q <= wptr_q + 1'b1;
      if (load) rptr_q <= rptr_q + 1'b1;
      count_q      <= count_q + (PtrW + 1)'(push) - (PtrW + 1)'(load);
      head_valid_q <= load || (head_valid_q && !rready_i);
    end
  end

  // Data registers need no reset: the valid bit and the count guard them.
  always_ff @(posedge clk_i) begin
    if (push) mem_q[wptr_q] <= wdata_i;
  end

  always_ff @(posedge clk_i) begin
    if (load) rdata_o <= mem_q[rptr_q];
  end

  assign rvalid_o = head_valid_q;

endmodule
