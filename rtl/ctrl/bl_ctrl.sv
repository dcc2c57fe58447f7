// SPDX-License-Identifier: Apache-2.0
// The control unit: registers, descriptor ring, completions, interrupt, counters.
//
// Function:   software writes descriptors into a ring and the ring's new count into `doorbell`.
//             Descriptors are fetched ahead and started in order. When a job's last write response
//             is in, the counters are sampled and a completion record is written; when the record's
//             response is in, `completed` counts up and the interrupt is raised if asked for.
// Latency:    last write response to record address: 1 cycle.
// Throughput: one record per 2 cycles, MaxRecords of them outstanding.
// Limits:     2^TagW - 1 descriptors are started and not sampled. A job with a bus error runs to
//             its end; its record carries the first error's stream and address. Errors of a job
//             come before its job_done. An error of a record itself only shows in the status
//             register.

`include "bl_assert.svh"

module bl_ctrl #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned MaxBits,
  parameter int unsigned MaxCodebookBits,
  parameter int unsigned MaxK,
  parameter int unsigned MaxM,
  parameter int unsigned Tokens,
  parameter int unsigned BeatW,
  parameter int unsigned LineW,
  parameter logic        Exact,       // 0: a narrow accumulator
  parameter logic [31:0] ConfigHash,
  localparam int unsigned TagW = bl_pkg::TagW
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic [11:0]        ctl_awaddr_i,
  input  logic               ctl_awvalid_i,
  output logic               ctl_awready_o,
  input  logic [31:0]        ctl_wdata_i,
  input  logic [3:0]         ctl_wstrb_i,
  input  logic               ctl_wvalid_i,
  output logic               ctl_wready_o,
  output logic [1:0]         ctl_bresp_o,
  output logic               ctl_bvalid_o,
  input  logic               ctl_bready_i,
  input  logic [11:0]        ctl_araddr_i,
  input  logic               ctl_arvalid_i,
  output logic               ctl_arready_o,
  output logic [31:0]        ctl_rdata_o,
  output logic [1:0]         ctl_rresp_o,
  output logic               ctl_rvalid_o,
  input  logic               ctl_rready_i,
  output logic               irq_o,

  output logic               request_valid_o,
  input  logic               request_ready_i,
  output bl_pkg::read_job_t  request_job_o,
  input  logic               beat_valid_i,
  output logic               beat_ready_o,
  input  logic [BeatW-1:0]   beat_data_i,

  output logic               job_valid_o,
  input  logic               job_ready_i,
  output bl_pkg::job_t       job_o,
  output bl_pkg::read_job_t  weights_job_o,
  output bl_pkg::read_job_t  scales_job_o,
  output bl_pkg::read_job_t  activations_job_o,
  output bl_pkg::write_job_t outputs_job_o,

  input  logic               job_done_valid_i,  // the oldest job's write responses are all in
  output logic               job_done_ready_o,
  input  logic [15:0]        job_done_nan_i,    // bit per token
  output logic               record_valid_o,
  input  logic               record_ready_i,
  output logic [63:0]        record_address_o,
  output logic [511:0]       record_data_o,
  input  logic               record_done_i,     // pulse: the oldest record's response is in

  input  logic [2:0]         cause_i,
  input  logic [6*6-1:0]     beats_i,           // per stream, docs/registers.md
  input  logic [3:0]         read_error_i,      // pulse per read stream, each with ...
  input  logic [4*TagW-1:0]  read_error_tag_i,  // ... its own job and address
  input  logic [4*64-1:0]    read_error_address_i,
  input  logic               write_error_i,     // pulse
  input  logic [TagW-1:0]    write_error_tag_i,
  input  logic [63:0]        write_error_address_i,
  input  logic               record_error_i     // pulse
);

  localparam int unsigned NumCounters = 12;
  localparam int unsigned NumTags = 1 << TagW;
  localparam int unsigned MaxRecords = 16;

  // ---- Registers and counters -------------------------------------------------------------------

  logic                      enable, clear_counters, irq_set;
  logic [63:0]               ring_base, completion_base;
  logic [15:0]               ring_mask;
  logic [31:0]               doorbell, started, sampled_q, completed_q;
  logic                      record_error_q;
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

  always_ff @(posedge clk_i) begin
    if (!rst_ni) record_error_q <= 1'b0;
    else if (record_error_i) record_error_q <= 1'b1;
  end

  // ---- Descriptors ------------------------------------------------------------------------------
  // Descriptor i is requested, started, sampled and completed; each of these counts how many were.

  localparam int unsigned Descriptors = bl_pkg::ReadDescriptors;

  logic        room, ticket, ticket_interrupt, ticket_fault;
  logic [7:0]  ticket_status;
  logic [63:0] ticket_fault_address;

  assign room = started[TagW-1:0] - sampled_q[TagW-1:0] != TagW'(NumTags - 1);

  bl_ctrl_fetch #(
    .Rows           (Rows),
    .Columns        (Columns),
    .MaxBits        (MaxBits),
    .MaxCodebookBits(MaxCodebookBits),
    .MaxK           (MaxK),
    .MaxM           (MaxM),
    .Tokens         (Tokens),
    .BeatW          (BeatW),
    .LineW          (LineW),
    .Exact          (Exact)
  ) u_fetch (
    .clk_i,
    .rst_ni,
    .enable_i              (enable),
    .ring_base_i           (ring_base),
    .ring_mask_i           (ring_mask),
    .doorbell_i            (doorbell),
    .request_valid_o,
    .request_ready_i,
    .request_job_o,
    .beat_valid_i,
    .beat_ready_o,
    .beat_data_i,
    .error_i               (read_error_i[Descriptors]),
    .error_tag_i           (read_error_tag_i[Descriptors*TagW +: TagW]),
    .error_address_i       (read_error_address_i[Descriptors*64 +: 64]),
    .job_valid_o,
    .job_ready_i,
    .job_o,
    .weights_job_o,
    .scales_job_o,
    .activations_job_o,
    .outputs_job_o,
    .room_i                (room),
    .index_o               (started),
    .ticket_o              (ticket),
    .ticket_status_o       (ticket_status),
    .ticket_interrupt_o    (ticket_interrupt),
    .ticket_fault_o        (ticket_fault),
    .ticket_fault_address_o(ticket_fault_address)
  );

  // ---- Descriptors under way, by tag: their tickets and their first bus errors ------------------
  // Without an error only the ticket is written. In one cycle, the lower stream counts as first.

  localparam logic [2:0] StreamOutputs = 3'(bl_pkg::NumReadStreams + bl_pkg::WriteOutputs);

  logic [7:0]            status_q [NumTags];
  logic [NumTags-1:0]    interrupt_q, faulted_q;
  logic [NumTags*3-1:0]  fault_streams_q;
  logic [NumTags*64-1:0] fault_addresses_q;
  logic                  any_error;
  logic [TagW-1:0]       newest;
  assign any_error = read_error_i[Descriptors-1:0] != '0 || write_error_i;
  assign newest    = started[TagW-1:0];

  always_ff @(posedge clk_i) begin
    if (ticket) begin
      status_q[newest]    <= ticket_status;
      interrupt_q[newest] <= ticket_interrupt;
    end
  end

  always_ff @(posedge clk_i) begin
    if (ticket || any_error) begin
      for (int unsigned t = 0; t < NumTags; t++) begin
        if (ticket && newest == TagW'(t)) begin
          faulted_q[t]                  <= ticket_fault;
          fault_streams_q[t*3 +: 3]     <= 3'(Descriptors);
          fault_addresses_q[t*64 +: 64] <= ticket_fault_address;
        end else if (!faulted_q[t]) begin
          if (write_error_i && write_error_tag_i == TagW'(t)) begin
            faulted_q[t]                  <= 1'b1;
            fault_streams_q[t*3 +: 3]     <= StreamOutputs;
            fault_addresses_q[t*64 +: 64] <= write_error_address_i;
          end
          for (int s = Descriptors - 1; s >= 0; s--) begin
            if (read_error_i[s] && read_error_tag_i[s*TagW +: TagW] == TagW'(t)) begin
              faulted_q[t]                  <= 1'b1;
              fault_streams_q[t*3 +: 3]     <= 3'(s);
              fault_addresses_q[t*64 +: 64] <= read_error_address_i[s*64 +: 64];
            end
          end
        end
      end
    end
  end

`ifndef SYNTHESIS
  logic [TagW-1:0] under_way;
  assign under_way = started[TagW-1:0] - sampled_q[TagW-1:0];
  for (genvar s = 0; s < Descriptors; s++) begin : gen_check
    `BL_ASSERT_IF(ReadErrorIsOfAJob, read_error_i[s],
                  read_error_tag_i[s*TagW +: TagW] - sampled_q[TagW-1:0] < under_way,
                  "an error names a job that is not under way")
  end
  `BL_ASSERT_IF(WriteErrorIsOfAJob, write_error_i,
                write_error_tag_i - sampled_q[TagW-1:0] < under_way,
                "an error names a job that is not under way")
`endif

  // ---- Completion: wait for the oldest one's data, sample, write the record ---------------------

  logic [TagW-1:0]       oldest;
  logic [7:0]            status;
  logic                  waiting, has_run, sample;
  logic [MaxRecords-1:0] record_interrupt_q;

  assign oldest           = sampled_q[TagW-1:0];
  assign status           = status_q[oldest];
  assign has_run          = status == bl_desc_pkg::STATUS_OK;
  assign waiting          = started != sampled_q && !record_valid_o &&
                            sampled_q - completed_q != 32'(MaxRecords);
  assign job_done_ready_o = waiting && has_run;
  assign sample           = waiting && (!has_run || job_done_valid_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      record_valid_o <= 1'b0;
      sampled_q      <= '0;
    end else if (sample) begin
      record_valid_o <= 1'b1;
      sampled_q      <= sampled_q + 32'd1;
    end else if (record_ready_i) begin
      record_valid_o <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (sample) begin
      record_data_o <= '0;
      record_data_o[bl_desc_pkg::CPL_STATUS_LSB +: 8]      <=
          has_run && faulted_q[oldest] ? bl_desc_pkg::STATUS_BUS_ERROR : status;
      record_data_o[bl_desc_pkg::CPL_NAN_TOKENS_LSB +: 16] <= has_run ? job_done_nan_i : '0;
      record_data_o[bl_desc_pkg::CPL_INDEX_LSB +: 32]      <= sampled_q;
      if (faulted_q[oldest]) begin
        record_data_o[bl_desc_pkg::CPL_STREAM_LSB +: 8]         <=
            8'(fault_streams_q[oldest*3 +: 3]);
        record_data_o[bl_desc_pkg::CPL_FAULT_ADDRESS_LSB +: 64] <=
            fault_addresses_q[oldest*64 +: 64];
      end
      // The low words of all counters, in the order in which the registers have them.
      for (int unsigned c = 0; c < NumCounters; c++) begin
        record_data_o[bl_desc_pkg::CPL_CYCLES_BUSY_LSB + c*32 +: 32] <= counters[c*64 +: 32];
      end
    end
  end

  logic [15:0] record_slot;
  assign record_slot      = record_data_o[bl_desc_pkg::CPL_INDEX_LSB +: 16] & ring_mask;
  assign record_address_o = completion_base + {42'd0, record_slot, 6'd0};

  `BL_ASSERT_STABLE(RecordIsStable, record_valid_o, record_ready_i, record_data_o)

  // ---- Responses of records, in order -----------------------------------------------------------

  localparam int unsigned RecordW = $clog2(MaxRecords);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) completed_q <= '0;
    else if (record_done_i) completed_q <= completed_q + 32'd1;
  end

  always_ff @(posedge clk_i) begin
    if (sample) record_interrupt_q[sampled_q[RecordW-1:0]] <= interrupt_q[oldest];
  end

  assign irq_set = record_done_i && record_interrupt_q[completed_q[RecordW-1:0]];

  `BL_ASSERT_IF(ResponseIsOfARecord, record_done_i, completed_q != sampled_q,
                "a record's response came before the record")

endmodule
