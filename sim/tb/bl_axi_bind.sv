// SPDX-License-Identifier: Apache-2.0
// The checkers of bl_axi_checker.sv on every port of bl_top, with what the machine promises beyond
// AXI: its IDs are its streams, and no burst is longer than configured or than a descriptor.

module bl_axi_bind #(
  localparam int unsigned Channels = bl_cfg_pkg::ReadChannels,
  localparam int unsigned BeatW    = bl_cfg_pkg::ChannelBits
) (
  input logic                      clk_i,
  input logic                      rst_ni,

  input logic [11:0]               ctl_awaddr_i,
  input logic                      ctl_awvalid_i,
  input logic                      ctl_awready_o,
  input logic [31:0]               ctl_wdata_i,
  input logic [3:0]                ctl_wstrb_i,
  input logic                      ctl_wvalid_i,
  input logic                      ctl_wready_o,
  input logic [1:0]                ctl_bresp_o,
  input logic                      ctl_bvalid_o,
  input logic                      ctl_bready_i,
  input logic [11:0]               ctl_araddr_i,
  input logic                      ctl_arvalid_i,
  input logic                      ctl_arready_o,
  input logic [31:0]               ctl_rdata_o,
  input logic [1:0]                ctl_rresp_o,
  input logic                      ctl_rvalid_o,
  input logic                      ctl_rready_i,

  input logic [Channels*4-1:0]     mem_arid_o,
  input logic [Channels*64-1:0]    mem_araddr_o,
  input logic [Channels*8-1:0]     mem_arlen_o,
  input logic [Channels*3-1:0]     mem_arsize_o,
  input logic [Channels*2-1:0]     mem_arburst_o,
  input logic [Channels-1:0]       mem_arvalid_o,
  input logic [Channels-1:0]       mem_arready_i,
  input logic [Channels*4-1:0]     mem_rid_i,
  input logic [Channels*BeatW-1:0] mem_rdata_i,
  input logic [Channels*2-1:0]     mem_rresp_i,
  input logic [Channels-1:0]       mem_rlast_i,
  input logic [Channels-1:0]       mem_rvalid_i,
  input logic [Channels-1:0]       mem_rready_o,

  input logic [3:0]                mem_awid_o,
  input logic [63:0]               mem_awaddr_o,
  input logic [7:0]                mem_awlen_o,
  input logic [2:0]                mem_awsize_o,
  input logic [1:0]                mem_awburst_o,
  input logic                      mem_awvalid_o,
  input logic                      mem_awready_i,
  input logic [BeatW-1:0]          mem_wdata_o,
  input logic [BeatW/8-1:0]        mem_wstrb_o,
  input logic                      mem_wlast_o,
  input logic                      mem_wvalid_o,
  input logic                      mem_wready_i,
  input logic [3:0]                mem_bid_i,
  input logic [1:0]                mem_bresp_i,
  input logic                      mem_bvalid_i,
  input logic                      mem_bready_o
);

  localparam int unsigned ReadIds     = 4;
  localparam int unsigned WriteIds    = 2;
  localparam int unsigned RecordBeats = 512 > BeatW ? 512 / BeatW : 1;
  localparam int unsigned MaxBeats    =
      bl_cfg_pkg::BurstBeats > RecordBeats ? bl_cfg_pkg::BurstBeats : RecordBeats;
  // No stream has more bursts under way than its buffer has beats.
  localparam int unsigned MaxBuffer   =
      bl_cfg_pkg::WeightBufferBeats > bl_cfg_pkg::ScaleBufferBeats ? bl_cfg_pkg::WeightBufferBeats
                                                                   : bl_cfg_pkg::ScaleBufferBeats;
  localparam int unsigned Depth       = MaxBuffer > 256 ? MaxBuffer : 256;

  bl_axi_lite_checker #(
    .AddressW(12)
  ) u_control (
    .clk_i,
    .rst_ni,
    .awaddr_i (ctl_awaddr_i),
    .awvalid_i(ctl_awvalid_i),
    .awready_i(ctl_awready_o),
    .wdata_i  (ctl_wdata_i),
    .wstrb_i  (ctl_wstrb_i),
    .wvalid_i (ctl_wvalid_i),
    .wready_i (ctl_wready_o),
    .bresp_i  (ctl_bresp_o),
    .bvalid_i (ctl_bvalid_o),
    .bready_i (ctl_bready_i),
    .araddr_i (ctl_araddr_i),
    .arvalid_i(ctl_arvalid_i),
    .arready_i(ctl_arready_o),
    .rdata_i  (ctl_rdata_o),
    .rresp_i  (ctl_rresp_o),
    .rvalid_i (ctl_rvalid_o),
    .rready_i (ctl_rready_i)
  );

  bl_axi_write_checker #(
    .BeatW   (BeatW),
    .Ids     (WriteIds),
    .MaxBeats(MaxBeats)
  ) u_write (
    .clk_i,
    .rst_ni,
    .awid_i   (mem_awid_o),
    .awaddr_i (mem_awaddr_o),
    .awlen_i  (mem_awlen_o),
    .awsize_i (mem_awsize_o),
    .awburst_i(mem_awburst_o),
    .awvalid_i(mem_awvalid_o),
    .awready_i(mem_awready_i),
    .wdata_i  (mem_wdata_o),
    .wstrb_i  (mem_wstrb_o),
    .wlast_i  (mem_wlast_o),
    .wvalid_i (mem_wvalid_o),
    .wready_i (mem_wready_i),
    .bid_i    (mem_bid_i),
    .bresp_i  (mem_bresp_i),
    .bvalid_i (mem_bvalid_i),
    .bready_i (mem_bready_o)
  );

  bl_axi_read_checker #(
    .Channels(Channels),
    .BeatW   (BeatW),
    .Ids     (ReadIds),
    .Depth   (Depth),
    .MaxBeats(MaxBeats)
  ) u_read (
    .clk_i,
    .rst_ni,
    .arid_i   (mem_arid_o),
    .araddr_i (mem_araddr_o),
    .arlen_i  (mem_arlen_o),
    .arsize_i (mem_arsize_o),
    .arburst_i(mem_arburst_o),
    .arvalid_i(mem_arvalid_o),
    .arready_i(mem_arready_i),
    .rid_i    (mem_rid_i),
    .rdata_i  (mem_rdata_i),
    .rresp_i  (mem_rresp_i),
    .rlast_i  (mem_rlast_i),
    .rvalid_i (mem_rvalid_i),
    .rready_i (mem_rready_o)
  );

endmodule

bind bl_top bl_axi_bind u_axi_checker (.*);
