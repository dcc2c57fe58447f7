// SPDX-License-Identifier: Apache-2.0
// The event trace: bound to bl_top in the observing executable, it only watches. Records and their
// fields are listed in docs/simulation.md; sim/trace/observer.cpp writes them.

module bl_trace #(
  parameter int unsigned SumW = 24
) (
  input logic        clk_i,
  input logic        rst_ni,

  // Descriptors: dispatched in order, completed in order.
  input logic        ticket_i,
  input logic [7:0]  ticket_status_i,
  input logic        job_i,
  input logic [3:0]  job_bits_i,
  input logic [31:0] job_groups_i,
  input logic [31:0] job_rows_i,
  input logic        end_i,
  input logic [31:0] end_index_i,
  input logic [7:0]  end_status_i,

  // Memory ports.
  input logic        ar_i,
  input logic [3:0]  ar_id_i,
  input logic [63:0] ar_address_i,
  input logic [7:0]  ar_length_i,
  input logic        r_last_i,
  input logic [3:0]  r_id_i,
  input logic        aw_i,
  input logic [3:0]  aw_id_i,
  input logic [63:0] aw_address_i,
  input logic [7:0]  aw_length_i,
  input logic        w_last_i,
  input logic        b_i,
  input logic [3:0]  b_id_i,
  input logic [1:0]  b_response_i,

  // Engine.
  input logic        group_i,
  input logic        sums_i,
  input logic [bl_cfg_pkg::Rows*SumW-1:0] sums_data_i,
  input logic        counting_i,
  input logic [2:0]  cause_i
);

  import "DPI-C" function void bl_trace_event(input string name, input int count,
      input longint f0, input longint f1, input longint f2, input longint f3, input longint f4);

  // A running job: descriptor index, and where the engine is in it.
  typedef struct packed {
    logic [31:0] index, groups, rows;
    logic [3:0]  bits;
  } job_t;
  job_t        entering [$];   // jobs whose groups are still being accepted
  job_t        computing [$];  // jobs whose sums are still coming
  logic [31:0] next_index, entered_groups, tile, group;
  logic [3:0]  plane;
  logic [2:0]  last_cause;
  logic        last_counting;

  // Simulation state in one process: blocking assignments keep its queues in step.
  /* verilator lint_off BLKSEQ */
  task automatic emit_partials();
    automatic job_t job = computing[0];
    for (int unsigned r = 0; r < bl_cfg_pkg::Rows; r++) begin
      automatic logic [31:0] row = tile * bl_cfg_pkg::Rows + r;
      automatic logic signed [SumW-1:0] sum = sums_data_i[r*SumW +: SumW];
      if (row < job.rows)
        bl_trace_event("partial", 5, 64'(job.index), 64'(row), 64'(group), 64'(plane), 64'(sum));
    end
    plane = plane + 4'd1;
    if (plane == job.bits) begin
      plane = '0;
      group = group + 32'd1;
    end
    if (group == job.groups) begin
      group = '0;
      tile  = tile + 32'd1;
    end
    if (tile * bl_cfg_pkg::Rows >= job.rows) begin
      tile = '0;
      void'(computing.pop_front());
    end
  endtask

  task automatic accept_group();
    bl_trace_event("group", 2, 64'(entering[0].index), 64'(entered_groups), 0, 0, 0);
    entered_groups = entered_groups + 32'd1;
    if (entered_groups == entering[0].groups) begin
      entered_groups = '0;
      void'(entering.pop_front());
    end
  endtask

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_index     = '0;
      entered_groups = '0;
      tile           = '0;
      group          = '0;
      plane          = '0;
      last_cause     = bl_pkg::CauseControl;
      last_counting  = 1'b0;
    end else begin
      if (job_i) begin
        automatic job_t job = '{index: next_index, groups: job_groups_i, rows: job_rows_i,
                                bits: job_bits_i};
        entering.push_back(job);
        computing.push_back(job);
      end
      if (ticket_i) begin
        bl_trace_event("descriptor_start", 2, 64'(next_index), 64'(ticket_status_i), 0, 0, 0);
        next_index = next_index + 32'd1;
      end
      if (ar_i)
        bl_trace_event("read", 3, 64'(ar_id_i), ar_address_i, 64'(ar_length_i) + 1, 0, 0);
      if (r_last_i) bl_trace_event("read_last", 1, 64'(r_id_i), 0, 0, 0, 0);
      if (aw_i)
        bl_trace_event("write", 3, 64'(aw_id_i), aw_address_i, 64'(aw_length_i) + 1, 0, 0);
      if (w_last_i) bl_trace_event("write_last", 0, 0, 0, 0, 0, 0);
      if (b_i) bl_trace_event("write_response", 2, 64'(b_id_i), 64'(b_response_i), 0, 0, 0);
      if (group_i) accept_group();
      if (sums_i) emit_partials();
      if (counting_i && (!last_counting || cause_i != last_cause))
        bl_trace_event("cause", 1, 64'(cause_i), 0, 0, 0, 0);
      if (last_counting && !counting_i) bl_trace_event("idle", 0, 0, 0, 0, 0, 0);
      last_counting = counting_i;
      last_cause    = cause_i;
      if (end_i)
        bl_trace_event("descriptor_end", 2, 64'(end_index_i), 64'(end_status_i), 0, 0, 0);
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule

bind bl_top bl_trace #(
  .SumW(bl_cfg_pkg::MantissaBits + 8)
) u_trace (
  .clk_i,
  .rst_ni,
  .ticket_i       (u_ctrl.ticket_valid && u_ctrl.ticket_ready),
  .ticket_status_i(u_ctrl.ticket_status),
  .job_i          (job_take),
  .job_bits_i     (job_bits),
  .job_groups_i   (32'(job_slices) / (bl_pkg::GroupColumns / bl_cfg_pkg::Columns)),
  .job_rows_i     (outputs_values),
  .end_i          (u_ctrl.head_pop),
  .end_index_i    (record_data[bl_desc_pkg::CPL_INDEX_LSB +: 32]),
  .end_status_i   (record_data[bl_desc_pkg::CPL_STATUS_LSB +: 8]),
  .ar_i           (mem_arvalid_o && mem_arready_i),
  .ar_id_i        (mem_arid_o),
  .ar_address_i   (mem_araddr_o),
  .ar_length_i    (mem_arlen_o),
  .r_last_i       (mem_rvalid_i && mem_rready_o && mem_rlast_i),
  .r_id_i         (mem_rid_i),
  .aw_i           (mem_awvalid_o && mem_awready_i),
  .aw_id_i        (mem_awid_o),
  .aw_address_i   (mem_awaddr_o),
  .aw_length_i    (mem_awlen_o),
  .w_last_i       (mem_wvalid_o && mem_wready_i && mem_wlast_o),
  .b_i            (mem_bvalid_i && mem_bready_o),
  .b_id_i         (mem_bid_i),
  .b_response_i   (mem_bresp_i),
  .group_i        (u_engine.group_written),
  .sums_i         (u_engine.sum_valid[0]),
  .sums_data_i    (u_engine.sums),
  .counting_i     (u_ctrl.u_counters.count_i),
  .cause_i        (cause)
);
