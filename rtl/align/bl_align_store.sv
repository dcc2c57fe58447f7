// SPDX-License-Identifier: Apache-2.0
// The activation buffer: aligns arriving activations and keeps their mantissas for the whole job.
//
// Function:   a job's lines of activations are cut into slices, aligned and written into a ring of
//             MaxK columns per token. The tokens of a job come one after the other, each in whole
//             lines (what follows in a token's last line is dropped), and take the same places in
//             the ring, each in a bank of its own. A job is read twice, all of its tokens, when it
//             is per_row or TwoPass is set: the first reading finds the tokens' exponents.
//             The reader addresses slices by their place in the ring and releases them one by one,
//             oldest first, so the next job's activations come in behind its last row tile.
// Latency:    from the last slice of the last token's block to `block_written_o`: slices per block
//             + 5 cycles, one more when a line is part of a slice; reads take one cycle.
// Throughput: one slice in and one slice (of any tokens) out per cycle, also across tokens,
//             readings and jobs.
// Limits:     jobs of at most MaxK columns, MaxK a multiple of bl_pkg::MaxGroup (both checked
//             before). Group data (exponents, sums, NaN flags) is meaningful in the last slice of a
//             group that is one slice or more, in entry 0; a slice of several groups has entry s
//             for its s-th group. token_exponents_o is meaningful for jobs that are read twice.

`include "bl_assert.svh"

module bl_align_store #(
  parameter int unsigned Columns,
  parameter int unsigned MantissaBits,
  parameter int unsigned MaxK,
  parameter int unsigned Tokens,
  parameter int unsigned LineW,
  parameter bit          TwoPass,
  parameter int unsigned JobQueue,
  localparam int unsigned Depth = MaxK / Columns,
  localparam int unsigned AddrW = $clog2(Depth),
  localparam int unsigned Segs = Columns > bl_pkg::MinGroup ? Columns / bl_pkg::MinGroup : 1,
  localparam int unsigned SumW = MantissaBits + 8
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,

  input  logic                                   job_valid_i,
  output logic                                   job_ready_o,
  input  bl_pkg::job_t                           job_i,

  input  logic                                   valid_i,
  output logic                                   ready_o,
  input  logic [LineW-1:0]                       data_i,

  output logic                                   block_written_o,  // by all tokens of the job
  input  logic                                   read_i,
  input  logic [AddrW-1:0]                       read_slice_i,
  input  logic [Tokens-1:0]                      read_tokens_i,
  output logic [Tokens*Columns*MantissaBits-1:0] mantissas_o,
  output logic [Tokens*Segs*5-1:0]               exponents_o,      // Eb = E_g + 14
  output logic [Tokens*Segs*SumW-1:0]            sums_o,
  output logic [Tokens*5-1:0]                    token_exponents_o,
  output logic [Tokens-1:0]                      nans_o,

  input  logic                                   release_i         // the oldest slice
);

  localparam int unsigned TokenW = Tokens > 1 ? $clog2(Tokens) : 1;
  localparam int unsigned MaxSpan = bl_pkg::MaxGroup / Columns;
  localparam int unsigned SpanW = $clog2(MaxSpan);
  // Slices of the smallest group: one word of group data for as many slices.
  localparam int unsigned MinSpan =
      Columns < bl_pkg::MinGroup ? bl_pkg::MinGroup / Columns : 1;
  localparam int unsigned Groups = Depth / MinSpan;
  localparam int unsigned GroupAddrW = $clog2(Groups);
  localparam int unsigned FreeW = $clog2(Depth + 1);

  // ---- Jobs: a walk over readings, tokens, blocks and slices ------------------------------------

  logic        job_valid, job_pop;
  logic [15:0] blocks;
  logic [4:0]  tokens;
  logic [1:0]  group_log2;
  logic        per_row;

  bl_fifo #(
    .Width(16 + 5 + 2 + 1),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i ({job_i.blocks, job_i.tokens, job_i.group_log2, job_i.per_row}),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o ({blocks, tokens, group_log2, per_row})
  );

  logic unused_job;
  assign unused_job = ^job_i;  // the other units' part

  logic              slice_valid, slice_ready, align_ready, take;
  logic [15:0]       block_q;
  logic [SpanW-1:0]  slice_q;
  logic [TokenW-1:0] token_q;
  logic              second_q;  // reading
  logic              two_pass, block_last, token_first, token_last, last_token, reading_last;

  assign slice_ready  = job_valid && align_ready;
  assign take         = slice_valid && slice_ready;
  assign two_pass     = TwoPass || per_row;
  assign block_last   = slice_q == SpanW'(((32'd32 << group_log2) - 32'd1) >> $clog2(Columns));
  assign token_first  = block_q == '0 && slice_q == '0;
  assign token_last   = block_last && block_q == blocks - 16'd1;
  assign last_token   = 5'(token_q) == tokens - 5'd1;
  assign reading_last = token_last && last_token;
  assign job_pop      = take && reading_last && (second_q || !two_pass);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      block_q  <= '0;
      slice_q  <= '0;
      token_q  <= '0;
      second_q <= 1'b0;
    end else if (take) begin
      slice_q <= block_last ? '0 : slice_q + 1'b1;
      if (block_last) block_q <= token_last ? '0 : block_q + 16'd1;
      if (token_last) token_q <= last_token ? '0 : token_q + 1'b1;
      if (reading_last) second_q <= two_pass && !second_q;
    end
  end

  // ---- Lines to slices, slices to mantissas -----------------------------------------------------

  logic [Columns*16-1:0] slice_data;

  bl_gearbox #(
    .InW (LineW),
    .OutW(Columns * 16)
  ) u_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i,
    .valid_o(slice_valid),
    .ready_i(slice_ready),
    .data_o (slice_data),
    .drop_i (token_last)
  );

  localparam int unsigned TagW = TokenW + 2;
  logic                            shift_valid, shift_ready, shift_group_last;
  logic                            shift_token_last, shift_last_token;
  logic [TokenW-1:0]               shift_token;
  logic [Columns*MantissaBits-1:0] mantissas;
  logic [Segs*5-1:0]               exponents;
  logic [Segs*SumW-1:0]            sums;
  logic [4:0]                      token_exponent;
  logic                            nan;

  bl_align #(
    .Columns     (Columns),
    .MantissaBits(MantissaBits),
    .Tokens      (Tokens),
    .TagW        (TagW)
  ) u_align (
    .clk_i,
    .rst_ni,
    .valid_i             (slice_valid && job_valid),
    .ready_o             (align_ready),
    .data_i              (slice_data),
    .group_log2_i        (group_log2),
    .group_last_i        (block_last),
    .token_first_i       (token_first),
    .token_i             (token_q),
    .find_i              (two_pass && !second_q),
    .found_i             (two_pass),
    .per_row_i           (per_row),
    .tag_i               ({token_last, last_token, token_q}),
    .slice_valid_o       (shift_valid),
    .slice_ready_i       (shift_ready),
    .slice_group_last_o  (shift_group_last),
    .slice_tag_o         ({shift_token_last, shift_last_token, shift_token}),
    .mantissas_o         (mantissas),
    .sum_exponents_o     (exponents),
    .sum_sums_o          (sums),
    .sum_token_exponent_o(token_exponent),
    .sum_nan_o           (nan)
  );

  // ---- Ring -------------------------------------------------------------------------------------

  // A job's first token takes places; the others have theirs in the same ones, which are not
  // released before the last token is there.
  logic             shift, claim;
  logic [FreeW-1:0] free_q;
  logic [AddrW-1:0] base_q, address_q, next_address;

  assign claim        = shift_token == '0;
  assign shift_ready  = !claim || free_q != '0;
  assign shift        = shift_valid && shift_ready;
  assign next_address = address_q == AddrW'(Depth - 1) ? '0 : address_q + 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q    <= FreeW'(Depth);
      base_q    <= '0;
      address_q <= '0;
    end else begin
      free_q <= free_q - FreeW'(shift && claim) + FreeW'(release_i);
      if (shift) begin
        address_q <= shift_token_last && !shift_last_token ? base_q : next_address;
        if (shift_token_last && shift_last_token) base_q <= next_address;
      end
    end
  end

  // Mantissas are written one cycle after they were taken, group data one cycle after that.
  logic              w1_valid_q, w1_group_last_q, w1_last_token_q;
  logic              w2_valid_q, w2_group_last_q, w2_last_token_q;
  logic [TokenW-1:0] w1_token_q, w2_token_q;
  logic [AddrW-1:0]  w1_address_q, w2_address_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      w1_valid_q      <= 1'b0;
      w2_valid_q      <= 1'b0;
      block_written_o <= 1'b0;
    end else begin
      w1_valid_q      <= shift;
      w2_valid_q      <= w1_valid_q;
      block_written_o <= w2_valid_q && w2_group_last_q && w2_last_token_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (shift) begin
      w1_group_last_q <= shift_group_last;
      w1_last_token_q <= shift_last_token;
      w1_token_q      <= shift_token;
      w1_address_q    <= address_q;
    end
    if (w1_valid_q) begin
      w2_group_last_q <= w1_group_last_q;
      w2_last_token_q <= w1_last_token_q;
      w2_token_q      <= w1_token_q;
      w2_address_q    <= w1_address_q;
    end
  end

  localparam int unsigned EntryW = Segs * (SumW + 5) + 1;
  localparam int unsigned GroupW = TwoPass ? EntryW + 5 : EntryW;
  logic [GroupW-1:0] group_wdata;
  if (TwoPass) begin : gen_token_exponent
    assign group_wdata = {token_exponent, nan, exponents, sums};
  end else begin : gen_no_token_exponent
    // Only per_row jobs are read twice, and their groups' exponent is the token's.
    logic unused_token_exponent;
    assign group_wdata           = {nan, exponents, sums};
    assign unused_token_exponent = ^token_exponent;
  end

  logic [Tokens-1:0]        w1_banks, w2_banks, read_banks;
  logic [Tokens*GroupW-1:0] group_rdata;
  assign w1_banks   = w1_valid_q ? Tokens'(1) << w1_token_q : '0;
  assign w2_banks   = w2_valid_q && w2_group_last_q ? Tokens'(1) << w2_token_q : '0;
  assign read_banks = read_i ? read_tokens_i : '0;

  bl_align_banks #(
    .Banks(Tokens),
    .Width(Columns * MantissaBits),
    .Depth(Depth)
  ) u_mantissas (
    .clk_i,
    .we_i   (w1_banks),
    .waddr_i(w1_address_q),
    .wdata_i(mantissas),
    .re_i   (read_banks),
    .raddr_i(read_slice_i),
    .rdata_o(mantissas_o)
  );

  bl_align_banks #(
    .Banks(Tokens),
    .Width(GroupW),
    .Depth(Groups)
  ) u_groups (
    .clk_i,
    .we_i   (w2_banks),
    .waddr_i(GroupAddrW'(w2_address_q >> $clog2(MinSpan))),
    .wdata_i(group_wdata),
    .re_i   (read_banks),
    .raddr_i(GroupAddrW'(read_slice_i >> $clog2(MinSpan))),
    .rdata_o(group_rdata)
  );

  for (genvar t = 0; t < Tokens; t++) begin : gen_group_data
    assign sums_o[t*Segs*SumW +: Segs*SumW] = group_rdata[t*GroupW +: Segs*SumW];
    assign exponents_o[t*Segs*5 +: Segs*5]  = group_rdata[t*GroupW+Segs*SumW +: Segs*5];
    assign nans_o[t]                        = group_rdata[t*GroupW+EntryW-1];
    assign token_exponents_o[t*5 +: 5] =
        TwoPass ? group_rdata[(t+1)*GroupW-1 -: 5] : group_rdata[t*GroupW+Segs*SumW +: 5];
  end

  // ---- What must never happen -------------------------------------------------------------------

`ifndef SYNTHESIS
  logic [31:0] readable_q, unfinished_q;  // slices, of whole blocks and of a block being written
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      readable_q   <= '0;
      unfinished_q <= '0;
    end else begin
      readable_q <= readable_q - 32'(release_i);
      if (w2_valid_q && w2_last_token_q) begin
        unfinished_q <= w2_group_last_q ? '0 : unfinished_q + 32'd1;
        if (w2_group_last_q) readable_q <= readable_q - 32'(release_i) + unfinished_q + 32'd1;
      end
    end
  end

  logic [31:0] job_span;  // slices per block
  assign job_span = job_i.shared_word ? 32'd1 : 32'(job_i.span);
`endif

  `BL_ASSERT_IF(ReleasesWhatIsHeld, release_i, readable_q != '0,
                "a slice was released that is not in the ring, or not by all tokens")
  `BL_ASSERT_IF(RingHasRoom, shift && claim, free_q != '0,
                "a slice was written over one that is not released")
  `BL_ASSERT_IF(ReadsTheRing, read_i, 32'(read_slice_i) < Depth,
                "a slice was read behind the end of the ring")
  `BL_ASSERT_IF(JobFits, job_valid_i, 32'(job_i.blocks) * job_span <= Depth,
                "a job has more slices than the ring")
  `BL_ASSERT_IF(JobHasTokens, job_valid_i,
                job_i.tokens != '0 && 32'(job_i.tokens) <= Tokens,
                "a job has no token, or more than there are banks")
  `BL_ASSERT_IF(SpanIsThatOfTheGroup, job_valid_i,
                job_span * Columns == (32'd32 << job_i.group_log2 > Columns ?
                                       32'd32 << job_i.group_log2 : Columns),
                "a job's slices per block are not those of its group size")
  `BL_ASSERT_IF(RowsAreReadInBlocks, job_valid_i && job_i.per_row, job_i.group_log2 == 2'd3,
                "a job with one group per row is not in blocks of 256 columns")

endmodule
