// SPDX-License-Identifier: Apache-2.0
// Moves everything between memory and the machine over one AXI4 read and one write channel.
//
// Function:   four read streams (bl_pkg::Read*) share the read channel; addresses are granted by
//             fixed priority descriptors, activations, scales, weights: the rare and urgent first,
//             the stream that fills the channel last. AXI IDs are stream numbers. The write side is
//             bl_dma_write.
// Latency:    1 cycle from a stream's request to the address channel.
// Throughput: one address per cycle, one beat per cycle in each direction.
// Limits:     one read channel. An error response does not stop a stream: its data flows on, and
//             the error is reported with the job's tag, its stream and the burst's address.

`include "bl_assert.svh"

module bl_dma #(
  parameter int unsigned BeatW,
  parameter int unsigned BurstBeats,
  parameter int unsigned WeightDepth,
  parameter int unsigned ScaleDepth,
  parameter int unsigned OutputDepth
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  // Read jobs, one lane per stream (bl_pkg::Read*).
  input  logic [3:0]         read_job_valid_i,
  output logic [3:0]         read_job_ready_o,
  input  logic [4*64-1:0]    read_job_address_i,
  input  logic [4*32-1:0]    read_job_run_beats_i,
  input  logic [4*32-1:0]    read_job_stride_beats_i,
  input  logic [4*32-1:0]    read_job_runs_i,
  input  logic [4*2-1:0]     read_job_tag_i,   // comes back with an error
  output logic [3:0]         read_valid_o,
  input  logic [3:0]         read_ready_i,
  output logic [4*BeatW-1:0] read_data_o,

  input  logic               write_job_valid_i,
  output logic               write_job_ready_o,
  input  logic [63:0]        write_job_address_i,
  input  logic [31:0]        write_job_values_i,
  input  logic [1:0]         write_job_tag_i,
  output logic               write_done_valid_o,
  input  logic               write_done_ready_i,
  output logic               write_done_nan_o,
  input  logic               result_valid_i,
  output logic               result_ready_o,
  input  logic [31:0]        result_data_i,
  input  logic               result_nan_i,
  input  logic               record_valid_i,
  output logic               record_ready_o,
  input  logic [63:0]        record_address_i,
  input  logic [511:0]       record_data_i,
  output logic               record_done_o,

  output logic [5:0]         beats_o,          // pulses: four read streams, outputs, completions
  // Pulses, each with the job's tag and the first byte of the burst.
  output logic               read_error_o,
  output logic [1:0]         read_error_tag_o,
  output logic [1:0]         read_error_stream_o,
  output logic [63:0]        read_error_address_o,
  output logic               write_error_o,    // of results
  output logic [1:0]         write_error_tag_o,
  output logic [63:0]        write_error_address_o,
  output logic               record_error_o,   // of a completion record

  output logic [3:0]         arid_o,
  output logic [63:0]        araddr_o,
  output logic [7:0]         arlen_o,
  output logic               arvalid_o,
  input  logic               arready_i,
  input  logic [3:0]         rid_i,
  input  logic [BeatW-1:0]   rdata_i,
  input  logic [1:0]         rresp_i,
  input  logic               rlast_i,
  input  logic               rvalid_i,
  output logic               rready_o,

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
  output logic               bready_o
);

  localparam int unsigned Streams = bl_pkg::NumReadStreams;
  // Activations wait here only while the activation buffer is full; descriptors hardly ever.
  localparam int unsigned ActivationDepth = 2 * BurstBeats > 16 ? 2 * BurstBeats : 16;
  localparam int unsigned DescriptorDepth = 2 * BurstBeats > 16 ? 2 * BurstBeats : 16;

  // ---- Read streams -----------------------------------------------------------------------------

  logic [Streams-1:0]    request_valid, request_ready, stream_error;
  logic [Streams*64-1:0] request_address, stream_error_address;
  logic [Streams*2-1:0]  stream_error_tag;
  logic [Streams*8-1:0]  request_len;

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    logic beat;
    assign beat       = rvalid_i && rid_i == 4'(s);
    assign beats_o[s] = beat;

    bl_dma_read_stream #(
      .BeatW     (BeatW),
      .BurstBeats(BurstBeats),
      .Depth     (s == bl_pkg::ReadWeights ? WeightDepth :
                  s == bl_pkg::ReadScales ? ScaleDepth :
                  s == bl_pkg::ReadActivations ? ActivationDepth : DescriptorDepth),
      .JobQueue  (bl_pkg::JobQueue)
    ) u_stream (
      .clk_i,
      .rst_ni,
      .job_valid_i       (read_job_valid_i[s]),
      .job_ready_o       (read_job_ready_o[s]),
      .job_address_i     (read_job_address_i[s*64 +: 64]),
      .job_run_beats_i   (read_job_run_beats_i[s*32 +: 32]),
      .job_stride_beats_i(read_job_stride_beats_i[s*32 +: 32]),
      .job_runs_i        (read_job_runs_i[s*32 +: 32]),
      .job_tag_i         (read_job_tag_i[s*2 +: 2]),
      .request_valid_o   (request_valid[s]),
      .request_ready_i   (request_ready[s]),
      .request_address_o (request_address[s*64 +: 64]),
      .request_len_o     (request_len[s*8 +: 8]),
      .beat_valid_i      (beat),
      .beat_data_i       (rdata_i),
      .beat_last_i       (rlast_i),
      .beat_error_i      (rresp_i != 2'b00),
      .valid_o           (read_valid_o[s]),
      .ready_i           (read_ready_i[s]),
      .data_o            (read_data_o[s*BeatW +: BeatW]),
      .error_o           (stream_error[s]),
      .error_tag_o       (stream_error_tag[s*2 +: 2]),
      .error_address_o   (stream_error_address[s*64 +: 64])
    );
  end

  // ---- Address channel: the highest stream number wins ------------------------------------------

  logic        grant_valid;
  logic [3:0]  grant_id;
  logic [63:0] grant_address;
  logic [7:0]  grant_len;

  always_comb begin
    grant_valid   = 1'b0;
    grant_id      = '0;
    grant_address = '0;
    grant_len     = '0;
    request_ready = '0;
    for (int unsigned s = 0; s < Streams; s++) begin
      if (request_valid[s]) begin
        grant_valid   = 1'b1;
        grant_id      = 4'(s);
        grant_address = request_address[s*64 +: 64];
        grant_len     = request_len[s*8 +: 8];
      end
    end
    if (grant_valid && (!arvalid_o || arready_i)) request_ready[grant_id[1:0]] = 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arvalid_o <= 1'b0;
    end else if (!arvalid_o || arready_i) begin
      arvalid_o <= grant_valid;
      if (grant_valid) begin
        arid_o   <= grant_id;
        araddr_o <= grant_address;
        arlen_o  <= grant_len;
      end
    end
  end

  assign rready_o = 1'b1;

  // ---- Write side -------------------------------------------------------------------------------

  bl_dma_write #(
    .BeatW     (BeatW),
    .Depth     (OutputDepth),
    .BurstBeats(BurstBeats),
    .JobQueue  (bl_pkg::JobQueue)
  ) u_write (
    .clk_i,
    .rst_ni,
    .job_valid_i    (write_job_valid_i),
    .job_ready_o    (write_job_ready_o),
    .job_address_i  (write_job_address_i),
    .job_values_i   (write_job_values_i),
    .job_tag_i      (write_job_tag_i),
    .done_valid_o   (write_done_valid_o),
    .done_ready_i   (write_done_ready_i),
    .done_nan_o     (write_done_nan_o),
    .result_valid_i,
    .result_ready_o,
    .result_data_i,
    .result_nan_i,
    .record_valid_i,
    .record_ready_o,
    .record_address_i,
    .record_data_i,
    .record_done_o,
    .awid_o,
    .awaddr_o,
    .awlen_o,
    .awvalid_o,
    .awready_i,
    .wdata_o,
    .wstrb_o,
    .wlast_o,
    .wvalid_o,
    .wready_i,
    .bid_i,
    .bresp_i,
    .bvalid_i,
    .bready_o,
    .output_beat_o  (beats_o[4]),
    .record_beat_o  (beats_o[5]),
    .error_o        (write_error_o),
    .error_tag_o    (write_error_tag_o),
    .error_address_o(write_error_address_o),
    .record_error_o
  );

  // ---- Read errors: one beat comes per cycle, so at most one stream has one ---------------------

  always_comb begin
    read_error_o         = stream_error != '0;
    read_error_tag_o     = '0;
    read_error_stream_o  = '0;
    read_error_address_o = '0;
    for (int unsigned s = 0; s < Streams; s++) begin
      if (stream_error[s]) begin
        read_error_tag_o     = stream_error_tag[s*2 +: 2];
        read_error_stream_o  = 2'(s);
        read_error_address_o = stream_error_address[s*64 +: 64];
      end
    end
  end

  `BL_ASSERT(KnownStream, !rvalid_i || 32'(rid_i) < Streams, "a beat returned with an unknown ID")
  `BL_ASSERT_STABLE(AddressIsStable, arvalid_o, arready_i, araddr_o)

endmodule
