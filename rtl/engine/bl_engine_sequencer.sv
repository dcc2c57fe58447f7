// SPDX-License-Identifier: Apache-2.0
// Issues the passes of the array and says, every cycle, why none could be issued.
//
// Function:   a pass takes one plane word; passes go in the order row tile, group, plane, slice. A
//             pass needs its plane word, its slot's tables, room for the sums it completes and, at
//             the end of a row tile, free result registers. Downstream never stalls the array:
//             credits are taken here.
// Latency:    none: conditions, pass and cause belong to the same cycle.
// Throughput: one pass per cycle, also across jobs.
// Limits:     bits >= 1, tiles >= 1, slices a multiple of GroupSlices: checked by bl_ctrl.

`include "bl_assert.svh"

module bl_engine_sequencer #(
  parameter int unsigned GroupSlices,
  parameter int unsigned CountW,
  parameter int unsigned TileW,
  parameter int unsigned Slots,
  parameter int unsigned SumCredits,
  parameter int unsigned JobQueue,
  localparam int unsigned SlotW = $clog2(Slots)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              job_valid_i,
  output logic              job_ready_o,
  input  logic [TileW-1:0]  job_tiles_i,
  input  logic [CountW-1:0] job_slices_i,
  input  logic [3:0]        job_bits_i,
  input  logic              job_has_offset_i,

  input  logic              plane_valid_i,
  output logic              plane_ready_o,
  input  logic              table_valid_i,   // pulse: one more slot holds tables
  output logic              slot_free_o,     // pulse: the oldest slot was read for the last time
  input  logic              sums_pop_i,      // pulse: one vector of sums has been consumed
  input  logic              tile_draining_i, // finished results are leaving
  input  logic              tile_drained_i,  // pulse: the result registers are free

  output logic              pass_valid_o,
  output logic [SlotW-1:0]  pass_slot_o,
  output logic              pass_first_o,    // first slice of the group
  output logic              pass_last_o,     // last slice of the group: the sums are complete
  output logic              plane_last_o,    // of the group's last plane
  output logic              tile_last_o,     // of the row tile's last group
  output logic              job_last_o,      // of the job's last row tile
  output logic              has_offset_o,

  output logic [2:0]        cause_o          // bl_pkg::Cause*
);

  localparam int unsigned SliceW = GroupSlices > 1 ? $clog2(GroupSlices) : 1;
  localparam logic [SliceW-1:0] LastSlice = SliceW'(GroupSlices - 1);
  localparam int unsigned SlotCountW = $clog2(Slots + 1);
  localparam int unsigned CreditW = $clog2(SumCredits + 1);

  logic              job_valid, job_pop;
  logic [TileW-1:0]  job_tiles;
  logic [CountW-1:0] job_slices;
  logic [3:0]        job_bits;

  bl_fifo #(
    .Width(TileW + CountW + 5),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i ({job_tiles_i, job_slices_i, job_bits_i, job_has_offset_i}),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o ({job_tiles, job_slices, job_bits, has_offset_o})
  );

  // ---- Position ---------------------------------------------------------------------------------

  logic [SliceW-1:0] slice_q;
  logic [3:0]        plane_q;
  logic [CountW-1:0] done_q;   // slices of this row tile in finished groups
  logic [TileW-1:0]  tile_q;
  logic              last_slice, last_plane, last_group, last_tile;

  assign last_slice = slice_q == LastSlice;
  assign last_plane = plane_q == job_bits - 1'b1;
  assign last_group = done_q == job_slices - CountW'(GroupSlices);
  assign last_tile  = tile_q == job_tiles - 1'b1;

  // ---- Credits ----------------------------------------------------------------------------------

  logic [SlotCountW-1:0] tables_q;       // slots that hold tables not yet released
  logic [SlotW-1:0]      slot_q;         // the oldest of them
  logic [CreditW-1:0]    sum_credits_q;
  logic                  tile_credit_q;

  // Slots are released during the last plane, so the oldest one is then the one in use.
  logic needs_tile, has_tables, has_sums, issue;
  assign has_tables = last_plane ? tables_q != '0 : tables_q > SlotCountW'(slice_q);
  assign has_sums   = !last_slice || sum_credits_q != '0;
  assign needs_tile = last_slice && last_plane && last_group;

  assign issue = job_valid && plane_valid_i && has_tables && has_sums &&
                 (!needs_tile || tile_credit_q);

  assign pass_valid_o  = issue;
  assign plane_ready_o = issue;
  assign pass_slot_o   = last_plane ? slot_q : slot_q + SlotW'(slice_q);
  assign pass_first_o  = slice_q == '0;
  assign pass_last_o   = last_slice;
  assign plane_last_o  = last_plane;
  assign tile_last_o   = last_plane && last_group;
  assign job_last_o    = last_plane && last_group && last_tile;
  assign slot_free_o   = issue && last_plane;
  assign job_pop       = issue && last_slice && job_last_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      slice_q       <= '0;
      plane_q       <= '0;
      done_q        <= '0;
      tile_q        <= '0;
      tables_q      <= '0;
      slot_q        <= '0;
      sum_credits_q <= CreditW'(SumCredits);
      tile_credit_q <= 1'b1;
    end else begin
      if (issue) begin
        slice_q <= last_slice ? '0 : slice_q + 1'b1;
        if (last_slice) plane_q <= last_plane ? '0 : plane_q + 1'b1;
        if (last_slice && last_plane) begin
          done_q <= last_group ? '0 : done_q + CountW'(GroupSlices);
          if (last_group) tile_q <= last_tile ? '0 : tile_q + 1'b1;
        end
      end
      if (slot_free_o) slot_q <= slot_q + 1'b1;
      tables_q      <= tables_q + SlotCountW'(table_valid_i) - SlotCountW'(slot_free_o);
      sum_credits_q <= sum_credits_q + CreditW'(sums_pop_i) - CreditW'(issue && last_slice);
      tile_credit_q <= tile_drained_i || (tile_credit_q && !(issue && needs_tile));
    end
  end

  // ---- Cause of this cycle, in order of priority ------------------------------------------------

  // A row tile that has not ended yet is held up by its scales, not by its results.
  logic waits_for_tile;
  assign waits_for_tile = needs_tile && !tile_credit_q;

  always_comb begin
    if (issue)                                  cause_o = bl_pkg::CauseBusy;
    else if (!job_valid)                        cause_o = bl_pkg::CauseControl;
    else if (waits_for_tile && tile_draining_i) cause_o = bl_pkg::CauseOutput;
    else if (!has_tables)                       cause_o = bl_pkg::CauseActivations;
    else if (!has_sums || waits_for_tile)       cause_o = bl_pkg::CauseScales;
    else                                        cause_o = bl_pkg::CauseWeights;
  end

  `BL_ASSERT(TablesFit, 32'(tables_q) <= Slots, "more slots hold tables than there are slots")

endmodule
