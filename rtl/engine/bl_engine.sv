// SPDX-License-Identifier: Apache-2.0
// The engine: binary16 activations, plane words and scales in, rounded results out.
//
//   activations -> align -> [buffer] -> lut --tables--> pe <--plane words-- plane <- weights
//                                        |               |
//                                        +-group data-> scale <- scales
//                                                        |
//                                                      accum -> norm -> results
//
// Function:   runs jobs (tiles x slices x bits, docs/units/engine.md) one after the other; jobs
//             overlap as far as the buffers reach. Results leave row by row, tile by tile, rows
//             beyond M included.
// Throughput: one plane word per cycle.
// Limits:     BCQ, groups of bl_pkg::GroupColumns, one token, exact accumulator, binary32 results.

`include "bl_assert.svh"

module bl_engine #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned RowsPerLut,
  parameter int unsigned RowsPerScale,
  parameter int unsigned MantissaBits,
  parameter int unsigned AccumulatorBits,
  parameter int unsigned MaxK,
  parameter int unsigned TileW,
  parameter int unsigned BeatW,
  localparam int unsigned CountW = $clog2(MaxK / Columns + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              job_valid_i,
  output logic              job_ready_o,
  input  logic [TileW-1:0]  job_tiles_i,
  input  logic [CountW-1:0] job_slices_i,
  input  logic [3:0]        job_bits_i,
  input  logic              job_has_offset_i,

  input  logic              weight_valid_i,
  output logic              weight_ready_o,
  input  logic [BeatW-1:0]  weight_data_i,

  input  logic              scale_valid_i,
  output logic              scale_ready_o,
  input  logic [BeatW-1:0]  scale_data_i,

  input  logic              act_valid_i,
  output logic              act_ready_o,
  input  logic [BeatW-1:0]  act_data_i,

  output logic              result_valid_o,
  input  logic              result_ready_i,
  output logic [31:0]       result_data_o,
  output logic              result_nan_o,   // the token held a NaN or Inf

  output logic [2:0]        cause_o         // bl_pkg::Cause*: what this cycle was used for
);

  localparam int unsigned GroupSlices = bl_pkg::GroupColumns / Columns;
  // Eight slots hide the table builder's latency; two groups' worth let it work a group ahead.
  localparam int unsigned Slots = 2 * GroupSlices > 8 ? 2 * GroupSlices : 8;
  localparam int unsigned SlotW = $clog2(Slots);
  localparam int unsigned SumW = MantissaBits + 8;
  // Sums under way between the pass that completes them and the multiplier: about ten cycles.
  localparam int unsigned SumQueue = GroupSlices >= 4 ? 4 : 16;
  // Groups between table builder and multiplier: those in the slots and those of queued sums.
  localparam int unsigned GroupQueue = GroupSlices >= 4 ? 16 : 32;
  localparam int unsigned EntriesW =
      (Columns / Mu) * (1 << (Mu - 1)) * (MantissaBits + $clog2(Mu));
  localparam int unsigned Lanes = Rows / RowsPerScale;
  localparam int unsigned ProductW = SumW + 12;
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1;
  localparam int unsigned AddrW = $clog2(MaxK / Columns);

  // ---- Jobs go to the buffer, the table builder and the sequencer together ----------------------

  logic store_job_ready, feed_job_ready, sequencer_job_ready, job_take;
  assign job_ready_o = store_job_ready && feed_job_ready && sequencer_job_ready;
  assign job_take    = job_valid_i && job_ready_o;

  // ---- align ------------------------------------------------------------------------------------

  logic                  slice_valid, slice_ready;
  logic [Columns*16-1:0] slice_data;

  bl_gearbox #(
    .InW (BeatW),
    .OutW(Columns * 16)
  ) u_act_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i(act_valid_i),
    .ready_o(act_ready_o),
    .data_i (act_data_i),
    .valid_o(slice_valid),
    .ready_i(slice_ready),
    .data_o (slice_data),
    .drop_i (1'b0)
  );

  logic                            group_written, buffer_read, buffer_release;
  logic [AddrW-1:0]                buffer_slice;
  logic [Columns*MantissaBits-1:0] mantissas;
  logic [4:0]                      buffer_exponent;
  logic [SumW-1:0]                 buffer_sum;
  logic                            buffer_nan;
  logic [CountW-1:0]               release_slices;

  bl_align_store #(
    .Columns     (Columns),
    .GroupSlices (GroupSlices),
    .MantissaBits(MantissaBits),
    .MaxK        (MaxK),
    .JobQueue    (bl_pkg::JobQueue)
  ) u_align_store (
    .clk_i,
    .rst_ni,
    .job_valid_i     (job_take),
    .job_ready_o     (store_job_ready),
    .job_slices_i,
    .valid_i         (slice_valid),
    .ready_o         (slice_ready),
    .data_i          (slice_data),
    .group_written_o (group_written),
    .read_i          (buffer_read),
    .read_slice_i    (buffer_slice),
    .mantissas_o     (mantissas),
    .exponent_o      (buffer_exponent),
    .sum_o           (buffer_sum),
    .nan_o           (buffer_nan),
    .release_i       (buffer_release),
    .release_slices_i(release_slices)
  );

  // ---- lut --------------------------------------------------------------------------------------

  logic                table_valid, slot_free;
  logic [SlotW-1:0]    table_slot;
  logic [EntriesW-1:0] table_entries;
  logic                group_valid, group_pop, group_nan;
  logic [4:0]          group_exponent;
  logic [SumW-1:0]     group_sum;

  bl_lut_feed #(
    .Columns     (Columns),
    .GroupSlices (GroupSlices),
    .Mu          (Mu),
    .MantissaBits(MantissaBits),
    .MaxK        (MaxK),
    .TileW       (TileW),
    .Slots       (Slots),
    .GroupQueue  (GroupQueue),
    .JobQueue    (bl_pkg::JobQueue)
  ) u_lut_feed (
    .clk_i,
    .rst_ni,
    .job_valid_i     (job_take),
    .job_ready_o     (feed_job_ready),
    .job_tiles_i,
    .job_slices_i,
    .group_written_i (group_written),
    .read_o          (buffer_read),
    .read_slice_o    (buffer_slice),
    .mantissas_i     (mantissas),
    .exponent_i      (buffer_exponent),
    .sum_i           (buffer_sum),
    .nan_i           (buffer_nan),
    .release_o       (buffer_release),
    .release_slices_o(release_slices),
    .table_valid_o   (table_valid),
    .table_slot_o    (table_slot),
    .table_entries_o (table_entries),
    .slot_free_i     (slot_free),
    .group_valid_o   (group_valid),
    .group_exponent_o(group_exponent),
    .group_sum_o     (group_sum),
    .group_nan_o     (group_nan),
    .group_pop_i     (group_pop)
  );

  // ---- plane, sequencer, pe ---------------------------------------------------------------------

  logic                    plane_valid, plane_ready;
  logic [Rows*Columns-1:0] plane_word;

  bl_plane #(
    .BeatW (BeatW),
    .PlaneW(Rows * Columns)
  ) u_plane (
    .clk_i,
    .rst_ni,
    .valid_i(weight_valid_i),
    .ready_o(weight_ready_o),
    .data_i (weight_data_i),
    .valid_o(plane_valid),
    .ready_i(plane_ready),
    .data_o (plane_word)
  );

  logic             pass_valid, pass_first, pass_last;
  logic [SlotW-1:0] pass_slot;
  logic             plane_last, tile_last, job_last, has_offset;
  logic             sums_pop, value_valid, tile_drained;

  bl_engine_sequencer #(
    .GroupSlices(GroupSlices),
    .CountW     (CountW),
    .TileW      (TileW),
    .Slots      (Slots),
    .SumCredits (SumQueue),
    .JobQueue   (bl_pkg::JobQueue)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .job_valid_i     (job_take),
    .job_ready_o     (sequencer_job_ready),
    .job_tiles_i,
    .job_slices_i,
    .job_bits_i,
    .job_has_offset_i,
    .plane_valid_i   (plane_valid),
    .plane_ready_o   (plane_ready),
    .table_valid_i   (table_valid),
    .slot_free_o     (slot_free),
    .sums_pop_i      (sums_pop),
    .tile_draining_i (value_valid),
    .tile_drained_i  (tile_drained),
    .pass_valid_o    (pass_valid),
    .pass_slot_o     (pass_slot),
    .pass_first_o    (pass_first),
    .pass_last_o     (pass_last),
    .plane_last_o    (plane_last),
    .tile_last_o     (tile_last),
    .job_last_o      (job_last),
    .has_offset_o    (has_offset),
    .cause_o
  );

  localparam int unsigned RowGroups = Rows / RowsPerLut;
  logic [RowGroups-1:0] sum_valid;
  logic [Rows*SumW-1:0] sums;

  for (genvar g = 0; g < RowGroups; g++) begin : gen_row_group
    bl_pe #(
      .Rows        (RowsPerLut),
      .Columns     (Columns),
      .Mu          (Mu),
      .MantissaBits(MantissaBits),
      .Slots       (Slots)
    ) u_pe (
      .clk_i,
      .rst_ni,
      .table_valid_i  (table_valid),
      .table_slot_i   (table_slot),
      .table_entries_i(table_entries),
      .pass_valid_i   (pass_valid),
      .pass_slot_i    (pass_slot),
      .pass_first_i   (pass_first),
      .pass_last_i    (pass_last),
      .pass_plane_i   (plane_word[g*RowsPerLut*Columns +: RowsPerLut*Columns]),
      .sum_valid_o    (sum_valid[g]),
      .sums_o         (sums[g*RowsPerLut*SumW +: RowsPerLut*SumW])
    );
  end

  // ---- Sums wait for their scales; what they are is known when their last pass is issued --------

  logic                 queue_valid, queue_ready;
  logic [Rows*SumW-1:0] queue_sums;
  logic                 tag_valid, tag_ready;
  logic [3:0]           tag;

  bl_fifo #(
    .Width(Rows * SumW),
    .Depth(SumQueue)
  ) u_sums (
    .clk_i,
    .rst_ni,
    .wvalid_i(sum_valid[0]),
    .wready_o(queue_ready),
    .wdata_i (sums),
    .rvalid_o(queue_valid),
    .rready_i(sums_pop),
    .rdata_o (queue_sums)
  );

  bl_fifo #(
    .Width(4),
    .Depth(SumQueue)
  ) u_tags (
    .clk_i,
    .rst_ni,
    .wvalid_i(pass_valid && pass_last),
    .wready_o(tag_ready),
    .wdata_i ({plane_last, tile_last, job_last, has_offset}),
    .rvalid_o(tag_valid),
    .rready_i(sums_pop),
    .rdata_o (tag)
  );

  // ---- scale ------------------------------------------------------------------------------------

  logic               vector_valid, vector_ready, vector_drop;
  logic [Rows*16-1:0] vector_data;

  bl_gearbox #(
    .InW (BeatW),
    .OutW(Rows * 16)
  ) u_scale_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i(scale_valid_i),
    .ready_o(scale_ready_o),
    .data_i (scale_data_i),
    .valid_o(vector_valid),
    .ready_i(vector_ready),
    .data_o (vector_data),
    .drop_i (vector_drop)
  );

  logic                      term_valid, term_first, term_last, term_nan;
  logic [PhaseW-1:0]         term_phase;
  logic [Lanes*ProductW-1:0] products;
  logic [Lanes*6-1:0]        shifts;

  bl_scale #(
    .Rows        (Rows),
    .RowsPerScale(RowsPerScale),
    .SumW        (SumW)
  ) u_scale (
    .clk_i,
    .rst_ni,
    .sum_valid_i  (queue_valid && group_valid),
    .sum_ready_o  (sums_pop),
    .sums_i       (queue_sums),
    .plane_last_i (tag[3]),
    .tile_last_i  (tag[2]),
    .job_last_i   (tag[1]),
    .has_offset_i (tag[0]),
    .exponent_i   (group_exponent),
    .group_sum_i  (group_sum),
    .nan_i        (group_nan),
    .group_pop_o  (group_pop),
    .scale_valid_i(vector_valid),
    .scale_ready_o(vector_ready),
    .scale_drop_o (vector_drop),
    .scales_i     (vector_data),
    .term_valid_o (term_valid),
    .term_phase_o (term_phase),
    .term_first_o (term_first),
    .term_last_o  (term_last),
    .term_nan_o   (term_nan),
    .products_o   (products),
    .shifts_o     (shifts)
  );

  // ---- accum, norm ------------------------------------------------------------------------------

  logic                       value_ready, value_nan;
  logic [AccumulatorBits-1:0] value;

  bl_accum #(
    .Rows           (Rows),
    .RowsPerScale   (RowsPerScale),
    .ProductW       (ProductW),
    .MantissaBits   (MantissaBits),
    .AccumulatorBits(AccumulatorBits)
  ) u_accum (
    .clk_i,
    .rst_ni,
    .term_valid_i(term_valid),
    .term_phase_i(term_phase),
    .term_first_i(term_first),
    .term_last_i (term_last),
    .term_nan_i  (term_nan),
    .products_i  (products),
    .shifts_i    (shifts),
    .valid_o     (value_valid),
    .ready_i     (value_ready),
    .value_o     (value),
    .nan_o       (value_nan),
    .drained_o   (tile_drained)
  );

  bl_norm #(
    .AccumulatorBits(AccumulatorBits)
  ) u_norm (
    .clk_i,
    .rst_ni,
    .valid_i(value_valid),
    .ready_o(value_ready),
    .value_i(value),
    .nan_i  (value_nan),
    .valid_o(result_valid_o),
    .ready_i(result_ready_i),
    .value_o(result_data_o),
    .nan_o  (result_nan_o)
  );

  `BL_ASSERT(SumQueueHasRoom, !sum_valid[0] || queue_ready,
             "the sum queue overflowed in spite of its credits")
  `BL_ASSERT(TagQueueHasRoom, !(pass_valid && pass_last) || tag_ready,
             "the tag queue overflowed in spite of its credits")
  `BL_ASSERT(SumsHaveTags, !queue_valid || tag_valid, "sums came without their tag")
  `BL_ASSERT(RowGroupsAgree, sum_valid == '0 || sum_valid == '1,
             "row groups are out of step")

endmodule
