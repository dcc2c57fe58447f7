// SPDX-License-Identifier: Apache-2.0
// AXI4 rules that the accelerator keeps on its memory and control ports, bound to bl_top in every
// simulation. Rule numbers refer to nothing outside: each sentence is the rule (after AMBA AXI and
// ACE protocol specification, chapters A3.2 to A3.4).

`include "bl_assert.svh"

module bl_axi_checker #(
  parameter int unsigned BeatW = 64,
  parameter int unsigned Channels = 1
) (
  input logic             clk_i,
  input logic             rst_ni,

  input logic [Channels*4-1:0]  mem_arid_o,
  input logic [Channels*64-1:0] mem_araddr_o,
  input logic [Channels*8-1:0]  mem_arlen_o,
  input logic [Channels*3-1:0]  mem_arsize_o,
  input logic [Channels*2-1:0]  mem_arburst_o,
  input logic [Channels-1:0]    mem_arvalid_o,
  input logic [Channels-1:0]    mem_arready_i,
  input logic [Channels-1:0]    mem_rvalid_i,
  input logic [Channels-1:0]    mem_rready_o,

  input logic [3:0]       mem_awid_o,
  input logic [63:0]      mem_awaddr_o,
  input logic [7:0]       mem_awlen_o,
  input logic [2:0]       mem_awsize_o,
  input logic [1:0]       mem_awburst_o,
  input logic             mem_awvalid_o,
  input logic             mem_awready_i,
  input logic [BeatW-1:0] mem_wdata_o,
  input logic [BeatW/8-1:0] mem_wstrb_o,
  input logic             mem_wlast_o,
  input logic             mem_wvalid_o,
  input logic             mem_wready_i,

  input logic             ctl_bvalid_o,
  input logic             ctl_bready_i,
  input logic [1:0]       ctl_bresp_o,
  input logic             ctl_rvalid_o,
  input logic             ctl_rready_i,
  input logic [31:0]      ctl_rdata_o,
  input logic [1:0]       ctl_rresp_o
);

  localparam int unsigned BeatBytes = BeatW / 8;
  localparam logic [2:0]  FullSize  = 3'($clog2(BeatBytes));
  localparam logic [1:0]  Incr      = 2'd1;
  localparam logic [3:0]  LastReadId  = 4'd3;
  localparam logic [3:0]  LastWriteId = 4'd1;

  // Offset within the 4 KiB page plus the bytes of the burst.
  logic [15:0] aw_end;
  assign aw_end = 16'(mem_awaddr_o[11:0]) + (16'(mem_awlen_o) + 16'd1) * 16'(BeatBytes);

    `BL_ASSERT_STABLE(AwStable, mem_awvalid_o, mem_awready_i,
                    {mem_awid_o, mem_awaddr_o, mem_awlen_o, mem_awsize_o, mem_awburst_o})
  `BL_ASSERT_STABLE(WStable, mem_wvalid_o, mem_wready_i, {mem_wdata_o, mem_wstrb_o, mem_wlast_o})
  `BL_ASSERT_STABLE(CtlBStable, ctl_bvalid_o, ctl_bready_i, ctl_bresp_o)
  `BL_ASSERT_STABLE(CtlRStable, ctl_rvalid_o, ctl_rready_i, {ctl_rdata_o, ctl_rresp_o})

    `BL_ASSERT(AwPage, !mem_awvalid_o || aw_end <= 16'd4096, "a write burst crosses 4 KiB")
    `BL_ASSERT(AwForm, !mem_awvalid_o || (mem_awburst_o == Incr && mem_awsize_o == FullSize),
             "a write burst is not INCR of full-width beats")
    `BL_ASSERT(AwId, !mem_awvalid_o || mem_awid_o <= LastWriteId, "a write ID is no stream")

  for (genvar c = 0; c < Channels; c++) begin : gen_read
    logic [15:0] ar_end;
    assign ar_end = 16'(mem_araddr_o[c*64 +: 12]) +
                    (16'(mem_arlen_o[c*8 +: 8]) + 16'd1) * 16'(BeatBytes);
    `BL_ASSERT_STABLE(ArStable, mem_arvalid_o[c], mem_arready_i[c],
                      {mem_arid_o[c*4 +: 4], mem_araddr_o[c*64 +: 64], mem_arlen_o[c*8 +: 8], mem_arsize_o[c*3 +: 3], mem_arburst_o[c*2 +: 2]})
    `BL_ASSERT(ArPage, !mem_arvalid_o[c] || ar_end <= 16'd4096, "a read burst crosses 4 KiB")
    `BL_ASSERT(ArForm, !mem_arvalid_o[c] || (mem_arburst_o[c*2 +: 2] == Incr && mem_arsize_o[c*3 +: 3] == FullSize),
               "a read burst is not INCR of full-width beats")
    `BL_ASSERT(ArId, !mem_arvalid_o[c] || mem_arid_o[c*4 +: 4] <= LastReadId, "a read ID is no stream")
    `BL_ASSERT(RTaken, !mem_rvalid_i[c] || mem_rready_o[c], "a read beat found no reserved room")
  end

  // Addresses accepted and not yet answered by their last data beat; WLAST belongs on exactly the
  // beat that the address announced. The accelerator sends addresses before their data. Pointers
  // have a bit more than the queue needs, so that full and empty differ.
  localparam int unsigned Depth = 16;
  logic [7:0]  length_q [Depth];
  logic [4:0]  head_q, tail_q, open_count;
  logic [7:0]  beat_q;
  logic        w_fire, aw_fire, last_due;
  assign aw_fire = mem_awvalid_o && mem_awready_i;
  assign w_fire  = mem_wvalid_o && mem_wready_i;
  assign open_count = tail_q - head_q;
  assign last_due   = beat_q == length_q[head_q[3:0]];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q <= '0;
      tail_q <= '0;
      beat_q <= '0;
    end else begin
      if (aw_fire) begin
        length_q[tail_q[3:0]] <= mem_awlen_o;
        tail_q                <= tail_q + 5'd1;
      end
      if (w_fire) begin
        beat_q <= mem_wlast_o ? '0 : beat_q + 8'd1;
        if (mem_wlast_o) head_q <= head_q + 5'd1;
      end
    end
  end

  `BL_ASSERT(WAddressed, !w_fire || open_count != '0, "a write beat came before its address")
  `BL_ASSERT(AwRoom, !aw_fire || open_count != 5'(Depth), "more write addresses than are followed")
  `BL_ASSERT(WLastPlace, !w_fire || open_count == '0 || mem_wlast_o == last_due,
             "WLAST is not on the last beat of its burst")

endmodule

bind bl_top bl_axi_checker #(
  .BeatW   (bl_cfg_pkg::ChannelBits),
  .Channels(bl_cfg_pkg::ReadChannels)
) u_axi_checker (.*);
