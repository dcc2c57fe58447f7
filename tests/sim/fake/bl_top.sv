// SPDX-License-Identifier: Apache-2.0
// A behavioural machine behind the real ports, for tests of the testbench alone: it fetches each
// descriptor, copies the first m 32-bit words of the activation image to the result image, and
// writes a completion record with the latencies that it saw (cycles_busy: the last read, from
// address to data; cycles_output: the last write, from data to response). Ring, registers and
// bursts are real, and so is the striping of the activation image over the read channels. In a
// record `stream` is 1 when the write of an earlier record had an error response.
//
// Some values of k make it do something else:
//   1001 hang, 1002 cross 4 KiB, 1003 fail an assertion, 1004 read the first beat for ever,
//   1005 read m lines of the activation image, all channels at full rate, in bursts of group_size
//        beats (which divides m) with up to 128 of them under way, IDs 0 and 1 in turn, and report
//          cycles_busy         cycles from the first address to the last beat, with both
//          cycles_output       beats with an error response
//          cycles_activations  the first of them of the lowest channel that had one: channel in
//                              bits 31:24, number of its beat in bits 23:0
//          cycles_scales       its response
//          cycles_weights, _control  64-bit sum over all channels c and IDs i of (s << (2c + i)),
//                              where a beat with the low word d makes the ID's
//                              s := (s rotated left by 1) + d
//          beats_weights .. _descriptors  cycles from the first address to the first beat of the
//                              channels 0 .. 3
//          beats_outputs       most beats that a channel was ahead of another one
//          beats_completions   bursts that ended before an earlier one of their channel

module bl_top (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic [11:0] ctl_awaddr_i,
  input  logic        ctl_awvalid_i,
  output logic        ctl_awready_o,
  input  logic [31:0] ctl_wdata_i,
  input  logic [3:0]  ctl_wstrb_i,
  input  logic        ctl_wvalid_i,
  output logic        ctl_wready_o,
  output logic [1:0]  ctl_bresp_o,
  output logic        ctl_bvalid_o,
  input  logic        ctl_bready_i,
  input  logic [11:0] ctl_araddr_i,
  input  logic        ctl_arvalid_i,
  output logic        ctl_arready_o,
  output logic [31:0] ctl_rdata_o,
  output logic [1:0]  ctl_rresp_o,
  output logic        ctl_rvalid_o,
  input  logic        ctl_rready_i,

  output logic [bl_cfg_pkg::ReadChannels*4-1:0]  mem_arid_o,
  output logic [bl_cfg_pkg::ReadChannels*64-1:0] mem_araddr_o,
  output logic [bl_cfg_pkg::ReadChannels*8-1:0]  mem_arlen_o,
  output logic [bl_cfg_pkg::ReadChannels*3-1:0]  mem_arsize_o,
  output logic [bl_cfg_pkg::ReadChannels*2-1:0]  mem_arburst_o,
  output logic [bl_cfg_pkg::ReadChannels-1:0]    mem_arvalid_o,
  input  logic [bl_cfg_pkg::ReadChannels-1:0]    mem_arready_i,
  input  logic [bl_cfg_pkg::ReadChannels*4-1:0]  mem_rid_i,
  input  logic [bl_cfg_pkg::ReadChannels*bl_cfg_pkg::ChannelBits-1:0] mem_rdata_i,
  input  logic [bl_cfg_pkg::ReadChannels*2-1:0]  mem_rresp_i,
  input  logic [bl_cfg_pkg::ReadChannels-1:0]    mem_rlast_i,
  input  logic [bl_cfg_pkg::ReadChannels-1:0]    mem_rvalid_i,
  output logic [bl_cfg_pkg::ReadChannels-1:0]    mem_rready_o,

  output logic [3:0]  mem_awid_o,
  output logic [63:0] mem_awaddr_o,
  output logic [7:0]  mem_awlen_o,
  output logic [2:0]  mem_awsize_o,
  output logic [1:0]  mem_awburst_o,
  output logic        mem_awvalid_o,
  input  logic        mem_awready_i,
  output logic [bl_cfg_pkg::ChannelBits-1:0]   mem_wdata_o,
  output logic [bl_cfg_pkg::ChannelBits/8-1:0] mem_wstrb_o,
  output logic        mem_wlast_o,
  output logic        mem_wvalid_o,
  input  logic        mem_wready_i,
  input  logic [3:0]  mem_bid_i,
  input  logic [1:0]  mem_bresp_i,
  input  logic        mem_bvalid_i,
  output logic        mem_bready_o,

  output logic        irq_o
);

  localparam int unsigned BeatW = bl_cfg_pkg::ChannelBits;
  localparam logic [63:0] BeatBytes = 64'(BeatW) / 64'd8;
  localparam int unsigned RecordBeats = 512 > BeatW ? 512 / BeatW : 1;
  localparam int unsigned Channels = bl_cfg_pkg::ReadChannels;
  localparam logic [31:0] HangK = 32'd1001, CrossK = 32'd1002, AssertK = 32'd1003,
                          EndlessK = 32'd1004, StreamK = 32'd1005;

  // ---- Registers --------------------------------------------------------------------------------

  logic [63:0] ring_base_q, completion_base_q;
  logic [31:0] ring_mask_q, doorbell_q, completed_q;
  logic        enable_q, irq_enable_q, irq_status_q;
  logic        finish;

  logic        aw_held_q, w_held_q;
  logic [11:0] aw_q;
  logic [31:0] w_q;
  assign ctl_awready_o = !aw_held_q;
  assign ctl_wready_o  = !w_held_q;
  assign ctl_arready_o = !ctl_rvalid_o;
  assign ctl_bresp_o   = '0;
  assign ctl_rresp_o   = '0;
  assign irq_o         = irq_enable_q && irq_status_q;

  logic do_write;
  assign do_write = aw_held_q && w_held_q && !ctl_bvalid_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_held_q <= 1'b0;
      w_held_q <= 1'b0;
      ctl_bvalid_o <= 1'b0;
      ctl_rvalid_o <= 1'b0;
      ctl_rdata_o <= '0;
      ring_base_q <= '0;
      completion_base_q <= '0;
      ring_mask_q <= '0;
      doorbell_q <= '0;
      enable_q <= 1'b0;
      irq_enable_q <= 1'b0;
      irq_status_q <= 1'b0;
      aw_q <= '0;
      w_q <= '0;
    end else begin
      if (ctl_awvalid_i && ctl_awready_o) begin
        aw_held_q <= 1'b1;
        aw_q <= ctl_awaddr_i;
      end
      if (ctl_wvalid_i && ctl_wready_o) begin
        w_held_q <= 1'b1;
        w_q <= ctl_wdata_i;
      end
      if (ctl_bvalid_o && ctl_bready_i) ctl_bvalid_o <= 1'b0;
      if (do_write) begin
        aw_held_q <= 1'b0;
        w_held_q <= 1'b0;
        ctl_bvalid_o <= 1'b1;
        case (aw_q)
          bl_reg_pkg::REG_RING_BASE_ADDR: ring_base_q[31:0] <= w_q;
          bl_reg_pkg::REG_RING_BASE_ADDR + 12'd4: ring_base_q[63:32] <= w_q;
          bl_reg_pkg::REG_COMPLETION_BASE_ADDR: completion_base_q[31:0] <= w_q;
          bl_reg_pkg::REG_COMPLETION_BASE_ADDR + 12'd4: completion_base_q[63:32] <= w_q;
          bl_reg_pkg::REG_RING_MASK_ADDR: ring_mask_q <= w_q;
          bl_reg_pkg::REG_DOORBELL_ADDR: doorbell_q <= w_q;
          bl_reg_pkg::REG_CONTROL_ADDR: enable_q <= w_q[0];
          bl_reg_pkg::REG_IRQ_ENABLE_ADDR: irq_enable_q <= w_q[0];
          bl_reg_pkg::REG_IRQ_STATUS_ADDR: if (w_q[0]) irq_status_q <= 1'b0;
          default: ;
        endcase
      end
      if (finish) irq_status_q <= 1'b1;
      if (ctl_rvalid_o && ctl_rready_i) ctl_rvalid_o <= 1'b0;
      if (ctl_arvalid_i && ctl_arready_o) begin
        ctl_rvalid_o <= 1'b1;
        case (ctl_araddr_i)
          bl_reg_pkg::REG_ID_ADDR: ctl_rdata_o <= bl_reg_pkg::REG_ID_RESET;
          bl_reg_pkg::REG_INTERFACE_REVISION_ADDR:
            ctl_rdata_o <= bl_reg_pkg::REG_INTERFACE_REVISION_RESET;
          bl_reg_pkg::REG_COMPLETED_ADDR: ctl_rdata_o <= completed_q;
          default: ctl_rdata_o <= '0;
        endcase
      end
    end
  end

  // ---- Fetch, copy beat by beat, complete -------------------------------------------------------

  typedef enum logic [3:0] {
    Idle, FetchAddress, FetchData, Decode, CopyAddress, CopyData, StoreData, StoreResponse, Stream,
    Complete
  } state_e;
  state_e       state_q;
  logic [511:0] descriptor_q;
  logic [31:0]  beat_q;
  logic [BeatW-1:0] data_q;
  logic         aw_sent_q, error_q, record_error_q;
  logic [511:0] record;
  logic [31:0]  beats, k;
  logic [31:0]  read_latency_q, write_latency_q;
  logic [31:0]  stream_errors, stream_error_beat, stream_error_response;
  logic [63:0]  stream_sum;
  logic [127:0] stream_first;
  logic [31:0]  stream_overtakes, lead_q;

  // The channel that a descriptor or the beat to copy comes from; channel c's beats lie c stripes
  // of pages behind those of channel 0.
  logic [31:0]      channel, line;
  logic [63:0]      stripe;
  logic             address_taken, data_valid, data_last;
  logic [BeatW-1:0] data;
  logic [1:0]       response;
  assign channel = state_q == FetchAddress || state_q == FetchData ? '0 : beat_q % Channels;
  assign line    = beat_q / Channels;
  assign stripe  = {20'd0, descriptor_q[14*32 +: 32], 12'd0};
  assign address_taken = mem_arready_i[channel];
  assign data_valid    = mem_rvalid_i[channel];
  assign data_last     = mem_rlast_i[channel];
  assign data          = mem_rdata_i[channel*BeatW +: BeatW];
  assign response      = mem_rresp_i[channel*2 +: 2];

  assign beats = (descriptor_q[63:32] * 32 + BeatW - 1) / BeatW;
  assign k     = descriptor_q[95:64];
  always_comb begin
    record = '0;
    record[7:0]   = error_q ? bl_desc_pkg::STATUS_BUS_ERROR : bl_desc_pkg::STATUS_OK;
    record[15:8]  = 8'(record_error_q);
    record[63:32] = completed_q;
    record[159:128] = read_latency_q;
    record[191:160] = write_latency_q;
    if (k == StreamK)
      record[511:160] = {stream_overtakes, lead_q, stream_first, stream_sum, stream_error_response,
                         stream_error_beat, stream_errors};
  end

  logic [63:0] fetch_address, copy_address;
  assign fetch_address = ring_base_q + {26'd0, completed_q & ring_mask_q, 6'd0};
  assign copy_address  = descriptor_q[319:256] + 64'(channel) * stripe + 64'(line) * BeatBytes +
                         (k == CrossK ? 64'd4096 - BeatBytes : 64'd0);

  assign mem_awid_o    = state_q == Complete ? 4'd1 : 4'd0;
  assign mem_awaddr_o  = state_q == Complete
      ? completion_base_q + {26'd0, completed_q & ring_mask_q, 6'd0}
      : descriptor_q[383:320] + 64'(beat_q) * BeatBytes;
  assign mem_awlen_o   = state_q == Complete ? 8'(RecordBeats - 1) : 8'd0;
  assign mem_awsize_o  = 3'($clog2(BeatW / 8));
  assign mem_awburst_o = 2'd1;
  assign mem_awvalid_o = (state_q == StoreData || state_q == Complete) && !aw_sent_q;
  assign mem_wdata_o   = state_q == Complete ? record[(beat_q % RecordBeats) * BeatW +: BeatW]
                                             : data_q;
  assign mem_wstrb_o   = '1;
  assign mem_wlast_o   = state_q == StoreData || beat_q == RecordBeats - 1;
  assign mem_wvalid_o  = state_q == StoreData || (state_q == Complete && beat_q < RecordBeats);
  assign mem_bready_o  = 1'b1;
  assign finish        = state_q == Complete && mem_bvalid_i;

  logic [Channels-1:0] stream_done;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q      <= Idle;
      completed_q  <= '0;
      descriptor_q <= '0;
      beat_q       <= '0;
      data_q       <= '0;
      aw_sent_q    <= 1'b0;
      error_q      <= 1'b0;
      record_error_q <= 1'b0;
      read_latency_q  <= '0;
      write_latency_q <= '0;
    end else begin
      if (state_q == CopyAddress || state_q == CopyData)
        read_latency_q <= state_q == CopyAddress ? 32'd1 :
                          data_valid ? read_latency_q : read_latency_q + 32'd1;
      if (state_q == StoreData || state_q == StoreResponse)
        write_latency_q <= state_q == StoreData ? 32'd1 :
                           mem_bvalid_i ? write_latency_q : write_latency_q + 32'd1;
      if (mem_awvalid_o && mem_awready_i) aw_sent_q <= 1'b1;
      case (state_q)
        Idle: if (enable_q && doorbell_q != completed_q) begin
          state_q <= FetchAddress;
          beat_q  <= '0;
          error_q <= 1'b0;
        end
        FetchAddress: if (address_taken) state_q <= FetchData;
        FetchData: if (data_valid) begin
          descriptor_q[(beat_q % RecordBeats) * BeatW +: BeatW] <= data;
          error_q <= error_q || response != '0;
          beat_q  <= data_last ? '0 : beat_q + 32'd1;
          if (data_last) state_q <= Decode;
        end
        Decode: begin
          read_latency_q <= '0;
          state_q <= error_q ? Complete : k == StreamK ? Stream : CopyAddress;
        end
        CopyAddress: begin
          if (address_taken) state_q <= CopyData;
          assert (k != AssertK) else $error("asked to fail");
        end
        CopyData: if (data_valid && k != HangK) begin
          data_q  <= data;
          error_q <= error_q || response != '0;
          state_q <= k == EndlessK ? CopyAddress : StoreData;
        end
        StoreData: if (mem_wready_i) state_q <= StoreResponse;
        StoreResponse: if (mem_bvalid_i) begin
          aw_sent_q <= 1'b0;
          error_q   <= error_q || mem_bresp_i != '0;
          beat_q    <= beat_q + 32'd1 == beats ? '0 : beat_q + 32'd1;
          state_q   <= beat_q + 32'd1 == beats ? Complete : CopyAddress;
        end
        Stream: begin
          if (&stream_done) begin
            state_q <= Complete;
            error_q <= stream_errors != '0;
          end else begin
            read_latency_q <= read_latency_q + 32'd1;
          end
        end
        Complete: begin
          if (mem_wvalid_o && mem_wready_i) beat_q <= beat_q + 32'd1;
          if (mem_bvalid_i) begin
            completed_q    <= completed_q + 32'd1;
            aw_sent_q      <= 1'b0;
            record_error_q <= record_error_q || mem_bresp_i != '0;
            state_q        <= Idle;
          end
        end
        default: state_q <= Idle;
      endcase
    end
  end

  // ---- Streaming --------------------------------------------------------------------------------

  localparam logic [31:0] MaxUnderWay = 32'd128;
  logic [31:0] lines, burst;
  assign lines = descriptor_q[63:32];
  assign burst = {16'd0, descriptor_q[3*32 +: 16]};

  logic [63:0] sum_q [2*Channels];  // by channel and ID
  logic [31:0] first_q [Channels];
  logic [31:0] received [Channels];
  logic [31:0] overtakes_q [Channels];
  logic [31:0] errors_q [Channels];
  logic [31:0] error_beat_q [Channels];
  logic [1:0]  error_response_q [Channels];
  logic [31:0] most, least;
  always_comb begin
    stream_sum            = '0;
    stream_first          = '0;
    stream_overtakes      = '0;
    stream_errors         = '0;
    stream_error_beat     = '0;
    stream_error_response = '0;
    most                  = '0;
    least                 = '1;
    if (state_q == Stream || state_q == Complete) begin
      for (int unsigned c = 0; c < Channels; c++) begin
        stream_sum       = stream_sum + (sum_q[2*c] << 2*c) + (sum_q[2*c+1] << (2*c + 1));
        stream_overtakes = stream_overtakes + overtakes_q[c];
        if (c < 4) stream_first[c%4*32 +: 32] = first_q[c];
        if (stream_errors == '0 && errors_q[c] != '0) begin
          stream_error_beat     = error_beat_q[c];
          stream_error_response = 32'(error_response_q[c]);
        end
        stream_errors = stream_errors + errors_q[c];
        if (received[c] > most) most = received[c];
        if (received[c] < least) least = received[c];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || state_q == Idle) lead_q <= '0;
    else if (state_q == Stream && most - least > lead_q) lead_q <= most - least;
  end

  for (genvar c = 0; c < Channels; c++) begin : gen_channel
    logic [31:0] asked_q, finished_q;  // bursts
    logic [31:0] received_q [2];       // beats by ID
    logic [31:0] waited_q;             // cycles since the first address
    logic        single, streaming, ask, id;
    logic [31:0] burst_number, other_burst;
    logic [23:0] beat_number;
    assign single    = (state_q == FetchAddress || state_q == CopyAddress) && channel == c;
    assign streaming = state_q == Stream;
    assign ask       = streaming && asked_q * burst < lines && asked_q - finished_q < MaxUnderWay;
    assign received[c]    = received_q[0] + received_q[1];
    assign stream_done[c] = received[c] == lines;

    assign id           = mem_rid_i[c*4];
    assign burst_number = received_q[id] / burst * 32'd2 + 32'(id);
    assign other_burst  = received_q[!id] / burst * 32'd2 + 32'(!id);  // its oldest one
    assign beat_number  = 24'(burst_number * burst + received_q[id] % burst);

    assign mem_arid_o[c*4 +: 4]      = state_q == FetchAddress ? 4'd3 :
                                       streaming ? 4'(asked_q[0]) : 4'd2;
    assign mem_araddr_o[c*64 +: 64]  = state_q == FetchAddress ? fetch_address : !streaming
        ? copy_address : descriptor_q[319:256] + 64'(c) * stripe +
                         64'(asked_q * burst) * BeatBytes;
    assign mem_arlen_o[c*8 +: 8]     = state_q == FetchAddress ? 8'(RecordBeats - 1) :
                                       streaming ? 8'(burst - 32'd1) : k == CrossK ? 8'd1 : 8'd0;
    assign mem_arsize_o[c*3 +: 3]    = 3'($clog2(BeatW / 8));
    assign mem_arburst_o[c*2 +: 2]   = 2'd1;
    assign mem_arvalid_o[c]          = single || ask;
    assign mem_rready_o[c]           = 1'b1;

    always_ff @(posedge clk_i) begin
      if (!rst_ni || state_q == Idle) begin
        asked_q             <= '0;
        finished_q          <= '0;
        received_q[0]       <= '0;
        received_q[1]       <= '0;
        waited_q            <= '0;
        first_q[c]          <= '0;
        sum_q[2*c]          <= '0;
        sum_q[2*c+1]        <= '0;
        overtakes_q[c]      <= '0;
        errors_q[c]         <= '0;
        error_beat_q[c]     <= '0;
        error_response_q[c] <= '0;
      end else if (streaming) begin
        if (ask && mem_arready_i[c]) asked_q <= asked_q + 32'd1;
        if (asked_q != '0) waited_q <= waited_q + 32'd1;
        if (mem_rvalid_i[c]) begin
          received_q[id] <= received_q[id] + 32'd1;
          if (received[c] == '0) first_q[c] <= waited_q + 32'd1;
          if (mem_rlast_i[c]) finished_q <= finished_q + 32'd1;
          if (mem_rlast_i[c] && other_burst < burst_number)
            overtakes_q[c] <= overtakes_q[c] + 32'd1;
          sum_q[2*c+32'(id)] <= {sum_q[2*c+32'(id)][62:0], sum_q[2*c+32'(id)][63]} +
                                mem_rdata_i[c*BeatW +: 64];
          if (mem_rresp_i[c*2 +: 2] != '0) begin
            errors_q[c] <= errors_q[c] + 32'd1;
            if (errors_q[c] == '0) begin
              error_beat_q[c]     <= {8'(c), beat_number};
              error_response_q[c] <= mem_rresp_i[c*2 +: 2];
            end
          end
        end
      end
    end
  end

  // Inputs of the real machine that this one has no use for.
  logic unused;
  assign unused = ^{ctl_wstrb_i, mem_rid_i, mem_bid_i, descriptor_q};

endmodule
