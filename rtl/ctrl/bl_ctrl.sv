// SPDX-License-Identifier: Apache-2.0
// The control unit: registers, descriptor ring, completions, interrupt, counters.
//
// Function:   software writes descriptors into a ring and the ring's new count into `doorbell`.
//             Descriptors are fetched and started in order; bl_pkg::JobQueue + 1 of them may be
//             under way.
//             When a job's last write response is in, the counters are sampled, a completion record
//             is written, `completed` counts up and the interrupt is raised if asked for.
// Latency:    last write response to record address: 3 cycles.
// Limits:     a job with a bus error runs to its end; its record carries the first error's stream
//             and address. An error of a record itself only shows in the status register.

`include "bl_assert.svh"

module bl_ctrl #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned MaxBits,
  parameter int unsigned MaxK,
  parameter int unsigned MaxM,
  parameter int unsigned BeatW,
  parameter int unsigned TileW,
  parameter logic [31:0] ConfigHash,
  localparam int unsigned CountW = $clog2(MaxK / Columns + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic [11:0]       ctl_awaddr_i,
  input  logic              ctl_awvalid_i,
  output logic              ctl_awready_o,
  input  logic [31:0]       ctl_wdata_i,
  input  logic [3:0]        ctl_wstrb_i,
  input  logic              ctl_wvalid_i,
  output logic              ctl_wready_o,
  output logic [1:0]        ctl_bresp_o,
  output logic              ctl_bvalid_o,
  input  logic              ctl_bready_i,
  input  logic [11:0]       ctl_araddr_i,
  input  logic              ctl_arvalid_i,
  output logic              ctl_arready_o,
  output logic [31:0]       ctl_rdata_o,
  output logic [1:0]        ctl_rresp_o,
  output logic              ctl_rvalid_o,
  input  logic              ctl_rready_i,
  output logic              irq_o,

  output logic              request_valid_o,
  input  logic              request_ready_i,
  output logic [63:0]       request_address_o,
  input  logic              beat_valid_i,
  output logic              beat_ready_o,
  input  logic [BeatW-1:0]  beat_data_i,

  output logic              job_valid_o,
  input  logic              job_ready_i,
  output logic [TileW-1:0]  job_tiles_o,
  output logic [CountW-1:0] job_slices_o,
  output logic [3:0]        job_bits_o,
  output logic              job_has_offset_o,
  output logic [63:0]       weights_address_o,
  output logic [31:0]       weights_run_beats_o,
  output logic [31:0]       weights_stride_beats_o,
  output logic [31:0]       weights_runs_o,
  output logic [63:0]       scales_address_o,
  output logic [31:0]       scales_beats_o,
  output logic [63:0]       activations_address_o,
  output logic [31:0]       activations_beats_o,
  output logic [63:0]       outputs_address_o,
  output logic [31:0]       outputs_values_o,
  output logic [1:0]        tag_o,             // of the request and of the job

  input  logic              job_done_valid_i,  // the oldest job's write responses are all in
  output logic              job_done_ready_o,
  input  logic              job_done_nan_i,
  output logic              record_valid_o,
  input  logic              record_ready_i,
  output logic [63:0]       record_address_o,
  output logic [511:0]      record_data_o,
  input  logic              record_done_i,

  input  logic [2:0]        cause_i,
  input  logic [5:0]        beats_i,
  input  logic              read_error_i,
  input  logic [1:0]        read_error_tag_i,
  input  logic [1:0]        read_error_stream_i,
  input  logic [63:0]       read_error_address_i,
  input  logic              write_error_i,
  input  logic [1:0]        write_error_tag_i,
  input  logic [63:0]       write_error_address_i,
  input  logic              record_error_i
);

  localparam int unsigned NumCounters = 12;

  // ---- Registers and counters -------------------------------------------------------------------

  logic                      enable, clear_counters, irq_set;
  logic [63:0]               ring_base, completion_base;
  logic [15:0]               ring_mask;
  logic [31:0]               doorbell, completed_q, sampled_q;
  logic [NumCounters*64-1:0] counters;

  bl_ctrl_registers #(
    .ConfigHash (ConfigHash),
    .NumCounters(NumCounters)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .awaddr_i         (ctl_awaddr_i),
    .awvalid_i        (ctl_awvalid_i),
    .awready_o        (ctl_awready_o),
    .wdata_i          (ctl_wdata_i),
    .wstrb_i          (ctl_wstrb_i),
    .wvalid_i         (ctl_wvalid_i),
    .wready_o         (ctl_wready_o),
    .bresp_o          (ctl_bresp_o),
    .bvalid_o         (ctl_bvalid_o),
    .bready_i         (ctl_bready_i),
    .araddr_i         (ctl_araddr_i),
    .arvalid_i        (ctl_arvalid_i),
    .arready_o        (ctl_arready_o),
    .rdata_o          (ctl_rdata_o),
    .rresp_o          (ctl_rresp_o),
    .rvalid_o         (ctl_rvalid_o),
    .rready_i         (ctl_rready_i),
    .enable_o         (enable),
    .clear_counters_o (clear_counters),
    .ring_base_o      (ring_base),
    .completion_base_o(completion_base),
    .ring_mask_o      (ring_mask),
    .doorbell_o       (doorbell),
    .completed_i      (completed_q),
    .busy_i           (completed_q != doorbell),
    .record_error_i   (record_error_q),
    .irq_set_i        (irq_set),
    .irq_o,
    .counters_i       (counters)
  );

  bl_ctrl_counters u_counters (
    .clk_i,
    .rst_ni,
    .clear_i   (clear_counters),
    .count_i   (sampled_q != doorbell),
    .cause_i,
    .beats_i,
    .counters_o(counters)
  );

  // ---- Bus errors: the first of every job under way, by tag ------------------------------------
  // A tag is the descriptor's index modulo 4: one is fetched while at most three are under way.

  localparam logic [2:0] StreamOutputs = 3'(bl_pkg::NumReadStreams + bl_pkg::WriteOutputs);
  logic [3:0]  faulted_q;
  logic [2:0]  fault_stream_q [4];
  logic [63:0] fault_address_q [4];
  logic [1:0]  oldest;
  logic        record_error_q;
  assign oldest = completed_q[1:0];

  for (genvar t = 0; t < 4; t++) begin : gen_fault
    always_ff @(posedge clk_i) begin
      if (!rst_ni || (head_pop && oldest == 2'(t))) begin
        faulted_q[t] <= 1'b0;
      end else if (!faulted_q[t]) begin
        if (read_error_i && read_error_tag_i == 2'(t)) begin
          faulted_q[t]       <= 1'b1;
          fault_stream_q[t]  <= 3'(read_error_stream_i);
          fault_address_q[t] <= read_error_address_i;
        end else if (write_error_i && write_error_tag_i == 2'(t)) begin
          faulted_q[t]       <= 1'b1;
          fault_stream_q[t]  <= StreamOutputs;
          fault_address_q[t] <= write_error_address_i;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) record_error_q <= 1'b0;
    else if (record_error_i) record_error_q <= 1'b1;
  end

  // ---- Descriptors ------------------------------------------------------------------------------

  logic       ticket_valid, ticket_ready, ticket_interrupt;
  logic [7:0] ticket_status;

  bl_ctrl_fetch #(
    .Rows   (Rows),
    .Columns(Columns),
    .MaxBits(MaxBits),
    .MaxK   (MaxK),
    .MaxM   (MaxM),
    .BeatW  (BeatW),
    .TileW  (TileW)
  ) u_fetch (
    .clk_i,
    .rst_ni,
    .enable_i          (enable),
    .ring_base_i       (ring_base),
    .ring_mask_i       (ring_mask),
    .doorbell_i        (doorbell),
    .request_valid_o,
    .request_ready_i,
    .request_address_o,
    .tag_o,
    .fault_i           (faulted_q[tag_o]),
    .beat_valid_i,
    .beat_ready_o,
    .beat_data_i,
    .job_valid_o,
    .job_ready_i,
    .job_tiles_o,
    .job_slices_o,
    .job_bits_o,
    .job_has_offset_o,
    .weights_address_o,
    .weights_run_beats_o,
    .weights_stride_beats_o,
    .weights_runs_o,
    .scales_address_o,
    .scales_beats_o,
    .activations_address_o,
    .activations_beats_o,
    .outputs_address_o,
    .outputs_values_o,
    .ticket_valid_o    (ticket_valid),
    .ticket_ready_i    (ticket_ready),
    .ticket_status_o   (ticket_status),
    .ticket_interrupt_o(ticket_interrupt)
  );

  // ---- Jobs under way, oldest first -------------------------------------------------------------

  logic       head_valid, head_pop, head_interrupt;
  logic [7:0] head_status;

  bl_fifo #(
    .Width(9),
    .Depth(bl_pkg::JobQueue)
  ) u_tickets (
    .clk_i,
    .rst_ni,
    .wvalid_i(ticket_valid),
    .wready_o(ticket_ready),
    .wdata_i ({ticket_interrupt, ticket_status}),
    .rvalid_o(head_valid),
    .rready_i(head_pop),
    .rdata_o ({head_interrupt, head_status})
  );

  // ---- Completion: wait for the data, sample, write the record, count ---------------------------

  typedef enum logic [1:0] {StWait, StRecord, StResponse} state_e;
  state_e state_q;

  logic has_run, finished;

  assign has_run          = head_status == bl_desc_pkg::STATUS_OK;
  assign job_done_ready_o = state_q == StWait && head_valid && has_run;
  assign finished         = state_q == StWait && head_valid && (!has_run || job_done_valid_i);
  assign record_valid_o   = state_q == StRecord;
  assign record_address_o = completion_base + {42'd0, completed_q[15:0] & ring_mask, 6'd0};
  assign head_pop         = state_q == StResponse && record_done_i;
  assign irq_set          = head_pop && head_interrupt;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q     <= StWait;
      completed_q <= '0;
      sampled_q   <= '0;
    end else begin
      case (state_q)
        StWait: if (finished) begin
          state_q   <= StRecord;
          sampled_q <= sampled_q + 32'd1;
        end
        StRecord: if (record_ready_i) state_q <= StResponse;
        default: if (record_done_i) begin
          state_q     <= StWait;
          completed_q <= completed_q + 32'd1;
        end
      endcase
    end
  end

  logic [7:0] record_status;
  assign record_status = has_run && faulted_q[oldest] ? bl_desc_pkg::STATUS_BUS_ERROR : head_status;

  always_ff @(posedge clk_i) begin
    if (finished) begin
      record_data_o <= '0;
      record_data_o[bl_desc_pkg::CPL_STATUS_LSB +: 8] <= record_status;
      record_data_o[bl_desc_pkg::CPL_NAN_TOKENS_LSB]  <= has_run && job_done_nan_i;
      record_data_o[bl_desc_pkg::CPL_INDEX_LSB +: 32] <= completed_q;
      if (faulted_q[oldest]) begin
        record_data_o[bl_desc_pkg::CPL_STREAM_LSB +: 8]         <= 8'(fault_stream_q[oldest]);
        record_data_o[bl_desc_pkg::CPL_FAULT_ADDRESS_LSB +: 64] <= fault_address_q[oldest];
      end
      // The low words of all counters, in the order in which the registers have them.
      for (int unsigned c = 0; c < NumCounters; c++) begin
        record_data_o[bl_desc_pkg::CPL_CYCLES_BUSY_LSB + c*32 +: 32] <= counters[c*64 +: 32];
      end
    end
  end

endmodule
