// SPDX-License-Identifier: Apache-2.0
// The accelerator: control port, memory ports, interrupt. Parameters come from bl_cfg_pkg, which is
// generated from the configuration; docs/architecture.md has the block diagram.
//
// Limits: what bl_ctrl_fetch checks per descriptor, and what is checked below per configuration.

`include "bl_assert.svh"

module bl_top (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,

  // Control: AXI4-Lite.
  input  logic [11:0]                          ctl_awaddr_i,
  input  logic                                 ctl_awvalid_i,
  output logic                                 ctl_awready_o,
  input  logic [31:0]                          ctl_wdata_i,
  input  logic [3:0]                           ctl_wstrb_i,
  input  logic                                 ctl_wvalid_i,
  output logic                                 ctl_wready_o,
  output logic [1:0]                           ctl_bresp_o,
  output logic                                 ctl_bvalid_o,
  input  logic                                 ctl_bready_i,
  input  logic [11:0]                          ctl_araddr_i,
  input  logic                                 ctl_arvalid_i,
  output logic                                 ctl_arready_o,
  output logic [31:0]                          ctl_rdata_o,
  output logic [1:0]                           ctl_rresp_o,
  output logic                                 ctl_rvalid_o,
  input  logic                                 ctl_rready_i,
  output logic                                 irq_o,

  // Memory reads: AXI4, channel c in the c-th part of every port.
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

  // Memory writes: AXI4.
  output logic [3:0]                           mem_awid_o,
  output logic [63:0]                          mem_awaddr_o,
  output logic [7:0]                           mem_awlen_o,
  output logic [2:0]                           mem_awsize_o,
  output logic [1:0]                           mem_awburst_o,
  output logic                                 mem_awvalid_o,
  input  logic                                 mem_awready_i,
  output logic [bl_cfg_pkg::ChannelBits-1:0]   mem_wdata_o,
  output logic [bl_cfg_pkg::ChannelBits/8-1:0] mem_wstrb_o,
  output logic                                 mem_wlast_o,
  output logic                                 mem_wvalid_o,
  input  logic                                 mem_wready_i,
  input  logic [3:0]                           mem_bid_i,
  input  logic [1:0]                           mem_bresp_i,
  input  logic                                 mem_bvalid_i,
  output logic                                 mem_bready_o
);

  localparam int unsigned BeatW = bl_cfg_pkg::ChannelBits;
  localparam int unsigned Channels = bl_cfg_pkg::ReadChannels;
  localparam int unsigned LineW = Channels * BeatW;
  localparam int unsigned ResultLanes = bl_cfg_pkg::ResultsPerCycle;
  localparam int unsigned TagW = bl_pkg::TagW;
  localparam logic [1:0] BurstIncr = 2'b01;

`ifndef SYNTHESIS
  if (bl_cfg_pkg::Rows * bl_cfg_pkg::Columns % LineW != 0) begin : gen_bad_width
    $error("a plane word of %0d bits is not whole lines of %0d bits",
           bl_cfg_pkg::Rows * bl_cfg_pkg::Columns, LineW);
  end
  if (bl_cfg_pkg::MaxK % bl_pkg::MaxGroup != 0) begin : gen_bad_max_k
    $error("max_k of %0d is not whole blocks of %0d columns", bl_cfg_pkg::MaxK, bl_pkg::MaxGroup);
  end
  if (bl_cfg_pkg::Tokens > bl_pkg::MaxTokens) begin : gen_bad_tokens
    $error("%0d tokens at once exceed %0d", bl_cfg_pkg::Tokens, bl_pkg::MaxTokens);
  end
  if (ResultLanes * 32 > BeatW) begin : gen_bad_results
    $error("%0d results per cycle exceed a beat of %0d bits", ResultLanes, BeatW);
  end
`endif

  // ---- ctrl -------------------------------------------------------------------------------------

  logic               job_valid, job_ready, job_take;
  bl_pkg::job_t       job;
  bl_pkg::read_job_t  weights_job, scales_job, activations_job, request_job;
  bl_pkg::write_job_t outputs_job;
  logic               request_valid;
  logic               done_valid, done_ready;
  logic [15:0]        done_nan;
  logic               record_valid, record_ready, record_done;
  logic [63:0]        record_address;
  logic [511:0]       record_data;
  logic [2:0]         cause;
  logic [35:0]        beats;
  logic [3:0]         read_error;
  logic [4*TagW-1:0]  read_error_tag;
  logic [4*64-1:0]    read_error_address;
  logic               write_error, record_error;
  logic [TagW-1:0]    write_error_tag;
  logic [63:0]        write_error_address;

  logic [3:0]         read_job_ready, read_valid, read_ready;
  logic [LineW-1:0]   weights_data, scales_data, activations_data;
  logic [BeatW-1:0]   descriptors_data;

  bl_ctrl #(
    .Rows           (bl_cfg_pkg::Rows),
    .Columns        (bl_cfg_pkg::Columns),
    .MaxBits        (bl_cfg_pkg::MaxBits),
    .MaxCodebookBits(bl_cfg_pkg::MaxCodebookBits),
    .MaxK           (bl_cfg_pkg::MaxK),
    .MaxM           (bl_cfg_pkg::MaxM),
    .Tokens         (bl_cfg_pkg::Tokens),
    .BeatW          (BeatW),
    .LineW          (LineW),
    .Exact          (bl_cfg_pkg::AccumulatorExact),
    .ConfigHash     (bl_cfg_pkg::ConfigHash)
  ) u_ctrl (
    .clk_i,
    .rst_ni,
    .ctl_awaddr_i,
    .ctl_awvalid_i,
    .ctl_awready_o,
    .ctl_wdata_i,
    .ctl_wstrb_i,
    .ctl_wvalid_i,
    .ctl_wready_o,
    .ctl_bresp_o,
    .ctl_bvalid_o,
    .ctl_bready_i,
    .ctl_araddr_i,
    .ctl_arvalid_i,
    .ctl_arready_o,
    .ctl_rdata_o,
    .ctl_rresp_o,
    .ctl_rvalid_o,
    .ctl_rready_i,
    .irq_o,
    .request_valid_o      (request_valid),
    .request_ready_i      (read_job_ready[bl_pkg::ReadDescriptors]),
    .request_job_o        (request_job),
    .beat_valid_i         (read_valid[bl_pkg::ReadDescriptors]),
    .beat_ready_o         (read_ready[bl_pkg::ReadDescriptors]),
    .beat_data_i          (descriptors_data),
    .job_valid_o          (job_valid),
    .job_ready_i          (job_ready),
    .job_o                (job),
    .weights_job_o        (weights_job),
    .scales_job_o         (scales_job),
    .activations_job_o    (activations_job),
    .outputs_job_o        (outputs_job),
    .job_done_valid_i     (done_valid),
    .job_done_ready_o     (done_ready),
    .job_done_nan_i       (done_nan),
    .record_valid_o       (record_valid),
    .record_ready_i       (record_ready),
    .record_address_o     (record_address),
    .record_data_o        (record_data),
    .record_done_i        (record_done),
    .cause_i              (cause),
    .beats_i              (beats),
    .read_error_i         (read_error),
    .read_error_tag_i     (read_error_tag),
    .read_error_address_i (read_error_address),
    .write_error_i        (write_error),
    .write_error_tag_i    (write_error_tag),
    .write_error_address_i(write_error_address),
    .record_error_i       (record_error)
  );

  // ---- A job starts in all units together -------------------------------------------------------

  logic engine_job_ready, write_job_ready;
  assign job_ready = engine_job_ready && write_job_ready &&
                     read_job_ready[bl_pkg::ReadWeights] && read_job_ready[bl_pkg::ReadScales] &&
                     read_job_ready[bl_pkg::ReadActivations];
  assign job_take  = job_valid && job_ready;

  // ---- dma --------------------------------------------------------------------------------------

  logic                      result_valid, result_ready, result_nan;
  logic [ResultLanes*32-1:0] result_data;
  logic [3:0]                result_token;

  bl_dma #(
    .BeatW      (BeatW),
    .Channels   (Channels),
    .BurstBeats (bl_cfg_pkg::BurstBeats),
    .WeightDepth(bl_cfg_pkg::WeightBufferBeats),
    .ScaleDepth (bl_cfg_pkg::ScaleBufferBeats),
    .OutputDepth(bl_cfg_pkg::OutputBufferBeats),
    .ResultLanes(ResultLanes)
  ) u_dma (
    .clk_i,
    .rst_ni,
    .read_job_valid_i     ({request_valid, {3{job_take}}}),
    .read_job_ready_o     (read_job_ready),
    .weights_job_i        (weights_job),
    .scales_job_i         (scales_job),
    .activations_job_i    (activations_job),
    .descriptors_job_i    (request_job),
    .read_valid_o         (read_valid),
    .read_ready_i         (read_ready),
    .weights_data_o       (weights_data),
    .scales_data_o        (scales_data),
    .activations_data_o   (activations_data),
    .descriptors_data_o   (descriptors_data),
    .write_job_valid_i    (job_take),
    .write_job_ready_o    (write_job_ready),
    .write_job_i          (outputs_job),
    .write_done_valid_o   (done_valid),
    .write_done_ready_i   (done_ready),
    .write_done_nan_o     (done_nan),
    .result_valid_i       (result_valid),
    .result_ready_o       (result_ready),
    .result_data_i        (result_data),
    .result_nan_i         (result_nan),
    .result_token_i       (result_token),
    .record_valid_i       (record_valid),
    .record_ready_o       (record_ready),
    .record_address_i     (record_address),
    .record_data_i        (record_data),
    .record_done_o        (record_done),
    .beats_o              (beats),
    .read_error_o         (read_error),
    .read_error_tag_o     (read_error_tag),
    .read_error_address_o (read_error_address),
    .write_error_o        (write_error),
    .write_error_tag_o    (write_error_tag),
    .write_error_address_o(write_error_address),
    .record_error_o       (record_error),
    .arid_o               (mem_arid_o),
    .araddr_o             (mem_araddr_o),
    .arlen_o              (mem_arlen_o),
    .arvalid_o            (mem_arvalid_o),
    .arready_i            (mem_arready_i),
    .rid_i                (mem_rid_i),
    .rdata_i              (mem_rdata_i),
    .rresp_i              (mem_rresp_i),
    .rlast_i              (mem_rlast_i),
    .rvalid_i             (mem_rvalid_i),
    .rready_o             (mem_rready_o),
    .awid_o               (mem_awid_o),
    .awaddr_o             (mem_awaddr_o),
    .awlen_o              (mem_awlen_o),
    .awvalid_o            (mem_awvalid_o),
    .awready_i            (mem_awready_i),
    .wdata_o              (mem_wdata_o),
    .wstrb_o              (mem_wstrb_o),
    .wlast_o              (mem_wlast_o),
    .wvalid_o             (mem_wvalid_o),
    .wready_i             (mem_wready_i),
    .bid_i                (mem_bid_i),
    .bresp_i              (mem_bresp_i),
    .bvalid_i             (mem_bvalid_i),
    .bready_o             (mem_bready_o)
  );

  assign mem_arsize_o  = {Channels{3'($clog2(BeatW / 8))}};
  assign mem_arburst_o = {Channels{BurstIncr}};
  assign mem_awsize_o  = 3'($clog2(BeatW / 8));
  assign mem_awburst_o = BurstIncr;

  // ---- engine -----------------------------------------------------------------------------------

  bl_engine #(
    .Rows            (bl_cfg_pkg::Rows),
    .Columns         (bl_cfg_pkg::Columns),
    .Mu              (bl_cfg_pkg::Mu),
    .RowsPerLut      (bl_cfg_pkg::RowsPerLut),
    .RowsPerScale    (bl_cfg_pkg::RowsPerScale),
    .ResultLanes     (ResultLanes),
    .Tokens          (bl_cfg_pkg::Tokens),
    .MantissaBits    (bl_cfg_pkg::MantissaBits),
    .AccumulatorExact(bl_cfg_pkg::AccumulatorExact),
    .AccumulatorBits (bl_cfg_pkg::AccumulatorBits),
    .MaxCodebookBits (bl_cfg_pkg::MaxCodebookBits),
    .MaxK            (bl_cfg_pkg::MaxK),
    .LineW           (LineW)
  ) u_engine (
    .clk_i,
    .rst_ni,
    .job_valid_i   (job_take),
    .job_ready_o   (engine_job_ready),
    .job_i         (job),
    .weight_valid_i(read_valid[bl_pkg::ReadWeights]),
    .weight_ready_o(read_ready[bl_pkg::ReadWeights]),
    .weight_data_i (weights_data),
    .scale_valid_i (read_valid[bl_pkg::ReadScales]),
    .scale_ready_o (read_ready[bl_pkg::ReadScales]),
    .scale_data_i  (scales_data),
    .act_valid_i   (read_valid[bl_pkg::ReadActivations]),
    .act_ready_o   (read_ready[bl_pkg::ReadActivations]),
    .act_data_i    (activations_data),
    .result_valid_o(result_valid),
    .result_ready_i(result_ready),
    .result_data_o (result_data),
    .result_nan_o  (result_nan),
    .result_token_o(result_token),
    .cause_o       (cause)
  );

endmodule
