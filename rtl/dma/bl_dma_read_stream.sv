// SPDX-License-Identifier: Apache-2.0
// One read stream: turns jobs into bursts on all of its channels and keeps the beats until they are
// consumed, a line (one beat of every channel) at a time.
//
// Function:   a job reads `runs` runs of `run_lines` lines whose starts are `stride_lines` apart; 0
//             reads the same lines again. A request stands for one burst on every channel, those of
//             channel c `c * stripe` pages after those of channel 0. It is made only when all
//             buffers have room for the whole burst: returning beats never wait, and streams cannot
//             block each other. The channels' beats may come at different times; a line is there
//             when all of its beats are.
// Errors:     a line that holds a beat with an error response is handed on like any other; the
//             error is reported in the cycle in which it is handed over, with the line's job and
//             the first byte of the burst of its lowest failing channel. So every line is reported
//             before anything that follows from it.
// Latency:    job to request 2 cycles; last beat of a line to the stream's head 2 cycles.
// Throughput: one request and one line per cycle; one cycle between the requests of two jobs.
// Limits:     a channel's beats return in order, the cycle after their request or later. As many
//             bursts may be under way as Depth has room for. Bursts are aligned to BurstBeats, so
//             they never cross 4 KiB (BurstBeats * BeatBytes <= 4096). Depth is a power of two, at
//             least BurstBeats. JobQueue + 1 jobs fit, from their acceptance to their last line.

`include "bl_assert.svh"

module bl_dma_read_stream #(
  parameter int unsigned BeatW,
  parameter int unsigned Channels,
  parameter int unsigned BurstBeats,
  parameter int unsigned Depth,      // lines
  parameter int unsigned JobQueue
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      job_valid_i,
  output logic                      job_ready_o,
  input  bl_pkg::read_job_t         job_i,              // the address is that of a beat

  output logic                      request_valid_o,
  input  logic                      request_ready_i,
  output logic [63:0]               request_address_o,  // of channel 0
  output logic [31:0]               request_stripe_o,
  output logic [7:0]                request_len_o,      // beats - 1

  input  logic [Channels-1:0]       beat_valid_i,
  input  logic [Channels*BeatW-1:0] beat_data_i,
  input  logic [Channels-1:0]       beat_error_i,

  output logic                      valid_o,
  input  logic                      ready_i,
  output logic [Channels*BeatW-1:0] data_o,

  output logic                      error_o,            // pulse
  output logic [bl_pkg::TagW-1:0]   error_tag_o,
  output logic [63:0]               error_address_o
);

  localparam int unsigned BeatShift = $clog2(BeatW / 8);
  localparam int unsigned BurstW = BurstBeats > 1 ? $clog2(BurstBeats) : 1;
  localparam int unsigned BlockShift = BeatShift + $clog2(BurstBeats);  // a burst lies in a block
  localparam int unsigned PtrW = $clog2(Depth);
  localparam int unsigned ChannelW = Channels > 1 ? $clog2(Channels) : 1;
  localparam int unsigned Jobs = JobQueue + 1;
  localparam int unsigned JobPtrW = $clog2(Jobs);

  // ---- Jobs: of the burst to ask for, and of the line at the head -------------------------------

  logic                        pop;  // a line leaves
  logic [bl_pkg::ReadJobW-1:0] jobs_q [Jobs];
  bl_pkg::read_job_t           walk, head;
  logic [JobPtrW-1:0]          free_index, walk_index, head_index;
  logic                        job_take, walk_valid, head_valid, walk_pop, head_pop;

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(Jobs)
  ) u_free (
    .clk_i,
    .rst_ni,
    .add_i  (head_pop),
    .pop_i  (job_take),
    .valid_o(job_ready_o),
    .index_o(free_index)
  );

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(0)
  ) u_walk (
    .clk_i,
    .rst_ni,
    .add_i  (job_take),
    .pop_i  (walk_pop),
    .valid_o(walk_valid),
    .index_o(walk_index)
  );

  bl_dma_place #(
    .Jobs   (Jobs),
    .Initial(0)
  ) u_head (
    .clk_i,
    .rst_ni,
    .add_i  (job_take),
    .pop_i  (head_pop),
    .valid_o(head_valid),
    .index_o(head_index)
  );

  assign job_take = job_valid_i && job_ready_o;
  always_ff @(posedge clk_i) begin
    if (job_take) jobs_q[free_index] <= job_i;
  end

  // Each is only looked up where there is something to do.
  always_comb begin
    walk = '0;
    if (walk_valid) walk = jobs_q[walk_index];
  end

  always_comb begin
    head = '0;
    if (pop) head = jobs_q[head_index];
  end

  logic unused;
  assign unused = ^walk.tag;

  // ---- Requests. Positions count lines and have a bit more than an address in the buffer needs,
  // so that full and empty differ ---------------------------------------------------------------

  logic          active_q;
  logic [63:0]   address_q;       // next burst
  logic [63:0]   run_address_q;
  logic [31:0]   run_left_q;      // lines of this run not yet asked for
  logic [31:0]   runs_left_q;     // this one included
  logic [PtrW:0] asked_q;         // lines asked for
  logic [PtrW:0] taken_q;         // lines that have left the buffer

  logic [63:0]   next_run;
  logic [PtrW:0] used;
  logic [7:0]    block_left, beats;
  logic          request, run_end, job_end;

  // Beats to the end of the block.
  assign block_left = 8'(BurstBeats) - (BurstBeats > 1 ? 8'(address_q[BeatShift +: BurstW]) : 8'd0);
  assign used       = asked_q - taken_q;

  always_comb begin
    beats           = '0;
    request_valid_o = 1'b0;
    if (active_q) begin
      beats           = run_left_q < 32'(block_left) ? run_left_q[7:0] : block_left;
      request_valid_o = 32'(used) + 32'(beats) <= 32'(Depth);
    end
  end

  assign request_address_o = address_q;
  assign request_stripe_o  = walk.stripe;
  assign request_len_o     = beats - 8'd1;

  assign request  = request_valid_o && request_ready_i;
  assign walk_pop = request && job_end;

  always_comb begin
    run_end  = 1'b0;
    job_end  = 1'b0;
    next_run = '0;
    if (request) begin
      run_end  = run_left_q == 32'(beats);
      job_end  = run_end && runs_left_q == 32'd1;
      next_run = run_address_q + (64'(walk.stride_lines) << BeatShift);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      asked_q  <= '0;
    end else if (!active_q) begin
      active_q <= walk_valid;
    end else if (request) begin
      active_q <= !job_end;
      asked_q  <= asked_q + (PtrW + 1)'(beats);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!active_q) begin
      if (walk_valid) begin
        address_q     <= walk.address;
        run_address_q <= walk.address;
        run_left_q    <= walk.run_lines;
        runs_left_q   <= walk.runs;
      end
    end else if (request) begin
      if (run_end) begin
        address_q     <= next_run;
        run_address_q <= next_run;
        run_left_q    <= walk.run_lines;
        runs_left_q   <= runs_left_q - 32'd1;
      end else begin
        address_q  <= {address_q[63:BlockShift] + 1'b1, BlockShift'(0)};
        run_left_q <= run_left_q - 32'(beats);
      end
    end
  end

  // ---- Data -------------------------------------------------------------------------------------

  logic [PtrW:0]       written_q [Channels];
  logic                there;        // every channel's beat of the next line is in its buffer
  logic                load;
  logic [Channels-1:0] error_q;      // of the line at the head

  always_comb begin
    there = 1'b1;
    for (int unsigned c = 0; c < Channels; c++) there = there && written_q[c] != taken_q;
  end

  assign load = there && (!valid_o || ready_i);
  assign pop  = valid_o && ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      taken_q <= '0;
      valid_o <= 1'b0;
    end else begin
      if (load) taken_q <= taken_q + 1'b1;
      valid_o <= load || (valid_o && !ready_i);
    end
  end

  for (genvar c = 0; c < Channels; c++) begin : gen_channel
    logic [BeatW-1:0] mem_q [Depth];
    logic             bad_q [Depth];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        written_q[c] <= '0;
      end else if (beat_valid_i[c]) begin
        written_q[c] <= written_q[c] + 1'b1;
      end
    end

    always_ff @(posedge clk_i) begin
      if (beat_valid_i[c]) begin
        mem_q[written_q[c][PtrW-1:0]] <= beat_data_i[c*BeatW +: BeatW];
        bad_q[written_q[c][PtrW-1:0]] <= beat_error_i[c];
      end
    end

    always_ff @(posedge clk_i) begin
      if (load) begin
        data_o[c*BeatW +: BeatW] <= mem_q[taken_q[PtrW-1:0]];
        error_q[c]               <= bad_q[taken_q[PtrW-1:0]];
      end
    end
  end

`ifndef SYNTHESIS
  // A beat for which nothing was asked: what was asked for has room.
  logic stray;
  always_comb begin
    stray = 1'b0;
    if (beat_valid_i != '0) begin
      for (int unsigned c = 0; c < Channels; c++) begin
        stray = stray || (beat_valid_i[c] && written_q[c] == asked_q);
      end
    end
  end
`endif

  // ---- Where the line at the head comes from: the walk again, line by line ----------------------

  logic [31:0] line_q, line_next;   // in its run
  logic [31:0] run_q, run_next;     // in its job
  logic [63:0] run_start_q;         // of a job's later runs
  logic [63:0] run_start;
  logic        head_run_end;

  assign line_next = line_q + 32'd1;
  assign run_next  = run_q + 32'd1;
  assign head_pop  = head_run_end && run_next == head.runs;

  always_comb begin
    head_run_end = 1'b0;
    run_start    = '0;
    if (pop) begin
      head_run_end = line_next == head.run_lines;
      run_start    = run_q == '0 ? head.address : run_start_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      line_q <= '0;
      run_q  <= '0;
    end else if (pop) begin
      line_q <= head_run_end ? '0 : line_next;
      if (head_run_end) run_q <= head_pop ? '0 : run_next;
    end
  end

  always_ff @(posedge clk_i) begin
    if (head_run_end) run_start_q <= run_start + (64'(head.stride_lines) << BeatShift);
  end

  logic [63:0]         burst_start;
  logic [ChannelW-1:0] error_channel;

  assign error_o     = pop && error_q != '0;
  assign error_tag_o = head.tag;

  always_comb begin
    burst_start     = '0;
    error_channel   = '0;
    error_address_o = '0;
    if (error_o) begin
      for (int unsigned c = Channels; c > 0; c--) begin
        if (error_q[c-1]) error_channel = ChannelW'(c - 1);
      end
      burst_start                 = run_start + (64'(line_q) << BeatShift);
      burst_start[BlockShift-1:0] = '0;
      // The first burst of a run starts where the run does.
      if (run_start[63:BlockShift] == burst_start[63:BlockShift]) burst_start = run_start;
      error_address_o = burst_start + ((64'(error_channel) * 64'(head.stripe)) << 12);
    end
  end

  `BL_ASSERT_IF(BeatWasAskedFor, beat_valid_i != '0, !stray,
                "a beat returned that was not asked for")
  `BL_ASSERT_IF(JobIsGood, job_valid_i,
                job_i.run_lines != '0 && job_i.runs != '0 && job_i.address[BeatShift-1:0] == '0,
                "a job reads nothing, or parts of beats")
  `BL_ASSERT_IF(LineHasItsJob, valid_o, head_valid, "a line is at the head without its job")

endmodule
