// SPDX-License-Identifier: Apache-2.0
// The AXI checkers with nothing between them and the test: it plays both sides of every port. Reads
// have two channels of 64 bits; IDs are 0 and 1, bursts have at most 8 beats.

module axi_checker_harness (
  input logic         clk_i,
  input logic         rst_ni,

  input logic [7:0]   arid_i,
  input logic [127:0] araddr_i,
  input logic [15:0]  arlen_i,
  input logic [5:0]   arsize_i,
  input logic [3:0]   arburst_i,
  input logic [1:0]   arvalid_i,
  input logic [1:0]   arready_i,
  input logic [7:0]   rid_i,
  input logic [127:0] rdata_i,
  input logic [3:0]   rresp_i,
  input logic [1:0]   rlast_i,
  input logic [1:0]   rvalid_i,
  input logic [1:0]   rready_i,

  input logic [3:0]   awid_i,
  input logic [63:0]  awaddr_i,
  input logic [7:0]   awlen_i,
  input logic [2:0]   awsize_i,
  input logic [1:0]   awburst_i,
  input logic         awvalid_i,
  input logic         awready_i,
  input logic [63:0]  wdata_i,
  input logic [7:0]   wstrb_i,
  input logic         wlast_i,
  input logic         wvalid_i,
  input logic         wready_i,
  input logic [3:0]   bid_i,
  input logic [1:0]   bresp_i,
  input logic         bvalid_i,
  input logic         bready_i,

  input logic [11:0]  lite_awaddr_i,
  input logic         lite_awvalid_i,
  input logic         lite_awready_i,
  input logic [31:0]  lite_wdata_i,
  input logic [3:0]   lite_wstrb_i,
  input logic         lite_wvalid_i,
  input logic         lite_wready_i,
  input logic [1:0]   lite_bresp_i,
  input logic         lite_bvalid_i,
  input logic         lite_bready_i,
  input logic [11:0]  lite_araddr_i,
  input logic         lite_arvalid_i,
  input logic         lite_arready_i,
  input logic [31:0]  lite_rdata_i,
  input logic [1:0]   lite_rresp_i,
  input logic         lite_rvalid_i,
  input logic         lite_rready_i
);

  localparam int unsigned BeatW    = 64;
  localparam int unsigned Ids      = 2;
  localparam int unsigned Depth    = 4;
  localparam int unsigned MaxBeats = 8;

  bl_axi_read_checker #(
    .Channels(2),
    .BeatW   (BeatW),
    .Ids     (Ids),
    .Depth   (Depth),
    .MaxBeats(MaxBeats)
  ) u_read (
    .*
  );

  bl_axi_write_checker #(
    .BeatW   (BeatW),
    .Ids     (Ids),
    .Depth   (Depth),
    .MaxBeats(MaxBeats)
  ) u_write (
    .*
  );

  bl_axi_lite_checker #(
    .AddressW(12)
  ) u_lite (
    .clk_i,
    .rst_ni,
    .awaddr_i (lite_awaddr_i),
    .awvalid_i(lite_awvalid_i),
    .awready_i(lite_awready_i),
    .wdata_i  (lite_wdata_i),
    .wstrb_i  (lite_wstrb_i),
    .wvalid_i (lite_wvalid_i),
    .wready_i (lite_wready_i),
    .bresp_i  (lite_bresp_i),
    .bvalid_i (lite_bvalid_i),
    .bready_i (lite_bready_i),
    .araddr_i (lite_araddr_i),
    .arvalid_i(lite_arvalid_i),
    .arready_i(lite_arready_i),
    .rdata_i  (lite_rdata_i),
    .rresp_i  (lite_rresp_i),
    .rvalid_i (lite_rvalid_i),
    .rready_i (lite_rready_i)
  );

endmodule
