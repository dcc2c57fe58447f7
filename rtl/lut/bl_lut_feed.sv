// SPDX-License-Identifier: Apache-2.0
// Builds the tables of the passes to come, ahead of the array and across job boundaries.
//
// Function:   walks a job in the array's order (row tile, block, span), reads the mantissas of each
//             pass's slice, for all tokens of the job at once, and sends tables and group data to
//             the next slot. Where a slice holds several groups (shared_word) each is a pass of its
//             own, with the mantissas of the others as 0. The buffer's slices are released one by
//             one in the last row tile.
// Latency:    4 cycles from a free slot to its new tables (read, two adder stages, write).
// Throughput: one slot per cycle.
// Limits:     Slots >= 8 hides the latency at one round per block. Group data is meaningful in the
//             slot of a pass that completes a sum.

`include "bl_assert.svh"

module bl_lut_feed #(
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned MantissaBits,
  parameter int unsigned MaxK,
  parameter int unsigned Tokens,
  parameter int unsigned Slots,
  parameter int unsigned JobQueue,
  localparam int unsigned Depth = MaxK / Columns,
  localparam int unsigned AddrW = $clog2(Depth),
  localparam int unsigned SlotW = $clog2(Slots),
  localparam int unsigned SumW = MantissaBits + 8,
  localparam int unsigned Segments = Columns > bl_pkg::MinGroup ? Columns / bl_pkg::MinGroup : 1,
  localparam int unsigned Tables = (Columns + Mu - 1) / Mu,
  localparam int unsigned EntriesW = Tables * (1 << (Mu - 1)) * bl_pkg::FieldW,
  localparam int unsigned DataW = SumW + 11
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,

  input  logic                                   job_valid_i,
  output logic                                   job_ready_o,
  input  bl_pkg::job_t                           job_i,

  // The activation buffer (bl_align_store).
  input  logic                                   block_written_i,
  output logic                                   read_o,
  output logic [AddrW-1:0]                       read_slice_o,
  output logic [Tokens-1:0]                      read_tokens_o,
  input  logic [Tokens*Columns*MantissaBits-1:0] mantissas_i,
  input  logic [Tokens*Segments*5-1:0]           exponents_i,
  input  logic [Tokens*Segments*SumW-1:0]        sums_i,
  input  logic [Tokens*5-1:0]                    token_exponents_i,
  input  logic [Tokens-1:0]                      nans_i,
  output logic                                   release_o,

  output logic [Tokens-1:0]                      table_valid_o,   // of the tokens in the job
  output logic [SlotW-1:0]                       table_slot_o,
  output logic [Tokens*EntriesW-1:0]             table_entries_o,
  output logic [Tokens*DataW-1:0]                table_data_o,    // {nan, token exp., exp., sum}
  input  logic                                   slot_free_i      // pulse: a slot has been read
);

  localparam int unsigned SlotCountW = $clog2(Slots + 1);
  localparam int unsigned SegmentW = Segments > 1 ? $clog2(Segments) : 1;

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

  // ---- Walk -------------------------------------------------------------------------------------

  logic [5:0]            span_q;
  logic [15:0]           block_q;
  logic [19:0]           tile_q;
  logic [AddrW-1:0]      base_q;         // the job's first slice in the ring
  logic [AddrW-1:0]      address_q;
  logic [15:0]           unread_q;       // blocks written and not read by the first row tile
  logic [SlotCountW-1:0] free_slots_q;
  logic [AddrW-1:0]      next_address;
  logic                  first_tile, last_tile, last_block, block_end, slice_end, tile_end;

  assign first_tile   = tile_q == '0;
  assign last_tile    = tile_q == job.tiles - 20'd1;
  assign last_block   = block_q == job.blocks - 16'd1;
  assign block_end    = span_q == (last_block ? job.last_span : job.span) - 6'd1;
  assign slice_end    = block_end || !job.shared_word;
  assign tile_end     = block_end && last_block;
  assign next_address = address_q == AddrW'(Depth - 1) ? '0 : address_q + 1'b1;

  assign read_o       = job_valid && free_slots_q != '0 && (!first_tile || unread_q != '0);
  assign read_slice_o = address_q;
  assign release_o    = read_o && slice_end && last_tile;
  assign job_pop      = read_o && tile_end && last_tile;

  for (genvar t = 0; t < Tokens; t++) begin : gen_read_token
    assign read_tokens_o[t] = 5'(t) < job.tokens;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      span_q       <= '0;
      block_q      <= '0;
      tile_q       <= '0;
      base_q       <= '0;
      address_q    <= '0;
      unread_q     <= '0;
      free_slots_q <= SlotCountW'(Slots);
    end else begin
      if (read_o) begin
        span_q <= block_end ? '0 : span_q + 6'd1;
        if (slice_end) address_q <= next_address;
        if (block_end) block_q <= last_block ? '0 : block_q + 16'd1;
        if (tile_end) begin
          tile_q    <= last_tile ? '0 : tile_q + 20'd1;
          address_q <= last_tile ? next_address : base_q;
          if (last_tile) base_q <= next_address;
        end
      end
      unread_q     <= unread_q + 16'(block_written_i) - 16'(read_o && first_tile && block_end);
      free_slots_q <= free_slots_q - SlotCountW'(read_o) + SlotCountW'(slot_free_i);
    end
  end

  // ---- What was read: the tokens of the job, the group of the slice -----------------------------

  logic                  read_q;
  logic [Tokens-1:0]     tokens_q, valid_q;
  logic                  shared_q;
  logic [1:0]            group_log2_q;
  logic [SegmentW-1:0]   span_read_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) read_q <= 1'b0;
    else         read_q <= read_o;
    if (read_o) begin
      tokens_q     <= read_tokens_o;
      shared_q     <= job.shared_word;
      group_log2_q <= job.group_log2;
      span_read_q  <= SegmentW'(span_q);
    end
  end
  assign valid_q = read_q ? tokens_q : '0;

  // ---- Tables and group data, token by token ----------------------------------------------------

  for (genvar t = 0; t < Tokens; t++) begin : gen_token
    logic [Columns*MantissaBits-1:0] mantissas;

    // Only the lanes of the group that the pass is about.
    if (Segments == 1) begin : gen_whole
      logic unused;
      assign unused    = ^group_log2_q;
      assign mantissas = mantissas_i[t*Columns*MantissaBits +: Columns*MantissaBits];
    end else begin : gen_segments
      localparam int unsigned Width = bl_pkg::MinGroup * MantissaBits;
      always_comb begin
        mantissas = mantissas_i[t*Columns*MantissaBits +: Columns*MantissaBits];
        if (shared_q) begin
          for (int unsigned s = 0; s < Segments; s++) begin
            if (SegmentW'(s) >> group_log2_q != span_read_q) mantissas[s*Width +: Width] = '0;
          end
        end
      end
    end

    bl_lut #(
      .Columns     (Columns),
      .Mu          (Mu),
      .MantissaBits(MantissaBits)
    ) u_lut (
      .clk_i,
      .rst_ni,
      .valid_i    (valid_q[t]),
      .mantissas_i(mantissas),
      .valid_o    (table_valid_o[t]),
      .entries_o  (table_entries_o[t*EntriesW +: EntriesW])
    );

    // Group data takes the tables' way, so that both reach their slot together.
    logic [SegmentW-1:0] entry;
    logic [DataW-1:0]    data_q;
    logic                data_valid_q;
    assign entry = shared_q ? span_read_q : '0;
    always_ff @(posedge clk_i) begin
      data_valid_q <= valid_q[t];
      if (valid_q[t]) begin
        data_q <= {nans_i[t], token_exponents_i[t*5 +: 5],
                   exponents_i[(t*Segments+32'(entry))*5 +: 5],
                   sums_i[(t*Segments+32'(entry))*SumW +: SumW]};
      end
      if (data_valid_q) table_data_o[t*DataW +: DataW] <= data_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) table_slot_o <= '0;
    else if (table_valid_o[0]) table_slot_o <= table_slot_o + 1'b1;
  end

  `BL_ASSERT_IF(JobFitsTheRing, job_valid_i,
                32'(job_i.blocks) * (job_i.shared_word ? 1 : 32'(job_i.span)) <= Depth,
                "a job has more slices than the activation buffer holds")

endmodule
