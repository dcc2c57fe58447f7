// SPDX-License-Identifier: Apache-2.0
// Names shared by several units.

/* verilator lint_off UNUSEDPARAM */  // each unit uses some of them
package bl_pkg;

  // Why a cycle went by without, or with, a pass: numbered as the counters are (docs/registers.md).
  localparam int unsigned NumCauses = 6;
  localparam logic [2:0] CauseBusy = 3'd0;
  localparam logic [2:0] CauseOutput = 3'd1;
  localparam logic [2:0] CauseActivations = 3'd2;
  localparam logic [2:0] CauseScales = 3'd3;
  localparam logic [2:0] CauseWeights = 3'd4;
  localparam logic [2:0] CauseControl = 3'd5;

  // Memory streams, numbered as AXI IDs: reads, then writes.
  localparam int unsigned NumReadStreams = 4;
  localparam int unsigned ReadWeights = 0;
  localparam int unsigned ReadScales = 1;
  localparam int unsigned ReadActivations = 2;
  localparam int unsigned ReadDescriptors = 3;
  localparam int unsigned WriteOutputs = 0;
  localparam int unsigned WriteCompletions = 1;

  // Columns per group that this design supports.
  localparam int unsigned GroupColumns = 128;

  // Jobs that wait in every unit's queue behind the one at its head: while that one computes, the
  // next one's data comes in and the one after it is fetched.
  localparam int unsigned JobQueue = 2;

endpackage
/* verilator lint_on UNUSEDPARAM */
