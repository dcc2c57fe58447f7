// SPDX-License-Identifier: Apache-2.0
// A queue of jobs that several readers go through, each at its own pace.
//
// Function:   reader r sees the oldest job that it has not popped. A job's place is free again when
//             the last reader, the highest number, has popped it. So the parts of a unit that work
//             on a job one after the other (ask for data, pass it on) share one copy of it.
// Latency:    1 cycle from an accepted job to every reader.
// Throughput: one job in and one pop of each reader per cycle.
// Limits:     the last reader pops a job after all others have.

`include "bl_assert.svh"

module bl_dma_jobs #(
  parameter int unsigned Width,
  parameter int unsigned Jobs,      // at least 2
  parameter int unsigned Readers
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  logic                     valid_i,
  output logic                     ready_o,
  input  logic [Width-1:0]         job_i,

  output logic [Readers-1:0]       valid_o,
  input  logic [Readers-1:0]       pop_i,
  output logic [Readers*Width-1:0] job_o
);

  localparam int unsigned PtrW = $clog2(Jobs);
  localparam int unsigned CountW = $clog2(Jobs + 1);

  logic [Width-1:0]  mem_q [Jobs];
  logic [PtrW-1:0]   wptr_q;
  logic [CountW-1:0] kept;         // by the last reader
  logic              push;

  assign ready_o = kept != CountW'(Jobs);
  assign push    = valid_i && ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) wptr_q <= '0;
    else if (push) wptr_q <= wptr_q == PtrW'(Jobs - 1) ? '0 : wptr_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (push) mem_q[wptr_q] <= job_i;
  end

  for (genvar r = 0; r < Readers; r++) begin : gen_reader
    logic [PtrW-1:0]   rptr_q;
    logic [CountW-1:0] count_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        rptr_q  <= '0;
        count_q <= '0;
      end else if (push || pop_i[r]) begin
        if (pop_i[r]) rptr_q <= rptr_q == PtrW'(Jobs - 1) ? '0 : rptr_q + 1'b1;
        count_q <= count_q + CountW'(push) - CountW'(pop_i[r]);
      end
    end

    assign valid_o[r]              = count_q != '0;
    assign job_o[r*Width +: Width] = mem_q[rptr_q];
  end

  assign kept = gen_reader[Readers-1].count_q;

  `BL_ASSERT(PopsAJob, (pop_i & ~valid_o) == '0, "a reader popped a job that is not there")

endmodule
