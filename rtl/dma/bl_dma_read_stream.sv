// SPDX-License-Identifier: Apache-2.0
// One read stream: turns jobs into bursts and keeps their data until it is consumed.
//
// Function:   a job reads `runs` runs of `run_beats` beats whose starts are `stride_beats` apart. A
//             burst is asked for only when the buffer has room for all of it, so returning data
//             never waits and streams cannot block each other on the shared channel.
// Latency:    2 cycles from a returned beat to the stream's head.
// Throughput: one burst request and one beat per cycle.
// Limits:     beats return in order, two cycles after their request or later (the address register
//             of bl_dma is one of them). Bursts are aligned to BurstBeats, so they never cross
//             4 KiB (BurstBeats * BeatBytes <= 4096).

`include "bl_assert.svh"

module bl_dma_read_stream #(
  parameter int unsigned BeatW,
  parameter int unsigned BurstBeats,
  parameter int unsigned Depth,
  parameter int unsigned JobQueue
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             job_valid_i,
  output logic             job_ready_o,
  input  logic [63:0]      job_address_i,      // bytes, beat aligned
  input  logic [31:0]      job_run_beats_i,    // at least 1
  input  logic [31:0]      job_stride_beats_i,
  input  logic [31:0]      job_runs_i,         // at least 1
  input  logic [1:0]       job_tag_i,          // comes back with an error

  output logic             request_valid_o,
  input  logic             request_ready_i,
  output logic [63:0]      request_address_o,
  output logic [7:0]       request_len_o,      // beats - 1

  input  logic             beat_valid_i,
  input  logic [BeatW-1:0] beat_data_i,
  input  logic             beat_last_i,
  input  logic             beat_error_i,

  output logic             valid_o,
  input  logic             ready_i,
  output logic [BeatW-1:0] data_o,

  output logic             error_o,            // pulse: a beat came with an error response
  output logic [1:0]       error_tag_o,        // its job
  output logic [63:0]      error_address_o     // first byte of its burst
);

  localparam int unsigned BeatBytes = BeatW / 8;
  localparam int unsigned BeatShift = $clog2(BeatBytes);
  localparam int unsigned BurstW = BurstBeats > 1 ? $clog2(BurstBeats) : 1;
  localparam int unsigned CreditW = $clog2(Depth + 1);
  // Enough short bursts to cover the latency; the request waits when more are under way.
  localparam int unsigned MaxBursts = 64;

  // ---- Jobs -------------------------------------------------------------------------------------

  logic        job_valid, job_pop;
  logic [63:0] job_address;
  logic [31:0] job_run_beats, job_stride_beats, job_runs;
  logic [1:0]  job_tag;

  bl_fifo #(
    .Width(64 + 3 * 32 + 2),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i ({job_address_i, job_run_beats_i, job_stride_beats_i, job_runs_i, job_tag_i}),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o ({job_address, job_run_beats, job_stride_beats, job_runs, job_tag})
  );

  // ---- Requests ---------------------------------------------------------------------------------

  logic               active_q;
  logic [63:0]        run_address_q;   // first byte of the current run
  logic [31:0]        run_done_q;      // beats of the current run already asked for
  logic [31:0]        run_q;           // finished runs of this job
  logic [CreditW-1:0] credits_q;
  logic               addresses_ready;

  logic [63:0]        address;
  logic [31:0]        run_left;
  logic [7:0]         block_left, beats;
  logic               request, run_end, job_end, pop;

  assign address  = run_address_q + (64'(run_done_q) << BeatShift);
  assign run_left = job_run_beats - run_done_q;
  // Beats to the next multiple of a whole burst.
  assign block_left = 8'(BurstBeats) - (BurstBeats > 1 ? 8'(address[BeatShift +: BurstW]) : 8'd0);
  assign beats      = run_left < 32'(block_left) ? run_left[7:0] : block_left;

  assign request_valid_o   = active_q && 32'(credits_q) >= 32'(beats) && addresses_ready;
  assign request_address_o = address;
  assign request_len_o     = beats - 8'd1;

  assign request = request_valid_o && request_ready_i;
  assign run_end = run_left == 32'(beats);
  assign job_end = run_end && run_q == job_runs - 32'd1;
  assign job_pop = request && job_end;
  assign pop     = valid_o && ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q      <= 1'b0;
      run_address_q <= '0;
      run_done_q    <= '0;
      run_q         <= '0;
      credits_q     <= CreditW'(Depth);
    end else begin
      if (!active_q) begin
        active_q      <= job_valid;
        run_address_q <= job_address;
        run_done_q    <= '0;
        run_q         <= '0;
      end else if (request) begin
        active_q   <= !job_end;
        run_done_q <= run_end ? '0 : run_done_q + 32'(beats);
        if (run_end) begin
          run_q         <= run_q + 32'd1;
          run_address_q <= run_address_q + (64'(job_stride_beats) << BeatShift);
        end
      end
      credits_q <= credits_q + CreditW'(pop) - (request ? CreditW'(beats) : '0);
    end
  end

  // ---- Addresses of the bursts under way, for error reports -------------------------------------

  logic address_valid;
  bl_fifo #(
    .Width(64 + 2),
    .Depth(MaxBursts)
  ) u_addresses (
    .clk_i,
    .rst_ni,
    .wvalid_i(request),
    .wready_o(addresses_ready),
    .wdata_i ({job_tag, address}),
    .rvalid_o(address_valid),
    .rready_i(beat_valid_i && beat_last_i),
    .rdata_o ({error_tag_o, error_address_o})
  );

  assign error_o = beat_valid_i && beat_error_i;

  // ---- Data -------------------------------------------------------------------------------------

  logic data_ready;
  bl_fifo #(
    .Width(BeatW),
    .Depth(Depth)
  ) u_data (
    .clk_i,
    .rst_ni,
    .wvalid_i(beat_valid_i),
    .wready_o(data_ready),
    .wdata_i (beat_data_i),
    .rvalid_o(valid_o),
    .rready_i(ready_i),
    .rdata_o (data_o)
  );

  `BL_ASSERT(JobIsNotEmpty, !job_valid || (job_run_beats != '0 && job_runs != '0),
             "a job reads nothing")
  `BL_ASSERT(DataHasRoom, !beat_valid_i || data_ready,
             "a beat returned for which no room was kept")
  `BL_ASSERT(DataWasAskedFor, !beat_valid_i || address_valid,
             "a beat returned that was not asked for")

endmodule
