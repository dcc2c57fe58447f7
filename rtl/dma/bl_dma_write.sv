// SPDX-License-Identifier: Apache-2.0
// The write side: packs results into beats and bursts, and writes completion records.
//
// Function:   a job is `values` 32-bit results that go to consecutive addresses; its last beat is
//             filled with zeros. A burst starts when all of its beats are there, so the write
//             channel is never held without data. `done_valid_o` follows the job's last write
//             response and tells whether any result was of a NaN token. A record is one 64-byte
//             burst.
// Latency:    result to address 3 cycles, once a burst is complete.
// Throughput: one result per cycle; bursts of at most Depth / 2 beats, responses outstanding.
// Limits:     responses of one ID return in order; at most MaxBursts bursts outstanding.

`include "bl_assert.svh"

module bl_dma_write #(
  parameter int unsigned BeatW,
  parameter int unsigned Depth,
  parameter int unsigned BurstBeats,
  parameter int unsigned JobQueue
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               job_valid_i,
  output logic               job_ready_o,
  input  logic [63:0]        job_address_i,    // bytes, aligned to a burst
  input  logic [31:0]        job_values_i,     // at least 1
  input  logic [1:0]         job_tag_i,
  output logic               done_valid_o,     // the oldest job's responses are all in
  input  logic               done_ready_i,
  output logic               done_nan_o,

  input  logic               result_valid_i,
  output logic               result_ready_o,
  input  logic [31:0]        result_data_i,
  input  logic               result_nan_i,

  input  logic               record_valid_i,
  output logic               record_ready_o,
  input  logic [63:0]        record_address_i,
  input  logic [511:0]       record_data_i,
  output logic               record_done_o,    // pulse

  output logic [3:0]         awid_o,
  output logic [63:0]        awaddr_o,
  output logic [7:0]         awlen_o,
  output logic               awvalid_o,
  input  logic               awready_i,
  output logic [BeatW-1:0]   wdata_o,
  output logic [BeatW/8-1:0] wstrb_o,
  output logic               wlast_o,
  output logic               wvalid_o,
  input  logic               wready_i,
  input  logic [3:0]         bid_i,
  input  logic [1:0]         bresp_i,
  input  logic               bvalid_i,
  output logic               bready_o,

  output logic               output_beat_o,    // pulses for the counters
  output logic               record_beat_o,
  output logic               error_o,          // pulse: a write response of results was an error
  output logic [1:0]         error_tag_o,      // its job
  output logic [63:0]        error_address_o,  // first byte of its burst
  output logic               record_error_o    // pulse: a record's write response was an error
);

  localparam int unsigned BeatBytes = BeatW / 8;
  localparam int unsigned BeatShift = $clog2(BeatBytes);
  localparam int unsigned Parts = BeatW / 32;
  localparam int unsigned PartW = $clog2(Parts);
  localparam int unsigned CountW = $clog2(Depth + 2);
  localparam int unsigned MaxBurst = BurstBeats < Depth / 2 ? BurstBeats : Depth / 2;
  localparam int unsigned MaxBurstW = MaxBurst > 1 ? $clog2(MaxBurst) : 1;
  localparam int unsigned MaxBursts = 64;
  localparam int unsigned RecordBeats = 512 / BeatW;
  localparam int unsigned RecordW = RecordBeats > 1 ? $clog2(RecordBeats) : 1;

  // ---- Pack results into beats ------------------------------------------------------------------

  logic             pack_job_valid, pack_job_pop, pack_job_ready;
  logic [31:0]      pack_values;
  logic [31:0]      packed_q;      // results of this job taken so far
  logic [PartW-1:0] part_q;
  logic             beat_valid_q, nan_q;
  logic [BeatW-1:0] beat_q;
  logic             fifo_ready, take, job_last, nan_job_ready;

  bl_fifo #(
    .Width(32),
    .Depth(JobQueue)
  ) u_pack_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i && job_ready_o),
    .wready_o(pack_job_ready),
    .wdata_i (job_values_i),
    .rvalid_o(pack_job_valid),
    .rready_i(pack_job_pop),
    .rdata_o (pack_values)
  );

  assign result_ready_o = pack_job_valid && nan_job_ready && (!beat_valid_q || fifo_ready);
  assign take           = result_valid_i && result_ready_o;
  assign job_last       = packed_q == pack_values - 32'd1;
  assign pack_job_pop   = take && job_last;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      packed_q     <= '0;
      part_q       <= '0;
      beat_valid_q <= 1'b0;
      nan_q        <= 1'b0;
    end else begin
      if (take) begin
        packed_q     <= job_last ? '0 : packed_q + 32'd1;
        part_q       <= job_last ? '0 : part_q + 1'b1;
        nan_q        <= !job_last && (nan_q || result_nan_i);
        beat_valid_q <= job_last || part_q == PartW'(Parts - 1);
      end else if (fifo_ready) begin
        beat_valid_q <= 1'b0;
      end
    end
  end

  for (genvar p = 0; p < Parts; p++) begin : gen_part
    always_ff @(posedge clk_i) begin
      if (take && part_q == PartW'(p))  beat_q[p*32 +: 32] <= result_data_i;
      else if (take && part_q == '0)    beat_q[p*32 +: 32] <= '0;
    end
  end

  logic             beat_valid, beat_pop;
  logic [BeatW-1:0] beat_data;
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

  logic done;
  assign done = done_valid_o && done_ready_i;

  // NaN flags of packed jobs wait for the jobs' write responses.
  logic nan_valid, nan_job;
  bl_fifo #(
    .Width(1),
    .Depth(JobQueue)
  ) u_nans (
    .clk_i,
    .rst_ni,
    .wvalid_i(take && job_last),
    .wready_o(nan_job_ready),
    .wdata_i (nan_q || result_nan_i),
    .rvalid_o(nan_valid),
    .rready_i(done),
    .rdata_o (nan_job)
  );

  // ---- Bursts -----------------------------------------------------------------------------------

  logic        job_valid, job_pop, job_queue_ready, target_ready;
  logic [63:0] job_address;
  logic [31:0] job_values, job_beats;
  logic [1:0]  job_tag;

  assign job_ready_o = pack_job_ready && job_queue_ready;

  bl_fifo #(
    .Width(64 + 32 + 2),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i && job_ready_o),
    .wready_o(job_queue_ready),
    .wdata_i ({job_address_i, job_values_i, job_tag_i}),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o ({job_address, job_values, job_tag})
  );

  assign job_beats = (job_values + 32'(Parts - 1)) >> PartW;

  // Address and data of a burst are offered side by side: neither waits for the other's ready.
  logic               address_left_q, data_left_q;
  logic               idle;
  logic               record_q;        // the burst is a record
  logic [31:0]        written_q;       // beats of this job in earlier bursts
  logic [CountW-1:0]  stored_q;        // beats in the buffer
  logic [7:0]         left_q;          // beats left in the burst under way
  logic [RecordW-1:0] record_beat_q;
  logic [7:0]         issued_q, answered_q;  // output bursts, counted modulo 256
  logic [31:0]        job_left;
  logic [7:0]         burst_left, burst;
  logic [63:0]        burst_address;
  logic               start_record, start_burst, job_end;
  logic               address_ready;   // one more burst may be outstanding

  assign job_left      = job_beats - written_q;
  assign burst_left    = 8'(MaxBurst) - (MaxBurst > 1 ? 8'(written_q[MaxBurstW-1:0]) : 8'd0);
  assign burst         = job_left < 32'(burst_left) ? job_left[7:0] : burst_left;
  assign job_end       = job_left == 32'(burst);
  assign burst_address = job_address + (64'(written_q) << BeatShift);

  assign idle         = !address_left_q && !data_left_q;
  assign start_record = idle && record_valid_i;
  assign start_burst  = idle && !record_valid_i && job_valid && target_ready && address_ready &&
                        32'(stored_q) >= 32'(burst);
  assign job_pop      = start_burst && job_end;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      address_left_q <= 1'b0;
      data_left_q    <= 1'b0;
      record_q       <= 1'b0;
      written_q      <= '0;
      stored_q       <= '0;
      left_q         <= '0;
      record_beat_q  <= '0;
      issued_q       <= '0;
    end else begin
      if (start_record || start_burst) begin
        address_left_q <= 1'b1;
        data_left_q    <= 1'b1;
        record_q       <= start_record;
        left_q         <= start_record ? 8'(RecordBeats) : burst;
        awid_o   <= start_record ? 4'(bl_pkg::WriteCompletions) : 4'(bl_pkg::WriteOutputs);
        awlen_o  <= (start_record ? 8'(RecordBeats) : burst) - 8'd1;
        awaddr_o <= start_record ? record_address_i : burst_address;
      end else begin
        if (awready_i) address_left_q <= 1'b0;
        if (wvalid_o && wready_i) begin
          left_q        <= left_q - 8'd1;
          record_beat_q <= record_q && !wlast_o ? record_beat_q + 1'b1 : '0;
          if (wlast_o) data_left_q <= 1'b0;
        end
      end
      if (start_burst) begin
        written_q <= job_end ? '0 : written_q + 32'(burst);
        issued_q  <= issued_q + 8'd1;
      end
      stored_q <= stored_q + CountW'(beat_valid_q && fifo_ready) - CountW'(beat_pop);
    end
  end

  assign awvalid_o      = address_left_q;
  assign wvalid_o       = data_left_q && (record_q || beat_valid);
  assign wdata_o        = record_q ? record_data_i[32'(record_beat_q)*BeatW +: BeatW] : beat_data;
  assign wstrb_o        = '1;
  assign wlast_o        = left_q == 8'd1;
  assign beat_pop       = wvalid_o && wready_i && !record_q;
  assign record_ready_o = wvalid_o && wready_i && wlast_o && record_q;
  assign output_beat_o  = beat_pop;
  assign record_beat_o  = wvalid_o && wready_i && record_q;

  // ---- Responses: a job is done when the response count reaches its last burst ------------------

  logic       response, target_valid;
  logic [7:0] target;

  assign bready_o      = 1'b1;
  assign response      = bvalid_i && bid_i == 4'(bl_pkg::WriteOutputs);
  assign record_done_o = bvalid_i && bid_i == 4'(bl_pkg::WriteCompletions);

  bl_fifo #(
    .Width(8),
    .Depth(JobQueue)
  ) u_targets (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_pop),
    .wready_o(target_ready),
    .wdata_i (issued_q + 8'd1),
    .rvalid_o(target_valid),
    .rready_i(done),
    .rdata_o (target)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) answered_q <= '0;
    else if (response) answered_q <= answered_q + 8'd1;
  end

  // Later jobs' responses may have come: the difference is less than half the count's range.
  assign done_valid_o = target_valid && 8'(answered_q - target) < 8'd128;
  assign done_nan_o   = nan_job;

  logic address_valid;
  bl_fifo #(
    .Width(64 + 2),
    .Depth(MaxBursts)
  ) u_addresses (
    .clk_i,
    .rst_ni,
    .wvalid_i(start_burst),
    .wready_o(address_ready),
    .wdata_i ({job_tag, burst_address}),
    .rvalid_o(address_valid),
    .rready_i(response),
    .rdata_o ({error_tag_o, error_address_o})
  );

  assign error_o        = response && bresp_i != 2'b00;
  assign record_error_o = record_done_o && bresp_i != 2'b00;

  `BL_ASSERT(DoneJobHasItsNanFlag, !done_valid_o || nan_valid,
             "a job's responses came before its results were packed")
  `BL_ASSERT(ResponseWasAskedFor, !response || address_valid,
             "a write response came that was not asked for")
  `BL_ASSERT_STABLE(AddressIsStable, awvalid_o, awready_i, awaddr_o)
  `BL_ASSERT_STABLE(DataIsStable, wvalid_o, wready_i, wdata_o)

endmodule
