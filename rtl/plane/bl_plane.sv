// SPDX-License-Identifier: Apache-2.0
// Turns the weight stream into plane words for the array.
//
// Function:   BCQ mode: plane words as they are stored, joined from memory lines. Codebook mode:
//             the index words of a block are kept while the one-hot words of all codes are made
//             from them: bit (r, c) of code x's word is 1 where the index formed from planes 0
//             (most significant) .. bits - 1 is x. Words come in the order code, slice.
// Latency:    BCQ: none when a line is a plane word, else one cycle after its last line. Codebook:
//             2 cycles after a block's last index word.
// Throughput: one plane word per cycle, or per PlaneW / LineW lines; the next block's index words
//             come in while the codes of the one before leave, also across jobs.
// Limits:     PlaneW is a multiple of LineW; codebook jobs have at most MaxCodebookBits planes in
//             use and blocks of at most MaxSlices slices. MaxCodebookBits = 0 leaves the mode out.

`include "bl_assert.svh"

module bl_plane #(
  parameter int unsigned LineW,
  parameter int unsigned PlaneW,
  parameter int unsigned MaxCodebookBits,
  parameter int unsigned MaxSlices,
  parameter int unsigned JobQueue
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              job_valid_i,
  output logic              job_ready_o,
  input  bl_pkg::job_t      job_i,

  input  logic              valid_i,
  output logic              ready_o,
  input  logic [LineW-1:0]  data_i,

  output logic              valid_o,
  input  logic              ready_i,
  output logic [PlaneW-1:0] data_o
);

  logic              word_valid, word_ready;
  logic [PlaneW-1:0] word;

  bl_gearbox #(
    .InW (LineW),
    .OutW(PlaneW)
  ) u_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i,
    .valid_o(word_valid),
    .ready_i(word_ready),
    .data_o (word),
    .drop_i (1'b0)
  );

  // Jobs whose words come in, and jobs whose words leave. (Declared out here: Yosys does not find
  // the members of a structure that a generate block declares.)
  /* verilator lint_off UNUSEDSIGNAL */  // not every field is of use here
  bl_pkg::job_t in_job, out_job;
  /* verilator lint_on UNUSEDSIGNAL */

  if (MaxCodebookBits == 0) begin : gen_bcq
    logic unused;
    assign in_job      = job_i;
    assign out_job     = job_i;
    assign unused      = job_valid_i;
    assign job_ready_o = 1'b1;
    assign valid_o     = word_valid;
    assign word_ready  = ready_i;
    assign data_o      = word;

  end else begin : gen_codebook
    localparam int unsigned SliceW = MaxSlices > 1 ? $clog2(MaxSlices) : 1;
    localparam int unsigned Depth = 2 << SliceW;   // two blocks

    // In BCQ mode words pass straight through, so in_job and out_job are the same job then.
    logic in_job_valid, in_job_ready, in_job_pop, out_job_valid, out_job_ready, out_job_pop;

    assign job_ready_o = in_job_ready && out_job_ready;

    bl_fifo #(
      .Width(bl_pkg::JobW),
      .Depth(JobQueue)
    ) u_in_jobs (
      .clk_i,
      .rst_ni,
      .wvalid_i(job_valid_i && job_ready_o),
      .wready_o(in_job_ready),
      .wdata_i (job_i),
      .rvalid_o(in_job_valid),
      .rready_i(in_job_pop),
      .rdata_o (in_job)
    );

    bl_fifo #(
      .Width(bl_pkg::JobW),
      .Depth(JobQueue)
    ) u_out_jobs (
      .clk_i,
      .rst_ni,
      .wvalid_i(job_valid_i && job_ready_o),
      .wready_o(out_job_ready),
      .wdata_i (job_i),
      .rvalid_o(out_job_valid),
      .rready_i(out_job_pop),
      .rdata_o (out_job)
    );

    // ---- Words that come in: slice, plane, block, tile ------------------------------------------

    logic [5:0]  in_slices, out_slices;   // per block
    logic [5:0]  in_slice_q, out_slice_q;
    logic [3:0]  in_plane_q;
    logic [15:0] in_block_q, out_block_q;
    logic [19:0] in_tile_q, out_tile_q;
    logic        in_pass, in_store, in_take, in_slice_end, in_block_end, in_tile_end;
    logic        in_half_q, out_half_q;
    logic [1:0]  full_q;                  // blocks whose index words are all there
    logic        made_q;                  // the banks' outputs belong to a word

    assign in_slices    = in_job.shared_word ? 6'd1 : in_job.span;
    assign in_pass      = in_job_valid && !in_job.codebook && out_job_valid && !out_job.codebook &&
                          !made_q;
    assign in_store     = in_job_valid && in_job.codebook && full_q != 2'd2;
    assign word_ready   = in_store || (in_pass && ready_i);
    assign in_take      = word_valid && word_ready;
    assign in_slice_end = in_slice_q == in_slices - 6'd1;
    assign in_block_end = in_slice_end && in_plane_q == in_job.bits - 4'd1;
    assign in_tile_end  = in_block_end && in_block_q == in_job.blocks - 16'd1;
    assign in_job_pop   = in_take && in_tile_end && in_tile_q == in_job.tiles - 20'd1;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        in_slice_q <= '0;
        in_plane_q <= '0;
        in_block_q <= '0;
        in_tile_q  <= '0;
        in_half_q  <= 1'b0;
      end else if (in_take) begin
        in_slice_q <= in_slice_end ? '0 : in_slice_q + 6'd1;
        if (in_slice_end) in_plane_q <= in_block_end ? '0 : in_plane_q + 4'd1;
        if (in_block_end) begin
          in_block_q <= in_tile_end ? '0 : in_block_q + 16'd1;
          if (in_job.codebook) in_half_q <= !in_half_q;
        end
        if (in_tile_end) in_tile_q <= in_job_pop ? '0 : in_tile_q + 20'd1;
      end
    end

    // ---- Index words by plane; codes that leave: slice, code, block, tile -----------------------

    logic [PlaneW*MaxCodebookBits-1:0] index;
    logic                              read, out_block_end, out_tile_end, out_slice_end;
    logic [4:0]                        out_code_q;
    logic [4:0]                        made_code_q;
    logic [3:0]                        made_bits_q;

    for (genvar p = 0; p < MaxCodebookBits; p++) begin : gen_bank
      bl_ram #(
        .Width(PlaneW),
        .Depth(Depth)
      ) u_bank (
        .clk_i,
        .we_i   (word_valid && in_store && in_plane_q == 4'(p)),
        .waddr_i({in_half_q, in_slice_q[SliceW-1:0]}),
        .wdata_i(word),
        .re_i   (read),
        .raddr_i({out_half_q, out_slice_q[SliceW-1:0]}),
        .rdata_o(index[p*PlaneW +: PlaneW])
      );
    end

    assign out_slices    = out_job.shared_word ? 6'd1 : out_job.span;
    assign read          = out_job_valid && out_job.codebook && full_q != '0 &&
                           (!made_q || ready_i);
    assign out_slice_end = out_slice_q == out_slices - 6'd1;
    assign out_block_end = out_slice_end && out_code_q == out_job.rounds - 5'd1;
    assign out_tile_end  = out_block_end && out_block_q == out_job.blocks - 16'd1;

    // A BCQ job leaves with its last word; a codebook job when its last word is made.
    assign out_job_pop = out_job.codebook
        ? read && out_tile_end && out_tile_q == out_job.tiles - 20'd1 : in_pass && in_job_pop;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        out_slice_q <= '0;
        out_code_q  <= '0;
        out_block_q <= '0;
        out_tile_q  <= '0;
        out_half_q  <= 1'b0;
        full_q      <= '0;
        made_q      <= 1'b0;
      end else begin
        if (read) begin
          out_slice_q <= out_slice_end ? '0 : out_slice_q + 6'd1;
          if (out_slice_end) out_code_q <= out_block_end ? '0 : out_code_q + 5'd1;
          if (out_block_end) begin
            out_block_q <= out_tile_end ? '0 : out_block_q + 16'd1;
            out_half_q  <= !out_half_q;
          end
          if (out_tile_end) out_tile_q <= out_job_pop ? '0 : out_tile_q + 20'd1;
        end
        full_q <= full_q + 2'(word_valid && in_store && in_block_end) - 2'(read && out_block_end);
        if (read)         made_q <= 1'b1;
        else if (ready_i) made_q <= 1'b0;
      end
      if (read) begin
        made_code_q <= out_code_q;
        made_bits_q <= out_job.bits;
      end
    end

    // ---- The one-hot word: planes that agree with the code's bits, most significant first -------

    always_comb begin
      data_o = word;
      if (made_q) begin
        data_o = '1;
        for (int unsigned p = 0; p < MaxCodebookBits; p++) begin
          if (4'(p) < made_bits_q) begin
            if (made_code_q[3'(made_bits_q - 4'(p) - 4'd1)]) begin
              data_o = data_o & index[p*PlaneW +: PlaneW];
            end else begin
              data_o = data_o & ~index[p*PlaneW +: PlaneW];
            end
          end
        end
      end
    end

    assign valid_o = made_q || (in_pass && word_valid);

    `BL_ASSERT_IF(FitsTheBanks, in_store,
                  32'(in_job.bits) <= MaxCodebookBits && 32'(in_slices) <= MaxSlices,
                  "a codebook job has more planes or slices than the banks hold")
  end

endmodule
