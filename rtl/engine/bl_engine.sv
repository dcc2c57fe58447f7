// SPDX-License-Identifier: Apache-2.0
// The engine: binary16 activations, plane words and scales in, rounded results out.
//
//   activations -> align -> [buffer] -> lut --tables--> pe <--words-- plane <- weights
//                                        |               |
//                                        +-group data-> scale <- ring <- scales
//                                                        |
//                                                     accum -> drain -> norm -> [buffer] -> results
//
// Function:   runs jobs (bl_pkg::job_t) one after the other; jobs overlap as far as the buffers
//             reach. Tokens of a job pass through side by side: buffer, tables, array, multipliers
//             and accumulators exist once per token, everything else once. Results leave tile by
//             tile, token by token, row by row, rows beyond M included.
// Latency:    7 cycles from the last pass of a row tile to its sums in the result registers, more
//             where several rows share a multiplier.
// Throughput: one pass per cycle for all tokens.
// Limits:     what bl_ctrl_fetch checks per job.

`include "bl_assert.svh"

module bl_engine #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned RowsPerLut,
  parameter int unsigned RowsPerScale,
  parameter int unsigned ResultLanes,
  parameter int unsigned Tokens,
  parameter int unsigned MantissaBits,
  parameter bit          AccumulatorExact,
  parameter int unsigned AccumulatorBits,
  parameter int unsigned MaxCodebookBits,
  parameter int unsigned MaxK,
  parameter int unsigned LineW
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      job_valid_i,
  output logic                      job_ready_o,
  input  bl_pkg::job_t              job_i,

  input  logic                      weight_valid_i,
  output logic                      weight_ready_o,
  input  logic [LineW-1:0]          weight_data_i,

  input  logic                      scale_valid_i,
  output logic                      scale_ready_o,
  input  logic [LineW-1:0]          scale_data_i,

  input  logic                      act_valid_i,
  output logic                      act_ready_o,
  input  logic [LineW-1:0]          act_data_i,

  output logic                      result_valid_o,
  input  logic                      result_ready_i,
  output logic [ResultLanes*32-1:0] result_data_o,
  output logic                      result_nan_o,    // the token held a NaN or Inf
  output logic [3:0]                result_token_o,

  output logic [2:0]                cause_o          // bl_pkg::Cause*: what this cycle was used for
);

  // Passes of the longest block, in slices of a group or groups of a slice.
  localparam int unsigned MaxSlices = bl_pkg::MaxGroup / Columns;
  localparam int unsigned Segments =
      Columns > bl_pkg::MinGroup ? Columns / bl_pkg::MinGroup : 1;
  localparam int unsigned MaxSpan = MaxSlices > Segments ? MaxSlices : Segments;
  // Eight slots hide the table builder's latency. Slots are released one by one in a block's last
  // round, so those of one block are enough for the next one's tables to follow in time.
  localparam int unsigned Slots = MaxSpan > 8 ? MaxSpan : 8;
  localparam int unsigned SlotW = $clog2(Slots);
  localparam int unsigned SumW = MantissaBits + 8;
  localparam int unsigned Tables = (Columns + Mu - 1) / Mu;
  localparam int unsigned EntriesW = Tables * (1 << (Mu - 1)) * bl_pkg::FieldW;
  localparam int unsigned DataW = SumW + 11;
  localparam int unsigned Lanes = Rows / RowsPerScale;
  localparam int unsigned ProductW = SumW + 12;
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1;
  localparam int unsigned AddrW = $clog2(MaxK / Columns);
  localparam int unsigned RowW = $clog2(Rows);
  // Results of two row tiles, so that one fills up while the other leaves, and of as many as end
  // before the first ones are there where row tiles are short.
  localparam int unsigned ResultGroups = Rows / ResultLanes;
  localparam int unsigned TwoTiles = 1 << $clog2(2 * Tokens * ResultGroups);
  localparam int unsigned ResultDepth = TwoTiles > 32 ? TwoTiles : 32;

  // ---- Jobs go to all parts together ------------------------------------------------------------

  logic store_job_ready, feed_job_ready, plane_job_ready, ring_job_ready, sequencer_job_ready;
  logic job_take;
  assign job_ready_o = store_job_ready && feed_job_ready && plane_job_ready && ring_job_ready &&
                       sequencer_job_ready;
  assign job_take    = job_valid_i && job_ready_o;

  // ---- align: the activation buffer -------------------------------------------------------------

  logic                                   block_written, buffer_read, buffer_release;
  logic [AddrW-1:0]                       buffer_slice;
  logic [Tokens-1:0]                      buffer_tokens, buffer_nans;
  logic [Tokens*Columns*MantissaBits-1:0] mantissas;
  logic [Tokens*Segments*5-1:0]           buffer_exponents;
  logic [Tokens*Segments*SumW-1:0]        buffer_sums;
  logic [Tokens*5-1:0]                    buffer_token_exponents;

  bl_align_store #(
    .Columns     (Columns),
    .MantissaBits(MantissaBits),
    .MaxK        (MaxK),
    .Tokens      (Tokens),
    .LineW       (LineW),
    .TwoPass     (!AccumulatorExact),
    .JobQueue    (bl_pkg::JobQueue)
  ) u_align_store (
    .clk_i,
    .rst_ni,
    .job_valid_i      (job_take),
    .job_ready_o      (store_job_ready),
    .job_i,
    .valid_i          (act_valid_i),
    .ready_o          (act_ready_o),
    .data_i           (act_data_i),
    .block_written_o  (block_written),
    .read_i           (buffer_read),
    .read_slice_i     (buffer_slice),
    .read_tokens_i    (buffer_tokens),
    .mantissas_o      (mantissas),
    .exponents_o      (buffer_exponents),
    .sums_o           (buffer_sums),
    .token_exponents_o(buffer_token_exponents),
    .nans_o           (buffer_nans),
    .release_i        (buffer_release)
  );

  // ---- lut: tables and group data, by slot ------------------------------------------------------

  logic [Tokens-1:0]          table_valid;
  logic [SlotW-1:0]           table_slot;
  logic [Tokens*EntriesW-1:0] table_entries;
  logic [Tokens*DataW-1:0]    table_data;
  logic                       slot_free;

  bl_lut_feed #(
    .Columns     (Columns),
    .Mu          (Mu),
    .MantissaBits(MantissaBits),
    .MaxK        (MaxK),
    .Tokens      (Tokens),
    .Slots       (Slots),
    .JobQueue    (bl_pkg::JobQueue)
  ) u_lut_feed (
    .clk_i,
    .rst_ni,
    .job_valid_i      (job_take),
    .job_ready_o      (feed_job_ready),
    .job_i,
    .block_written_i  (block_written),
    .read_o           (buffer_read),
    .read_slice_o     (buffer_slice),
    .read_tokens_o    (buffer_tokens),
    .mantissas_i      (mantissas),
    .exponents_i      (buffer_exponents),
    .sums_i           (buffer_sums),
    .token_exponents_i(buffer_token_exponents),
    .nans_i           (buffer_nans),
    .release_o        (buffer_release),
    .table_valid_o    (table_valid),
    .table_slot_o     (table_slot),
    .table_entries_o  (table_entries),
    .table_data_o     (table_data),
    .slot_free_i      (slot_free)
  );

  // ---- plane ------------------------------------------------------------------------------------

  logic                    word_valid, word_ready;
  logic [Rows*Columns-1:0] word;

  bl_plane #(
    .LineW          (LineW),
    .PlaneW         (Rows * Columns),
    .MaxCodebookBits(MaxCodebookBits),
    .MaxSlices      (MaxSlices),
    .JobQueue       (bl_pkg::JobQueue)
  ) u_plane (
    .clk_i,
    .rst_ni,
    .job_valid_i(job_take),
    .job_ready_o(plane_job_ready),
    .job_i,
    .valid_i    (weight_valid_i),
    .ready_o    (weight_ready_o),
    .data_i     (weight_data_i),
    .valid_o    (word_valid),
    .ready_i    (word_ready),
    .data_o     (word)
  );

  // ---- Passes -----------------------------------------------------------------------------------

  logic              pass_valid, pass_first, pass_last;
  logic [Tokens-1:0] pass_tokens;
  logic [SlotW-1:0]  pass_slot;
  bl_pkg::sum_t      pass_sum;
  logic              vectors_loaded, result_taken;

  bl_engine_sequencer #(
    .Tokens      (Tokens),
    .Slots       (Slots),
    .RowsPerScale(RowsPerScale),
    .ResultGroups(ResultGroups),
    .ResultDepth (ResultDepth),
    .JobQueue    (bl_pkg::JobQueue)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .job_valid_i     (job_take),
    .job_ready_o     (sequencer_job_ready),
    .job_i,
    .word_valid_i    (word_valid),
    .word_ready_o    (word_ready),
    .table_valid_i   (table_valid[0]),
    .slot_free_o     (slot_free),
    .vectors_loaded_i(vectors_loaded),
    .result_taken_i  (result_taken),
    .pass_valid_o    (pass_valid),
    .pass_tokens_o   (pass_tokens),
    .pass_slot_o     (pass_slot),
    .pass_first_o    (pass_first),
    .pass_last_o     (pass_last),
    .sum_o           (pass_sum),
    .cause_o
  );

  logic [Rows*Columns-1:0] word_q;
  always_ff @(posedge clk_i) begin
    if (pass_valid) word_q <= word;
  end

  // What is known of a sum follows it: 1, 2, 3 cycles behind its last pass, then with the sum.
  logic             s1_valid_q, s2_valid_q, s3_valid_q, sum_valid_q;
  logic [SlotW-1:0] s1_slot_q, s2_slot_q, s3_slot_q;
  bl_pkg::sum_t     s1_sum_q, s2_sum_q, s3_sum_q;
  /* verilator lint_off UNUSEDSIGNAL */  // the ring's part was of use one cycle earlier
  bl_pkg::sum_t     sum_q;
  /* verilator lint_on UNUSEDSIGNAL */

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      s1_valid_q  <= 1'b0;
      s2_valid_q  <= 1'b0;
      s3_valid_q  <= 1'b0;
      sum_valid_q <= 1'b0;
    end else begin
      s1_valid_q  <= pass_valid && pass_last;
      s2_valid_q  <= s1_valid_q;
      s3_valid_q  <= s2_valid_q;
      sum_valid_q <= s3_valid_q;
    end
    s1_slot_q <= pass_slot;
    s2_slot_q <= s1_slot_q;
    s3_slot_q <= s2_slot_q;
    s1_sum_q  <= pass_sum;
    s2_sum_q  <= s1_sum_q;
    s3_sum_q  <= s2_sum_q;
    if (s3_valid_q) sum_q <= s3_sum_q;
  end

  // ---- Scale vectors arrive with their sum ------------------------------------------------------

  logic [Rows*16-1:0] scales, offsets;

  bl_scale_ring #(
    .LineW   (LineW),
    .VectorW (Rows * 16),
    .Depth   (bl_pkg::ScaleVectors),
    .JobQueue(bl_pkg::JobQueue)
  ) u_scale_ring (
    .clk_i,
    .rst_ni,
    .job_valid_i(job_take),
    .job_ready_o(ring_job_ready),
    .job_pairs_i(job_i.scale_pairs),
    .valid_i    (scale_valid_i),
    .ready_o    (scale_ready_o),
    .data_i     (scale_data_i),
    .loaded_o   (vectors_loaded),
    .read_i     (s3_valid_q),
    .vector_i   (s3_sum_q.scales),
    .offset_i   (s3_sum_q.offset),
    .release_i  (s3_sum_q.release_vectors),
    .scales_o   (scales),
    .offsets_o  (offsets)
  );

  // A sum keeps the multipliers for RowsPerScale cycles; the sequencer spaces sums accordingly.
  logic [PhaseW-1:0] phase_q;
  logic              phase_valid;
  assign phase_valid = sum_valid_q || phase_q != '0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) phase_q <= '0;
    else if (phase_valid) phase_q <= phase_q == PhaseW'(RowsPerScale - 1) ? '0 : phase_q + 1'b1;
  end

  // ---- One token's way from tables to sums; all tokens keep step --------------------------------

  logic                                          tile_draining;
  logic [Tokens-1:0]                             drain_read;
  logic [RowW-1:0]                               drain_row;
  logic [Tokens-1:0]                             tile_done;
  logic [Tokens*ResultLanes*AccumulatorBits-1:0] drain_values;
  logic [Tokens-1:0]                             drain_nans;
  logic [Tokens*10-1:0]                          drain_units;
  logic [Tokens*Rows*bl_pkg::FieldW-1:0]         sums;

  for (genvar t = 0; t < Tokens; t++) begin : gen_token
    localparam int unsigned RowGroups = Rows / RowsPerLut;
    logic [RowGroups-1:0] sum_valid;

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
        .table_valid_i  (table_valid[t]),
        .table_slot_i   (table_slot),
        .table_entries_i(table_entries[t*EntriesW +: EntriesW]),
        .pass_valid_i   (pass_valid && pass_tokens[t]),
        .pass_slot_i    (pass_slot),
        .pass_first_i   (pass_first),
        .pass_last_i    (pass_last),
        .word_i         (word_q[g*RowsPerLut*Columns +: RowsPerLut*Columns]),
        .sum_valid_o    (sum_valid[g]),
        .sums_o         (sums[(t*Rows+g*RowsPerLut)*bl_pkg::FieldW +: RowsPerLut*bl_pkg::FieldW])
      );
    end

    // Group data by slot. It is read while a sum's slot cannot have been written again yet: new
    // tables take 4 cycles from the slot's release.
    logic [DataW-1:0]  data_q [Slots];
    logic [SumW-1:0]   group_sum_q;
    logic [4:0]        exponent_q, token_exponent_q;
    logic              nan_q;
    logic signed [9:0] unit, unit_q, bias;
    logic              active;

    always_ff @(posedge clk_i) begin
      if (table_valid[t]) data_q[table_slot] <= table_data[t*DataW +: DataW];
      if (s3_valid_q) begin
        {nan_q, token_exponent_q, exponent_q, group_sum_q} <= data_q[s3_slot_q];
      end
      unit_q <= unit;  // in step with the terms
    end

    // The exponent of the accumulator's unit: -48, or what the contract rounds every term to.
    if (AccumulatorExact) begin : gen_exact
      logic unused;
      assign unused = ^token_exponent_q;
      assign unit   = -10'sd48;
    end else begin : gen_narrow
      assign unit = 10'(signed'(sum_q.rounding_exponent)) + 10'(token_exponent_q) - 10'sd14 -
                    10'(AccumulatorBits);
    end

    logic                      term_valid, term_first, term_last, term_nan, offset_valid;
    logic [PhaseW-1:0]         term_phase;
    logic [Lanes*ProductW-1:0] products, offset_products;
    logic [Lanes*10-1:0]       distances, offset_distances;

    assign active = 5'(t) < sum_q.tokens;
    assign bias   = 10'sd0 - 10'(36 + MantissaBits) - unit;

    bl_scale #(
      .Rows        (Rows),
      .RowsPerScale(RowsPerScale),
      .SumW        (SumW)
    ) u_scale (
      .clk_i,
      .rst_ni,
      .valid_i           (phase_valid && active),
      .phase_i           (phase_q),
      .sums_i            (sums[t*Rows*bl_pkg::FieldW +: Rows*bl_pkg::FieldW]),
      .scales_i          (scales),
      .offsets_i         (offsets),
      .offset_i          (sum_q.offset),
      .codebook_i        (sum_q.codebook),
      .exponent_i        (exponent_q),
      .group_sum_i       (group_sum_q),
      .bias_i            (bias),
      .first_i           (sum_q.tile_first),
      .last_i            (sum_q.tile_last),
      .nan_i             (nan_q),
      .term_valid_o      (term_valid),
      .term_phase_o      (term_phase),
      .term_first_o      (term_first),
      .term_last_o       (term_last),
      .term_nan_o        (term_nan),
      .products_o        (products),
      .distances_o       (distances),
      .offset_valid_o    (offset_valid),
      .offset_products_o (offset_products),
      .offset_distances_o(offset_distances)
    );

    bl_accum #(
      .Rows           (Rows),
      .RowsPerScale   (RowsPerScale),
      .ProductW       (ProductW),
      .MantissaBits   (MantissaBits),
      .AccumulatorBits(AccumulatorBits),
      .Exact          (AccumulatorExact),
      .ResultLanes    (ResultLanes)
    ) u_accum (
      .clk_i,
      .rst_ni,
      .term_valid_i      (term_valid),
      .term_phase_i      (term_phase),
      .term_first_i      (term_first),
      .term_last_i       (term_last),
      .term_nan_i        (term_nan),
      .products_i        (products),
      .distances_i       (distances),
      .offset_valid_i    (offset_valid),
      .offset_products_i (offset_products),
      .offset_distances_i(offset_distances),
      .unit_i            (unit_q),
      .tile_done_o       (tile_done[t]),
      .draining_i        (tile_draining),
      .read_i            (drain_read[t]),
      .row_i             (drain_row),
      .values_o          (drain_values[t*ResultLanes*AccumulatorBits +:
                                       ResultLanes*AccumulatorBits]),
      .nan_o             (drain_nans[t]),
      .unit_o            (drain_units[t*10 +: 10])
    );

    `BL_ASSERT_IF(SumsAreInStep, sum_valid != '0, sum_valid == '1 && sum_valid_q,
                  "row groups are out of step with what is known of their sums")
    `BL_ASSERT_IF(ActiveHasSums, sum_valid_q && active, sum_valid == '1,
                  "a token of the job has no sums")
  end

  `BL_ASSERT_IF(TilesEndTogether, tile_done != '0, tile_done[0], "a token ends a tile on its own")

  // ---- Results: rounded one group after the other, then a buffer -------------------------------

  // What a row tile is follows its terms to their accumulators.
  logic [4:0] term_tokens_q, sum_tokens_q;
  logic       term_binary16_q, sum_binary16_q;
  always_ff @(posedge clk_i) begin
    {term_tokens_q, term_binary16_q} <= {sum_q.tokens, sum_q.binary16};
    {sum_tokens_q, sum_binary16_q}   <= {term_tokens_q, term_binary16_q};
  end

  logic                                   value_valid, value_nan, value_binary16;
  logic [ResultLanes*AccumulatorBits-1:0] values;
  logic [9:0]                             value_unit;
  logic [3:0]                             value_token;

  bl_drain #(
    .Rows           (Rows),
    .Tokens         (Tokens),
    .ResultLanes    (ResultLanes),
    .AccumulatorBits(AccumulatorBits)
  ) u_drain (
    .clk_i,
    .rst_ni,
    .tile_done_i(tile_done[0]),
    .tokens_i   (sum_tokens_q),
    .binary16_i (sum_binary16_q),
    .draining_o (tile_draining),
    .read_o     (drain_read),
    .row_o      (drain_row),
    .values_i   (drain_values),
    .nans_i     (drain_nans),
    .units_i    (drain_units),
    .valid_o    (value_valid),
    .values_o   (values),
    .nan_o      (value_nan),
    .unit_o     (value_unit),
    .token_o    (value_token),
    .binary16_o (value_binary16)
  );

  logic                      rounded_valid, rounded_nan, buffer_ready;
  logic [ResultLanes*32-1:0] rounded;
  logic [3:0]                rounded_token;

  bl_norm #(
    .AccumulatorBits(AccumulatorBits),
    .Lanes          (ResultLanes)
  ) u_norm (
    .clk_i,
    .rst_ni,
    .valid_i   (value_valid),
    .values_i  (values),
    .unit_i    (value_unit),
    .nan_i     (value_nan),
    .token_i   (value_token),
    .binary16_i(value_binary16),
    .valid_o   (rounded_valid),
    .values_o  (rounded),
    .nan_o     (rounded_nan),
    .token_o   (rounded_token)
  );

  bl_fifo #(
    .Width(ResultLanes * 32 + 5),
    .Depth(ResultDepth)
  ) u_results (
    .clk_i,
    .rst_ni,
    .wvalid_i(rounded_valid),
    .wready_o(buffer_ready),
    .wdata_i ({rounded, rounded_nan, rounded_token}),
    .rvalid_o(result_valid_o),
    .rready_i(result_ready_i),
    .rdata_o ({result_data_o, result_nan_o, result_token_o})
  );

  assign result_taken = result_valid_o && result_ready_i;

  `BL_ASSERT_IF(ResultHasRoom, rounded_valid, buffer_ready,
                "a result found no room, for which the sequencer holds credits")

endmodule
