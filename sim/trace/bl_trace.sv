// SPDX-License-Identifier: Apache-2.0
// The event trace: bound to bl_top in the observing executable, it only watches. Records and their
// fields are listed in docs/simulation.md; sim/trace/observer.cpp writes them.

module bl_trace #(
  parameter int unsigned SumW = 24,
  localparam int unsigned Channels = bl_cfg_pkg::ReadChannels,
  localparam int unsigned Rows = bl_cfg_pkg::Rows,
  localparam int unsigned Tokens = bl_cfg_pkg::Tokens
) (
  input logic        clk_i,
  input logic        rst_ni,

  // Descriptors: dispatched in order, completed in order.
  input logic        ticket_i,
  input logic [7:0]  ticket_status_i,
  input logic        job_i,
  input bl_pkg::job_t job_data_i,
  input logic        end_i,
  input logic [31:0] end_index_i,
  input logic [7:0]  end_status_i,

  // Memory ports.
  input logic [Channels-1:0]    ar_i,
  input logic [Channels*4-1:0]  ar_id_i,
  input logic [Channels*64-1:0] ar_address_i,
  input logic [Channels*8-1:0]  ar_length_i,
  input logic [Channels-1:0]    r_last_i,
  input logic [Channels*4-1:0]  r_id_i,
  input logic        aw_i,
  input logic [3:0]  aw_id_i,
  input logic [63:0] aw_address_i,
  input logic [7:0]  aw_length_i,
  input logic        w_last_i,
  input logic        b_i,
  input logic [3:0]  b_id_i,
  input logic [1:0]  b_response_i,

  // Engine.
  input logic        block_i,
  input logic        sums_i,
  input logic [Tokens*Rows*bl_pkg::FieldW-1:0] sums_data_i,
  input logic        counting_i,
  input logic [2:0]  cause_i
);

  import "DPI-C" function void bl_trace_event(input string name, input int count,
      input longint f0, input longint f1, input longint f2, input longint f3, input longint f4,
      input longint f5);

  // A running job: descriptor index, and where the engine is in it.
  typedef struct packed {
    logic [31:0]  index;
    bl_pkg::job_t job;
  } running_t;
  running_t    entering [$];   // jobs whose blocks are still being accepted
  running_t    computing [$];  // jobs whose sums are still coming
  logic [31:0] next_index, entered_blocks, tile, block, round, span;
  logic [2:0]  last_cause;
  logic        last_counting;

  // Simulation state in one process: blocking assignments keep its queues in step.
  /* verilator lint_off BLKSEQ */
  task automatic emit_partials();
    automatic running_t    now = computing[0];
    automatic logic [31:0] spans = block + 1 == 32'(now.job.blocks) ? 32'(now.job.last_span)
                                                                    : 32'(now.job.span);
    automatic logic [31:0] group = now.job.shared_word ? block * 32'(now.job.span) + span : block;
    for (int unsigned t = 0; t < 32'(now.job.tokens); t++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        automatic logic signed [SumW-1:0] sum = sums_data_i[(t*Rows+r)*bl_pkg::FieldW +: SumW];
        automatic logic [31:0] row = tile * Rows + r;
        bl_trace_event("partial", 6, 64'(now.index), 64'(t), 64'(row), 64'(group), 64'(round),
                       64'(sum));
      end
    end
    if (now.job.shared_word) span = span + 1;
    if (!now.job.shared_word || span == spans) begin
      span  = '0;
      round = round + 1;
    end
    if (round == 32'(now.job.rounds)) begin
      round = '0;
      block = block + 1;
    end
    if (block == 32'(now.job.blocks)) begin
      block = '0;
      tile  = tile + 1;
    end
    if (tile == 32'(now.job.tiles)) begin
      tile = '0;
      void'(computing.pop_front());
    end
  endtask

  task automatic accept_block();
    bl_trace_event("group", 2, 64'(entering[0].index), 64'(entered_blocks), 0, 0, 0, 0);
    entered_blocks = entered_blocks + 32'd1;
    if (entered_blocks == 32'(entering[0].job.blocks)) begin
      entered_blocks = '0;
      void'(entering.pop_front());
    end
  endtask

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_index     = '0;
      entered_blocks = '0;
      tile           = '0;
      block          = '0;
      round          = '0;
      span           = '0;
      entering.delete();
      computing.delete();
      last_cause     = bl_pkg::CauseControl;
      last_counting  = 1'b0;
    end else begin
      if (job_i) begin
        automatic running_t now;
        now.index = next_index;
        now.job   = job_data_i;
        entering.push_back(now);
        computing.push_back(now);
      end
      if (ticket_i) begin
        bl_trace_event("descriptor_start", 2, 64'(next_index), 64'(ticket_status_i), 0, 0, 0, 0);
        next_index = next_index + 32'd1;
      end
      for (int unsigned c = 0; c < Channels; c++) begin
        if (ar_i[c])
          bl_trace_event("read", 4, 64'(c), 64'(ar_id_i[c*4 +: 4]), ar_address_i[c*64 +: 64],
                         64'(ar_length_i[c*8 +: 8]) + 1, 0, 0);
        if (r_last_i[c])
          bl_trace_event("read_last", 2, 64'(c), 64'(r_id_i[c*4 +: 4]), 0, 0, 0, 0);
      end
      if (aw_i)
        bl_trace_event("write", 3, 64'(aw_id_i), aw_address_i, 64'(aw_length_i) + 1, 0, 0, 0);
      if (w_last_i) bl_trace_event("write_last", 0, 0, 0, 0, 0, 0, 0);
      if (b_i) bl_trace_event("write_response", 2, 64'(b_id_i), 64'(b_response_i), 0, 0, 0, 0);
      if (block_i) accept_block();
      if (sums_i) emit_partials();
      if (counting_i && (!last_counting || cause_i != last_cause))
        bl_trace_event("cause", 1, 64'(cause_i), 0, 0, 0, 0, 0);
      if (last_counting && !counting_i) bl_trace_event("idle", 0, 0, 0, 0, 0, 0, 0);
      last_counting = counting_i;
      last_cause    = cause_i;
      if (end_i)
        bl_trace_event("descriptor_end", 2, 64'(end_index_i), 64'(end_status_i), 0, 0, 0, 0);
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule

bind bl_top bl_trace #(
  .SumW(bl_cfg_pkg::MantissaBits + 8)
) u_trace (
  .clk_i,
  .rst_ni,
  .ticket_i       (u_ctrl.ticket),
  .ticket_status_i(u_ctrl.ticket_status),
  .job_i          (job_take),
  .job_data_i     (job),
  .end_i          (record_valid && record_ready),
  .end_index_i    (record_data[bl_desc_pkg::CPL_INDEX_LSB +: 32]),
  .end_status_i   (record_data[bl_desc_pkg::CPL_STATUS_LSB +: 8]),
  .ar_i           (mem_arvalid_o & mem_arready_i),
  .ar_id_i        (mem_arid_o),
  .ar_address_i   (mem_araddr_o),
  .ar_length_i    (mem_arlen_o),
  .r_last_i       (mem_rvalid_i & mem_rready_o & mem_rlast_i),
  .r_id_i         (mem_rid_i),
  .aw_i           (mem_awvalid_o && mem_awready_i),
  .aw_id_i        (mem_awid_o),
  .aw_address_i   (mem_awaddr_o),
  .aw_length_i    (mem_awlen_o),
  .w_last_i       (mem_wvalid_o && mem_wready_i && mem_wlast_o),
  .b_i            (mem_bvalid_i && mem_bready_o),
  .b_id_i         (mem_bid_i),
  .b_response_i   (mem_bresp_i),
  .block_i        (u_engine.block_written),
  .sums_i         (u_engine.sum_valid_q),
  .sums_data_i    (u_engine.sums),
  .counting_i     (u_ctrl.u_counters.count_i),
  .cause_i        (cause)
);
