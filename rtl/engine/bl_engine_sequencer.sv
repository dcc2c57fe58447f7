// SPDX-License-Identifier: Apache-2.0
// Issues the passes of the array and says, every cycle, why none could be issued.
//
// Function:   passes go in the order row tile, block, round (plane or code), span (bl_pkg::job_t).
//             A pass needs its plane word, its slot's tables, the scale vectors of the sum that it
//             completes, a free multiplier and, at the end of a row tile, result registers that
//             the one before has left and room for its results in the result buffer.
//             Nothing behind the array ever stalls: all of its room is taken here, as credits.
// Latency:    none: conditions, pass and cause belong to the same cycle.
// Throughput: one pass per cycle, also across jobs; sums are at least RowsPerScale cycles apart,
//             ends of row tiles ResultGroups cycles for each token.
// Limits:     job fields as bl_pkg::job_t has them; Slots >= span; a row tile of a job that
//             uses its scale vectors again (codebook, per_row) has at most bl_pkg::ScaleVectors.

`include "bl_assert.svh"

module bl_engine_sequencer #(
  parameter int unsigned Tokens,
  parameter int unsigned Slots,
  parameter int unsigned RowsPerScale,
  parameter int unsigned ResultGroups,  // groups of results of a row tile and token
  parameter int unsigned ResultDepth,   // groups that the result buffer holds
  parameter int unsigned JobQueue,
  localparam int unsigned SlotW = $clog2(Slots)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              job_valid_i,
  output logic              job_ready_o,
  input  bl_pkg::job_t      job_i,

  input  logic              word_valid_i,
  output logic              word_ready_o,
  input  logic              table_valid_i,   // pulse: one more slot holds tables
  output logic              slot_free_o,     // pulse: the oldest slot was read for the last time
  input  logic              vectors_loaded_i,  // pulse: two more scale vectors are in the ring
  input  logic              result_taken_i,  // pulse: a group of results left the buffer

  output logic              pass_valid_o,
  output logic [Tokens-1:0] pass_tokens_o,   // those of the job
  output logic [SlotW-1:0]  pass_slot_o,
  output logic              pass_first_o,    // first slice of a sum
  output logic              pass_last_o,     // last slice of a sum
  output bl_pkg::sum_t      sum_o,           // of the sum that the pass completes

  output logic [2:0]        cause_o          // bl_pkg::Cause*
);

  localparam int unsigned SlotCountW = $clog2(Slots + 1);
  localparam int unsigned RingW = $clog2(bl_pkg::ScaleVectors);
  localparam int unsigned CreditW = $clog2(bl_pkg::ScaleVectors + 1);
  localparam int unsigned GapW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1;
  localparam int unsigned RoomW = $clog2(ResultDepth + 1);

  logic         job_valid, job_pop;
  /* verilator lint_off UNUSEDSIGNAL */  // not every field is of use here
  bl_pkg::job_t job;
  /* verilator lint_on UNUSEDSIGNAL */

  bl_fifo #(
    .Width(bl_pkg::JobW),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i (job_i),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o (job)
  );

  // ---- Position ---------------------------------------------------------------------------------

  logic [5:0]  span_q;
  logic [4:0]  round_q;
  logic [15:0] block_q;
  logic [19:0] tile_q;
  logic        first_block, last_span, last_round, last_block, last_tile, ends_sum, needs_tile;

  assign first_block = block_q == '0;
  assign last_block  = block_q == job.blocks - 16'd1;
  assign last_tile   = tile_q == job.tiles - 20'd1;
  assign last_round  = round_q == job.rounds - 5'd1;
  assign last_span   = span_q == (last_block ? job.last_span : job.span) - 6'd1;
  assign ends_sum    = job.shared_word || last_span;
  assign needs_tile  = last_span && last_round && last_block;

  // ---- Scale vectors: read once and dropped, or kept for all blocks of the row tile -------------

  logic             reuse, offset_due;
  logic [5:0]       tile_vectors;   // of a row tile, where they are used again
  logic [1:0]       fresh;          // vectors that this sum is the first to use
  logic [RingW-1:0] head_q;         // the oldest vector in use, counted at issue
  logic [RingW-1:0] head_d, scales;
  logic [5:0]       release_vectors;
  logic             padded;         // the job's last pair has a vector too many

  assign reuse        = job.codebook || job.per_row;
  assign offset_due   = job.has_offset && round_q == '0;
  assign tile_vectors = 6'(job.rounds) + 6'(job.has_offset);
  always_comb begin
    fresh = offset_due ? 2'd2 : 2'd1;
    if (reuse && !(first_block && (!job.shared_word || span_q == '0))) fresh = 2'd0;
  end

  always_comb begin
    release_vectors = 6'(fresh);
    if (reuse) release_vectors = needs_tile ? tile_vectors : '0;
    head_d = head_q + RingW'(release_vectors);
    padded = needs_tile && last_tile && head_d[0];
    if (padded) begin
      release_vectors = release_vectors + 6'd1;
      head_d    = head_d + 1'b1;
    end
  end

  always_comb begin
    scales = head_q;
    if (reuse && round_q != '0) scales = head_q + RingW'(round_q) + RingW'(job.has_offset);
  end

  // ---- Credits ----------------------------------------------------------------------------------

  logic [SlotCountW-1:0] tables_q;        // slots that hold tables not yet released
  logic [SlotW-1:0]      slot_q;          // the oldest of them
  logic [CreditW-1:0]    vectors_q;       // vectors in the ring that no sum has used
  logic [GapW-1:0]       gap_q;           // cycles until the multipliers are free
  logic [RoomW-1:0]      tile_groups;     // of results, of a row tile
  logic [RoomW-1:0]      room_q;          // groups that still fit into the result buffer
  logic [RoomW-1:0]      tile_gap_q;      // cycles until the result registers are free

  // Slots are released during the last round, so the oldest one is then the one in use.
  logic has_tables, has_scales, has_output, issue;
  assign has_tables = last_round ? tables_q != '0 : tables_q > SlotCountW'(span_q);
  assign has_scales = !ends_sum || (vectors_q >= CreditW'(fresh) && gap_q == '0);

  assign tile_groups = RoomW'(ResultGroups) * RoomW'(job.tokens);
  assign has_output  = !needs_tile || (room_q >= tile_groups && tile_gap_q == '0);

  assign issue = job_valid && word_valid_i && has_tables && has_scales && has_output;

  assign pass_valid_o = issue;
  assign pass_slot_o  = last_round ? slot_q : slot_q + SlotW'(span_q);
  assign pass_first_o = job.shared_word || span_q == '0;
  assign pass_last_o  = ends_sum;
  assign word_ready_o = issue && (!job.shared_word || last_span);
  assign slot_free_o  = issue && last_round;
  assign job_pop      = issue && needs_tile && last_tile;

  always_comb begin
    sum_o.scales            = scales;
    sum_o.offset            = offset_due;
    sum_o.release_vectors   = release_vectors;
    sum_o.tile_first        = first_block && round_q == '0 && (!job.shared_word || span_q == '0);
    sum_o.tile_last         = needs_tile;
    sum_o.codebook          = job.codebook;
    sum_o.binary16          = job.binary16;
    sum_o.tokens            = job.tokens;
    sum_o.rounding_exponent = job.rounding_exponent;
  end

  for (genvar t = 0; t < Tokens; t++) begin : gen_token
    assign pass_tokens_o[t] = 5'(t) < job.tokens;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      span_q        <= '0;
      round_q       <= '0;
      block_q       <= '0;
      tile_q        <= '0;
      head_q        <= '0;
      tables_q      <= '0;
      slot_q        <= '0;
      vectors_q     <= '0;
      gap_q         <= '0;
      room_q        <= RoomW'(ResultDepth);
      tile_gap_q    <= '0;
    end else begin
      if (issue) begin
        span_q <= last_span ? '0 : span_q + 6'd1;
        if (last_span) begin
          round_q <= last_round ? '0 : round_q + 5'd1;
          if (last_round) begin
            block_q <= last_block ? '0 : block_q + 16'd1;
            if (last_block) tile_q <= last_tile ? '0 : tile_q + 20'd1;
          end
        end
        if (ends_sum) head_q <= head_d;
      end
      if (slot_free_o) slot_q <= slot_q + 1'b1;
      tables_q  <= tables_q + SlotCountW'(table_valid_i) - SlotCountW'(slot_free_o);
      vectors_q <= vectors_q + (vectors_loaded_i ? CreditW'(2) : '0) -
                   (issue && ends_sum ? CreditW'(fresh) + CreditW'(padded) : '0);
      if (issue && ends_sum) gap_q <= GapW'(RowsPerScale - 1);
      else if (gap_q != '0)  gap_q <= gap_q - 1'b1;
      room_q <= room_q + RoomW'(result_taken_i) - (issue && needs_tile ? tile_groups : '0);
      if (issue && needs_tile)    tile_gap_q <= tile_groups - 1'b1;
      else if (tile_gap_q != '0)  tile_gap_q <= tile_gap_q - 1'b1;
    end
  end

  // ---- Cause of this cycle, in order of priority ------------------------------------------------

  always_comb begin
    if (issue)            cause_o = bl_pkg::CauseBusy;
    else if (!job_valid)  cause_o = bl_pkg::CauseControl;
    else if (!has_output) cause_o = bl_pkg::CauseOutput;
    else if (!has_tables) cause_o = bl_pkg::CauseActivations;
    else if (!has_scales) cause_o = bl_pkg::CauseScales;
    else                  cause_o = bl_pkg::CauseWeights;
  end

  `BL_ASSERT(TablesFit, 32'(tables_q) <= Slots, "more slots hold tables than there are slots")
  `BL_ASSERT(VectorsFit, 32'(vectors_q) <= bl_pkg::ScaleVectors,
             "more scale vectors than the ring holds")
  `BL_ASSERT(ResultsFit, 32'(room_q) <= ResultDepth,
             "more results left the buffer than came")
  `BL_ASSERT_IF(SpanFits, job_valid_i, 32'(job_i.span) <= Slots,
                "a block has more passes than slots")
  `BL_ASSERT_IF(TokensFit, job_valid_i, 32'(job_i.tokens) <= Tokens && job_i.tokens != '0,
                "a job has no tokens, or more than the array takes at once")

endmodule
