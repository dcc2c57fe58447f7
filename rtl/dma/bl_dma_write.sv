// SPDX-License-Identifier: Apache-2.0
// The write side: packs results into beats and bursts, and writes completion records.
//
// Function:   a job is `values` results that go to consecutive addresses, 4 bytes each or, with
//             `binary16`, 2; its last beat is filled with zeros. A burst starts when all of its
//             beats are there, so the write channel is never held without data. A job is done when
//             the response to its last burst is in; done jobs are handed over in order, each with a
//             bit per token that tells whether any of its results was of a NaN. A record is one
//             64-byte burst; it goes before any result burst that has not started. Address and data
//             of a burst are offered side by side: neither waits for the other's ready.
// Latency:    a burst's last result to its address 3 cycles; last response to done 1 cycle.
// Throughput: ResultLanes results and one beat per cycle, without a gap between bursts or jobs; one
//             cycle between two records.
// Limits:     ResultLanes * 32 <= BeatW; a job's results are whole groups of ResultLanes, each of
//             one token. Bursts have at most Depth / 2 beats; any number waits for its response,
//             and the responses of one ID return in order. JobQueue + 1 jobs fit, from their first
//             result to their last response; as many more that are done wait to be handed over. A
//             record's data stays at the port until its last beat is taken.

`include "bl_assert.svh"

module bl_dma_write #(
  parameter int unsigned BeatW,
  parameter int unsigned Depth,
  parameter int unsigned BurstBeats,
  parameter int unsigned ResultLanes,
  parameter int unsigned JobQueue
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      job_valid_i,
  output logic                      job_ready_o,
  input  bl_pkg::write_job_t        job_i,
  output logic                      done_valid_o,     // the oldest job's responses are all in
  input  logic                      done_ready_i,
  output logic [15:0]               done_nan_o,       // bit per token

  input  logic                      result_valid_i,
  output logic                      result_ready_o,
  input  logic [ResultLanes*32-1:0] result_data_i,    // binary16: the low half of each 32 bits
  input  logic                      result_nan_i,
  input  logic [3:0]                result_token_i,

  input  logic                      record_valid_i,
  output logic                      record_ready_o,
  input  logic [63:0]               record_address_i,
  input  logic [511:0]              record_data_i,
  output logic                      record_done_o,    // pulse: a record's response is in

  output logic [3:0]                awid_o,
  output logic [63:0]               awaddr_o,
  output logic [7:0]                awlen_o,
  output logic                      awvalid_o,
  input  logic                      awready_i,
  output logic [BeatW-1:0]          wdata_o,
  output logic [BeatW/8-1:0]        wstrb_o,
  output logic                      wlast_o,
  output logic                      wvalid_o,
  input  logic                      wready_i,
  input  logic [3:0]                bid_i,
  input  logic [1:0]                bresp_i,
  input  logic                      bvalid_i,
  output logic                      bready_o,

  output logic                      output_beat_o,    // pulses for the counters
  output logic                      record_beat_o,
  output logic                      error_o,          // pulse: results' write response is an error
  output logic [bl_pkg::TagW-1:0]   error_tag_o,      // its job
  output logic [63:0]               error_address_o,  // first byte of its burst
  output logic                      record_error_o    // pulse, with record_done_o
);

  localparam int unsigned BeatShift = $clog2(BeatW / 8);
  localparam logic [34:0] RoundUp = 35'(BeatW) / 35'd8 - 35'd1;
  localparam int unsigned LaneShift = $clog2(ResultLanes);
  localparam int unsigned HalfW = ResultLanes * 16;  // a cycle's results in binary16
  localparam int unsigned Parts = BeatW / HalfW;     // at least 2
  localparam int unsigned PartW = $clog2(Parts);
  localparam int unsigned CountW = $clog2(Depth + 2);
  localparam int unsigned MaxBurst = BurstBeats < Depth / 2 ? BurstBeats : Depth / 2;
  localparam int unsigned RecordBeats = 512 / BeatW;
  localparam int unsigned RecordW = RecordBeats > 1 ? $clog2(RecordBeats) : 1;
  localparam int unsigned DoneW = $clog2(JobQueue + 2);
  localparam int unsigned Jobs = JobQueue + 1;
  localparam int unsigned JobPtrW = $clog2(Jobs);

  // ---- Jobs: being packed, being written, being answered ----------------------------------------

  logic [bl_pkg::WriteJobW-1:0] jobs_q [Jobs];
  bl_pkg::write_job_t           pack, write, answer;
  logic [JobPtrW-1:0]           free_index, pack_index, write_index, answer_index;
  logic                         job_take, pack_valid, write_valid, answer_valid;
  logic                         pack_pop, write_pop, answer_pop;

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(Jobs)
  ) u_free (
    .clk_i,
    .rst_ni,
    .add_i  (answer_pop),
    .pop_i  (job_take),
    .valid_o(job_ready_o),
    .index_o(free_index)
  );

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(0)
  ) u_pack (
    .clk_i,
    .rst_ni,
    .add_i  (job_take),
    .pop_i  (pack_pop),
    .valid_o(pack_valid),
    .index_o(pack_index)
  );

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(0)
  ) u_write (
    .clk_i,
    .rst_ni,
    .add_i  (job_take),
    .pop_i  (write_pop),
    .valid_o(write_valid),
    .index_o(write_index)
  );

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(0)
  ) u_answer (
    .clk_i,
    .rst_ni,
    .add_i  (job_take),
    .pop_i  (answer_pop),
    .valid_o(answer_valid),
    .index_o(answer_index)
  );

  assign job_take = job_valid_i && job_ready_o;
  always_ff @(posedge clk_i) begin
    if (job_take) jobs_q[free_index] <= job_i;
  end

  assign pack   = jobs_q[pack_index];
  assign write  = jobs_q[write_index];
  assign answer = jobs_q[answer_index];

  // Beats of a job.
  function automatic logic [31:0] beats_of(input logic [31:0] values, input logic binary16);
    logic [34:0] bytes;
    bytes    = (binary16 ? {2'd0, values, 1'b0} : {1'b0, values, 2'b00}) + RoundUp;
    beats_of = 32'(bytes >> BeatShift);
  endfunction

  // The unit works in beats and in groups of results; the rest of a job it passes by.
  logic unused;
  assign unused = ^{pack, write.tag};

  // ---- Pack results into beats: a group takes two parts of a beat in binary32, one in binary16 --

  logic [31:0]      packed_q;      // groups of this job taken so far
  logic [31:0]      packed_next;
  logic [PartW-1:0] part_q;
  logic             beat_valid_q;
  logic [BeatW-1:0] beat_q;
  logic [15:0]      nan_q, nan;
  logic             fifo_ready, nan_ready, take, pack_last, beat_full;

  assign result_ready_o = pack_valid && nan_ready && (!beat_valid_q || fifo_ready);
  assign take           = result_valid_i && result_ready_o;
  assign packed_next    = packed_q + 32'd1;
  assign pack_pop       = pack_last;
  assign beat_full      = part_q == (pack.binary16 ? PartW'(Parts - 1) : PartW'(Parts - 2));
  assign nan            = nan_q | (16'(result_nan_i) << result_token_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      packed_q     <= '0;
      part_q       <= '0;
      nan_q        <= '0;
      beat_valid_q <= 1'b0;
    end else if (take) begin
      packed_q     <= pack_last ? '0 : packed_next;
      part_q       <= pack_last ? '0 : part_q + (pack.binary16 ? PartW'(1) : PartW'(2));
      nan_q        <= pack_last ? '0 : nan;
      beat_valid_q <= pack_last || beat_full;
    end else if (fifo_ready) begin
      beat_valid_q <= 1'b0;
    end
  end

  logic [HalfW-1:0] halves;
  always_comb begin
    pack_last = 1'b0;
    halves    = '0;
    if (take) begin
      pack_last = packed_next == pack.values >> LaneShift;
      for (int unsigned i = 0; i < ResultLanes; i++) halves[i*16 +: 16] = result_data_i[i*32 +: 16];
    end
  end

  for (genvar p = 0; p < Parts; p++) begin : gen_part
    logic mine;
    assign mine = pack.binary16 ? part_q == PartW'(p) : part_q >> 1 == PartW'(p / 2);
    always_ff @(posedge clk_i) begin
      if (take) begin
        if (mine) begin
          beat_q[p*HalfW +: HalfW] <= pack.binary16 ? halves : result_data_i[p%2*HalfW +: HalfW];
        end else if (part_q == '0) begin
          beat_q[p*HalfW +: HalfW] <= '0;
        end
      end
    end
  end

  logic             beat_valid, beat_pop, beat_push;
  logic [BeatW-1:0] beat_data;
  assign beat_push = beat_valid_q && fifo_ready;

  bl_fifo #(
    .Width(BeatW),
    .Depth(Depth)
  ) u_beats (
    .clk_i,
    .rst_ni,
    .wvalid_i(beat_valid_q),
    .wready_o(fifo_ready),
    .wdata_i (beat_q),
    .rvalid_o(beat_valid),
    .rready_i(beat_pop),
    .rdata_o (beat_data)
  );

  // NaN flags of packed jobs wait until the jobs are done.
  logic nan_valid, done;
  assign done = done_valid_o && done_ready_i;

  bl_fifo #(
    .Width(16),
    .Depth(JobQueue)
  ) u_nans (
    .clk_i,
    .rst_ni,
    .wvalid_i(pack_pop),
    .wready_o(nan_ready),
    .wdata_i (nan),
    .rvalid_o(nan_valid),
    .rready_i(done),
    .rdata_o (done_nan_o)
  );

  // ---- Bursts: the next one starts when the address register is free and the last beat of the one
  // before is taken -------------------------------------------------------------------------------

  logic               record_q;        // the burst is a record
  logic [7:0]         left_q;          // its beats left
  logic [RecordW-1:0] record_beat_q;
  logic [31:0]        written_q;       // beats of this job in bursts that have started
  logic [CountW-1:0]  waiting_q;       // beats in the buffer of bursts that have not started
  logic [31:0]        write_left;
  logic [7:0]         burst;
  logic               burst_waits, start_record, start_burst, write_end;

  always_comb begin
    write_left  = '0;
    write_end   = 1'b0;
    burst       = '0;
    burst_waits = 1'b0;
    if (write_valid) begin
      write_left  = beats_of(write.values, write.binary16) - written_q;
      write_end   = write_left <= 32'(MaxBurst);
      burst       = write_end ? write_left[7:0] : 8'(MaxBurst);
      burst_waits = 32'(waiting_q) >= 32'(burst);
    end
  end

  always_comb begin
    start_record = 1'b0;
    start_burst  = 1'b0;
    if (record_valid_i || burst_waits) begin
      if ((!awvalid_o || awready_i) && (!wvalid_o || (wready_i && wlast_o))) begin
        start_record = record_valid_i && !record_ready_o;  // not the one that ends in this cycle
        start_burst  = burst_waits && !start_record;
      end
    end
  end

  assign write_pop = start_burst && write_end;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      awvalid_o     <= 1'b0;
      wvalid_o      <= 1'b0;
      record_beat_q <= '0;
      written_q     <= '0;
      waiting_q     <= '0;
    end else begin
      awvalid_o <= start_record || start_burst || (awvalid_o && !awready_i);
      wvalid_o  <= start_record || start_burst || (wvalid_o && !(wready_i && wlast_o));
      if (record_beat_o) record_beat_q <= wlast_o ? '0 : record_beat_q + 1'b1;
      if (start_burst) written_q <= write_end ? '0 : written_q + 32'(burst);
      waiting_q <= waiting_q + CountW'(beat_push) - (start_burst ? CountW'(burst) : '0);
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_record || start_burst) begin
      awid_o   <= start_record ? 4'(bl_pkg::WriteCompletions) : 4'(bl_pkg::WriteOutputs);
      awlen_o  <= (start_record ? 8'(RecordBeats) : burst) - 8'd1;
      awaddr_o <= start_record ? record_address_i : write.address + (64'(written_q) << BeatShift);
      record_q <= start_record;
      left_q   <= start_record ? 8'(RecordBeats) : burst;
    end else if (wvalid_o && wready_i) begin
      left_q <= left_q - 8'd1;
    end
  end

  assign wdata_o        = record_q ? record_data_i[32'(record_beat_q)*BeatW +: BeatW] : beat_data;
  assign wstrb_o        = '1;
  assign wlast_o        = left_q == 8'd1;
  assign record_beat_o  = wvalid_o && wready_i && record_q;
  assign output_beat_o  = wvalid_o && wready_i && !record_q;
  assign beat_pop       = output_beat_o;
  assign record_ready_o = record_beat_o && wlast_o;

  // ---- Responses: they come burst by burst, as the bursts went ----------------------------------

  logic             response, answer_end;
  logic [31:0]      answered_q;    // beats of this job
  logic [DoneW-1:0] done_q;        // jobs that are done and not handed over

  assign bready_o       = 1'b1;
  assign response       = bvalid_i && bid_i == 4'(bl_pkg::WriteOutputs);
  assign record_done_o  = bvalid_i && bid_i == 4'(bl_pkg::WriteCompletions);
  assign answer_pop     = answer_end;
  assign done_valid_o   = done_q != '0;
  assign error_o        = response && bresp_i != 2'b00;
  assign error_tag_o    = answer.tag;
  assign record_error_o = record_done_o && bresp_i != 2'b00;

  always_comb begin
    answer_end = 1'b0;
    if (response) begin
      answer_end = beats_of(answer.values, answer.binary16) - answered_q <= 32'(MaxBurst);
    end
  end

  always_comb begin
    error_address_o = '0;
    if (error_o) error_address_o = answer.address + (64'(answered_q) << BeatShift);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      answered_q <= '0;
      done_q     <= '0;
    end else begin
      if (response) answered_q <= answer_end ? '0 : answered_q + 32'(MaxBurst);
      done_q <= done_q + DoneW'(answer_pop) - DoneW'(done);
    end
  end

`ifndef SYNTHESIS
  // Bursts that wait for their response; one whose data is still on its way does not yet.
  logic [31:0] unanswered_q, unanswered_records_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      unanswered_q         <= '0;
      unanswered_records_q <= '0;
    end else begin
      unanswered_q         <= unanswered_q + 32'(output_beat_o && wlast_o) - 32'(response);
      unanswered_records_q <= unanswered_records_q + 32'(record_ready_o) - 32'(record_done_o);
    end
  end
`endif

  `BL_ASSERT_IF(JobIsGood, job_valid_i,
                job_i.values != '0 && job_i.values % ResultLanes == 32'd0 &&
                job_i.address[11:0] == '0,
                "a job has no results or parts of groups, or does not start a page")
  `BL_ASSERT_IF(BurstHasItsData, output_beat_o, beat_valid, "a burst started without its data")
  `BL_ASSERT_IF(DoneJobHasItsNanFlags, done_valid_o, nan_valid,
                "a job's responses came before its results were packed")
  `BL_ASSERT_IF(ResponseWasAskedFor, bvalid_i,
                (response && answer_valid && unanswered_q != '0) ||
                (record_done_o && unanswered_records_q != '0),
                "a write response came that was not asked for")
  `BL_ASSERT_STABLE(AddressIsStable, awvalid_o, awready_i, awaddr_o)
  `BL_ASSERT_STABLE(DataIsStable, wvalid_o, wready_i, wdata_o)

endmodule
