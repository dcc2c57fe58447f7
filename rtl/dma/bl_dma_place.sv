// SPDX-License-Identifier: Apache-2.0
// One party's place in a ring of jobs.
//
// Function:   several parts of a unit work on a job one after the other or side by side (ask for
//             data, pass it on), each at its own pace, and share one copy of it: a ring of `Jobs`
//             jobs, which the unit keeps. Each part has a bl_dma_place, as has the one who writes
//             jobs, whose jobs are the free places. index_o is the place it is at, valid_o tells
//             whether a job is there, pop_i takes it to the next one, and add_i is set when a job
//             is added at the other end.
// Latency:    1 cycle from add_i to valid_o.
// Throughput: one job added and one popped per cycle.
// Limits:     as many jobs are added as fit.

`include "bl_assert.svh"

module bl_dma_place #(
  parameter int unsigned Jobs,      // at least 2
  parameter int unsigned Initial,   // jobs that are there after a reset: 0, or Jobs for the writer
  localparam int unsigned PtrW = $clog2(Jobs)
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            add_i,
  input  logic            pop_i,
  output logic            valid_o,
  output logic [PtrW-1:0] index_o
);

  localparam int unsigned CountW = $clog2(Jobs + 1);

  logic [CountW-1:0] count_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_o <= '0;
      count_q <= CountW'(Initial);
    end else if (add_i || pop_i) begin
      if (pop_i) index_o <= index_o == PtrW'(Jobs - 1) ? '0 : index_o + 1'b1;
      count_q <= count_q + CountW'(add_i) - CountW'(pop_i);
    end
  end

  assign valid_o = count_q != '0;

  `BL_ASSERT_IF(PopsAJob, pop_i, valid_o, "a job was popped that is not there")
  `BL_ASSERT_IF(JobHasRoom, add_i, 32'(count_q) < Jobs || pop_i, "more jobs than places")

endmodule
