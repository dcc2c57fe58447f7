// SPDX-License-Identifier: Apache-2.0
// Moves everything between memory and the machine over AXI4 read channels and one write channel.
//
// Function:   four read streams (bl_pkg::Read*) share the read channels. Descriptors use channel 0
//             alone; every burst of the others goes to all channels at once. Bursts are granted by
//             fixed priority descriptors, activations, scales, weights: the rare and urgent first,
//             the stream that fills the channels last. A grant waits until the address registers
//             of all channels that it uses are free, in the same cycle at the latest; from then on
//             each channel goes its own way. AXI IDs are stream numbers. The write side is
//             bl_dma_write.
// Latency:    1 cycle from a stream's request to its addresses; 3 from a job to its first address.
// Throughput: one address and one beat per cycle on every read channel.
// Limits:     beats are always taken and counted, so RLAST is not looked at. An error response does
//             not stop a stream (bl_dma_read_stream): its data flows on, and the error is reported
//             with the job's tag and the burst's address, for each stream on its own.

`include "bl_assert.svh"

module bl_dma #(
  parameter int unsigned BeatW,
  parameter int unsigned Channels,      // at most 32
  parameter int unsigned BurstBeats,
  parameter int unsigned WeightDepth,   // lines
  parameter int unsigned ScaleDepth,    // lines
  parameter int unsigned OutputDepth,   // beats
  parameter int unsigned ResultLanes,
  localparam int unsigned LineW = Channels * BeatW
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  // Read jobs and lines, one bit per stream (bl_pkg::Read*). A descriptor's line is one beat.
  input  logic [3:0]                  read_job_valid_i,
  output logic [3:0]                  read_job_ready_o,
  input  bl_pkg::read_job_t           weights_job_i,
  input  bl_pkg::read_job_t           scales_job_i,
  input  bl_pkg::read_job_t           activations_job_i,
  input  bl_pkg::read_job_t           descriptors_job_i,
  output logic [3:0]                  read_valid_o,
  input  logic [3:0]                  read_ready_i,
  output logic [LineW-1:0]            weights_data_o,
  output logic [LineW-1:0]            scales_data_o,
  output logic [LineW-1:0]            activations_data_o,
  output logic [BeatW-1:0]            descriptors_data_o,

  input  logic                        write_job_valid_i,
  output logic                        write_job_ready_o,
  input  bl_pkg::write_job_t          write_job_i,
  output logic                        write_done_valid_o,
  input  logic                        write_done_ready_i,
  output logic [15:0]                 write_done_nan_o,    // bit per token
  input  logic                        result_valid_i,
  output logic                        result_ready_o,
  input  logic [ResultLanes*32-1:0]   result_data_i,       // binary16: low half of each 32 bits
  input  logic                        result_nan_i,
  input  logic [3:0]                  result_token_i,
  input  logic                        record_valid_i,
  output logic                        record_ready_o,
  input  logic [63:0]                 record_address_i,
  input  logic [511:0]                record_data_i,
  output logic                        record_done_o,

  // Beats of the cycle before, all channels: weights, scales, activations, descriptors, outputs,
  // records.
  output logic [6*6-1:0]              beats_o,
  // Pulses, one bit per stream, each with its job's tag and the first byte of the burst.
  output logic [3:0]                  read_error_o,
  output logic [4*bl_pkg::TagW-1:0]   read_error_tag_o,
  output logic [4*64-1:0]             read_error_address_o,
  output logic                        write_error_o,       // of results
  output logic [bl_pkg::TagW-1:0]     write_error_tag_o,
  output logic [63:0]                 write_error_address_o,
  output logic                        record_error_o,      // of a completion record

  output logic [Channels*4-1:0]       arid_o,
  output logic [Channels*64-1:0]      araddr_o,
  output logic [Channels*8-1:0]       arlen_o,
  output logic [Channels-1:0]         arvalid_o,
  input  logic [Channels-1:0]         arready_i,
  input  logic [Channels*4-1:0]       rid_i,
  input  logic [Channels*BeatW-1:0]   rdata_i,
  input  logic [Channels*2-1:0]       rresp_i,
  input  logic [Channels-1:0]         rlast_i,
  input  logic [Channels-1:0]         rvalid_i,
  output logic [Channels-1:0]         rready_o,

  output logic [3:0]                  awid_o,
  output logic [63:0]                 awaddr_o,
  output logic [7:0]                  awlen_o,
  output logic                        awvalid_o,
  input  logic                        awready_i,
  output logic [BeatW-1:0]            wdata_o,
  output logic [BeatW/8-1:0]          wstrb_o,
  output logic                        wlast_o,
  output logic                        wvalid_o,
  input  logic                        wready_i,
  input  logic [3:0]                  bid_i,
  input  logic [1:0]                  bresp_i,
  input  logic                        bvalid_i,
  output logic                        bready_o
);

  localparam int unsigned Streams = bl_pkg::NumReadStreams;
  // Activations wait here only while the activation buffer is full; descriptors hardly ever.
  localparam int unsigned SmallDepth = 2 * BurstBeats > 16 ? 2 * BurstBeats : 16;

  // ---- Data channels: beats by stream -----------------------------------------------------------

  logic [Channels-1:0] id_bit [4];
  logic [Channels-1:0] beat [Streams];
  logic [Channels-1:0] beat_error;
  logic                output_beat, record_beat;
  logic                unused;

  for (genvar c = 0; c < Channels; c++) begin : gen_beat
    assign beat_error[c] = rresp_i[c*2 +: 2] != 2'b00;
    for (genvar i = 0; i < 4; i++) begin : gen_id
      assign id_bit[i][c] = rid_i[c*4+i];
    end
  end

  // Streams by their number's bits, all channels at once.
  assign beat[0] = rvalid_i & ~id_bit[1] & ~id_bit[0];
  assign beat[1] = rvalid_i & ~id_bit[1] & id_bit[0];
  assign beat[2] = rvalid_i & id_bit[1] & ~id_bit[0];
  assign beat[3] = rvalid_i & id_bit[1] & id_bit[0];

  assign rready_o = '1;
  assign unused   = ^rlast_i;

  // A register stands between the channels and the counters.
  logic [Streams*6-1:0] read_beats;
  always_comb begin
    int unsigned s, c;
    s          = 0;
    c          = 0;
    read_beats = '0;
    if (rvalid_i != '0) begin
      for (s = 0; s < Streams; s++) begin
        for (c = 0; c < Channels; c++) read_beats[s*6 +: 6] = read_beats[s*6 +: 6] + 6'(beat[s][c]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    beats_o[Streams*6-1:0] <= read_beats;
    beats_o[24 +: 6]       <= 6'(output_beat);
    beats_o[30 +: 6]       <= 6'(record_beat);
  end

  // ---- Read streams -----------------------------------------------------------------------------

  logic [Streams-1:0] request_valid, request_ready;
  logic [63:0]        request_address [Streams];
  logic [31:0]        request_stripe [Streams];
  logic [7:0]         request_len [Streams];

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    localparam int unsigned Width = s == bl_pkg::ReadDescriptors ? 1 : Channels;
    bl_pkg::read_job_t      job;
    logic [Width-1:0]       beats;
    logic [Width*BeatW-1:0] data;
    logic [63:0]            address;
    logic [31:0]            stripe;
    logic [7:0]             len;

    // Yosys 0.23 takes no element of an array as a port.
    assign beats              = beat[s][Width-1:0];
    assign request_address[s] = address;
    assign request_stripe[s]  = stripe;
    assign request_len[s]     = len;

    bl_dma_read_stream #(
      .BeatW     (BeatW),
      .Channels  (Width),
      .BurstBeats(BurstBeats),
      .Depth     (s == bl_pkg::ReadWeights ? WeightDepth :
                  s == bl_pkg::ReadScales ? ScaleDepth : SmallDepth),
      .JobQueue  (bl_pkg::JobQueue)
    ) u_stream (
      .clk_i,
      .rst_ni,
      .job_valid_i      (read_job_valid_i[s]),
      .job_ready_o      (read_job_ready_o[s]),
      .job_i            (job),
      .request_valid_o  (request_valid[s]),
      .request_ready_i  (request_ready[s]),
      .request_address_o(address),
      .request_stripe_o (stripe),
      .request_len_o    (len),
      .beat_valid_i     (beats),
      .beat_data_i      (rdata_i[Width*BeatW-1:0]),
      .beat_error_i     (beat_error[Width-1:0]),
      .valid_o          (read_valid_o[s]),
      .ready_i          (read_ready_i[s]),
      .data_o           (data),
      .error_o          (read_error_o[s]),
      .error_tag_o      (read_error_tag_o[s*bl_pkg::TagW +: bl_pkg::TagW]),
      .error_address_o  (read_error_address_o[s*64 +: 64])
    );
  end

  assign gen_stream[bl_pkg::ReadWeights].job     = weights_job_i;
  assign gen_stream[bl_pkg::ReadScales].job      = scales_job_i;
  assign gen_stream[bl_pkg::ReadActivations].job = activations_job_i;
  assign gen_stream[bl_pkg::ReadDescriptors].job = descriptors_job_i;
  assign weights_data_o     = gen_stream[bl_pkg::ReadWeights].data;
  assign scales_data_o      = gen_stream[bl_pkg::ReadScales].data;
  assign activations_data_o = gen_stream[bl_pkg::ReadActivations].data;
  assign descriptors_data_o = gen_stream[bl_pkg::ReadDescriptors].data;

  // ---- Address channels: the highest stream number wins -----------------------------------------

  logic [Channels-1:0] free;
  logic                grant;
  logic [1:0]          grant_stream;
  logic [63:0]         grant_address;
  logic [31:0]         grant_stripe;
  logic [7:0]          grant_len;
  logic                grant_all;      // all channels take part

  assign free = ~arvalid_o | arready_i;

  always_comb begin
    grant         = 1'b0;
    grant_stream  = '0;
    grant_address = '0;
    grant_stripe  = '0;
    grant_len     = '0;
    request_ready = '0;
    if (request_valid != '0) begin
      for (int unsigned s = 0; s < Streams; s++) begin
        if (request_valid[s]) begin
          grant_stream  = 2'(s);
          grant_address = request_address[s];
          grant_stripe  = request_stripe[s];
          grant_len     = request_len[s];
        end
      end
      grant = grant_stream == 2'(bl_pkg::ReadDescriptors) ? free[0] : free == '1;
      request_ready[grant_stream] = grant;
    end
  end

  assign grant_all = grant && grant_stream != 2'(bl_pkg::ReadDescriptors);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) arvalid_o <= '0;
    else arvalid_o <= (arvalid_o & ~arready_i) | Channels'(grant) | {Channels{grant_all}};
  end

  // Channel 0 takes part in every burst.
  always_ff @(posedge clk_i) begin
    if (grant) begin
      for (int unsigned c = 0; c < Channels; c++) begin
        if (c == 0 || grant_all) begin
          arid_o[c*4 +: 4]     <= 4'(grant_stream);
          arlen_o[c*8 +: 8]    <= grant_len;
          araddr_o[c*64 +: 64] <= grant_address + ((64'(c) * 64'(grant_stripe)) << 12);
        end
      end
    end
  end

  // ---- Write side -------------------------------------------------------------------------------

  bl_dma_write #(
    .BeatW      (BeatW),
    .Depth      (OutputDepth),
    .BurstBeats (BurstBeats),
    .ResultLanes(ResultLanes),
    .JobQueue   (bl_pkg::JobQueue)
  ) u_write (
    .clk_i,
    .rst_ni,
    .job_valid_i    (write_job_valid_i),
    .job_ready_o    (write_job_ready_o),
    .job_i          (write_job_i),
    .done_valid_o   (write_done_valid_o),
    .done_ready_i   (write_done_ready_i),
    .done_nan_o     (write_done_nan_o),
    .result_valid_i,
    .result_ready_o,
    .result_data_i,
    .result_nan_i,
    .result_token_i,
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
    .output_beat_o  (output_beat),
    .record_beat_o  (record_beat),
    .error_o        (write_error_o),
    .error_tag_o    (write_error_tag_o),
    .error_address_o(write_error_address_o),
    .record_error_o
  );

  `BL_ASSERT_IF(KnownStream, rvalid_i != '0,
                (rvalid_i & (id_bit[3] | id_bit[2])) == '0 && beat[3] >> 1 == '0,
                "a beat returned with an unknown ID, or a descriptor on another channel than 0")
  `BL_ASSERT_STABLE(AddressIsStable, arvalid_o[0], arready_i[0], araddr_o[63:0])

endmodule
