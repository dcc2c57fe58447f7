// SPDX-License-Identifier: Apache-2.0
// Rules of AXI4 and AXI4-Lite as assertions: bl_axi_read_checker (any number of channels side by
// side), bl_axi_write_checker, bl_axi_lite_checker. They watch both sides of a port. The sentence of
// a rule begins with the section of the AMBA AXI protocol specification (issue E) that it follows
// from. bl_axi_bind.sv binds them to bl_top in every simulation; a unit's test may bind them to the
// unit.
//
// They run in every cycle of every simulation, with up to 32 channels at full rate. So they are
// written for Verilator: conditions of all channels together are vectors; the channels are a loop,
// which stays one in the generated code; the rules of an address or a beat have one branch before
// them; wide data is looked at only while it waits; and state is assigned in the order of use
// (blocking), because a register that is assigned otherwise is copied in every cycle.

/* verilator lint_off BLKSEQ */
/* verilator lint_off DECLFILENAME */  // one file, for whoever binds them

// A rule, within a clocked process.
`define BL_AXI_RULE(name, expr, sentence) \
  name : assert (expr) else $error("%m: %s", sentence);
// The same about one of several channels, c.
`define BL_AXI_CHANNEL_RULE(name, expr, sentence) \
  name : assert (expr) else $error("%m: channel %0d: %s", c, sentence);

// What holds for every valid and ready, as vectors over channels: ch``Reset and ch``Held; in a
// loop over the channels that wait, ch``Stable. A register with a synchronous reset can be high
// until the first edge in reset; from the second one on, and in the cycle after the last one, it is
// low. `payload` may use the loop's c.
`define BL_AXI_HANDSHAKE(ch, channels, valid, ready, width, payload) \
  logic [channels-1:0] ch``_waits; \
  logic [width-1:0]    ch``_payload [channels]; \
  always_ff @(posedge clk_i) begin \
    if (was_reset) begin \
      `BL_AXI_RULE(ch``Reset, valid == '0, "A3.1.2: valid is high in reset or in the cycle after it") \
    end \
    if (!rst_ni) begin \
      ch``_waits = '0; \
    end else begin \
      if (ch``_waits != '0) begin \
        `BL_AXI_RULE(ch``Held, (ch``_waits & ~valid) == '0, "A3.2.1: valid falls before ready") \
        for (int unsigned c = 0; c < channels; c++) begin \
          if (ch``_waits[c] && valid[c]) begin \
            `BL_AXI_CHANNEL_RULE(ch``Stable, ch``_payload[c] == payload, \
                                 "A3.2.1: what is offered changes before ready") \
          end \
        end \
      end \
      if ((valid & ~ready) != '0) begin \
        for (int unsigned c = 0; c < channels; c++) begin \
          if (valid[c] && !ready[c]) ch``_payload[c] = payload; \
        end \
      end \
      ch``_waits = valid & ~ready; \
    end \
  end

// What an address channel may ask for: ch``Id, ch``Burst, ch``Size, ch``Page, ch``Length; within a
// clocked process, about channel c. `address` is the one within a page.
`define BL_AXI_ADDRESS(ch, id, address, length, size, burst) \
  if (32'(id) >= Ids || burst != 2'b01 || size > FullSize || 32'(length) >= MaxBeats || \
      end_of(address, length, size) > 32'd4096) begin \
    `BL_AXI_CHANNEL_RULE(ch``Id, 32'(id) < Ids, "A5.2: an ID that nothing here uses") \
    `BL_AXI_CHANNEL_RULE(ch``Burst, burst == 2'b01, "A3.4.1: a burst type other than INCR") \
    `BL_AXI_CHANNEL_RULE(ch``Size, size <= FullSize, "A3.4.1: beats wider than the bus") \
    `BL_AXI_CHANNEL_RULE(ch``Length, 32'(length) < MaxBeats, "A3.4.1: a burst longer than agreed") \
    `BL_AXI_CHANNEL_RULE(ch``Page, end_of(address, length, size) <= 32'd4096, \
                         "A3.4.1: a burst crosses a 4 KiB boundary") \
  end

package bl_axi_checker_pkg;
  // The end of a burst, from the start of the page that it begins in.
  function automatic logic [31:0] end_of(logic [11:0] address, logic [7:0] length,
                                         logic [2:0] size);
    end_of = (32'(address) >> size << size) + ((32'(length) + 32'd1) << size);
  endfunction
endpackage

// AXI4 reads.
module bl_axi_read_checker
  import bl_axi_checker_pkg::end_of;
#(
  parameter int unsigned Channels = 1,    // channel c of a port lies at [c*W +: W]
  parameter int unsigned BeatW,
  parameter int unsigned Ids      = 16,   // IDs in use are 0 .. Ids - 1
  parameter int unsigned Depth    = 256,  // bursts of an ID that may be under way; a power of two
  parameter int unsigned MaxBeats = 256
) (
  input logic                      clk_i,
  input logic                      rst_ni,

  input logic [Channels*4-1:0]     arid_i,
  input logic [Channels*64-1:0]    araddr_i,
  input logic [Channels*8-1:0]     arlen_i,
  input logic [Channels*3-1:0]     arsize_i,
  input logic [Channels*2-1:0]     arburst_i,
  input logic [Channels-1:0]       arvalid_i,
  input logic [Channels-1:0]       arready_i,
  input logic [Channels*4-1:0]     rid_i,
  input logic [Channels*BeatW-1:0] rdata_i,
  input logic [Channels*2-1:0]     rresp_i,
  input logic [Channels-1:0]       rlast_i,
  input logic [Channels-1:0]       rvalid_i,
  input logic [Channels-1:0]       rready_i
);

  localparam logic [2:0] FullSize = 3'($clog2(BeatW / 8));

  logic was_reset = 1'b0;
  always_ff @(posedge clk_i) was_reset <= !rst_ni;

  `BL_AXI_HANDSHAKE(Ar, Channels, arvalid_i, arready_i, 81,
                    {arid_i[c*4 +: 4], araddr_i[c*64 +: 64], arlen_i[c*8 +: 8],
                     arsize_i[c*3 +: 3], arburst_i[c*2 +: 2]})
  `BL_AXI_HANDSHAKE(R, Channels, rvalid_i, rready_i, BeatW + 7,
                    {rid_i[c*4 +: 4], rlast_i[c], rresp_i[c*2 +: 2], rdata_i[c*BeatW +: BeatW]})

  // Per channel and ID (a flow): lengths of the bursts under way, numbered from reset, and the beats
  // of the oldest one.
  localparam int unsigned Flows  = Channels * Ids;
  localparam int unsigned FlowW  = Flows > 1 ? $clog2(Flows) : 1;
  localparam int unsigned DepthW = $clog2(Depth);
  logic [7:0]  lengths [Flows*Depth];
  logic [31:0] asked [Flows];
  logic [31:0] answered [Flows];
  logic [8:0]  beats [Flows];

  function automatic logic [$clog2(Flows*Depth)-1:0] place(logic [FlowW-1:0] flow,
                                                           logic [DepthW-1:0] number);
    place = ($clog2(Flows*Depth))'(32'(flow) * Depth + 32'(number));
  endfunction

  // Answers before addresses: a beat belongs to an address of an earlier edge.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int unsigned i = 0; i < Flows; i++) begin
        asked[i]    = '0;
        answered[i] = '0;
        beats[i]    = '0;
      end
    end else begin
      for (int unsigned c = 0; c < Channels; c++) begin
        if (rvalid_i[c]) begin
          automatic logic [3:0]       id       = rid_i[c*4 +: 4];
          automatic logic [FlowW-1:0] flow     = FlowW'(c * Ids + 32'(id) % Ids);
          automatic logic             is_asked = 32'(id) < Ids && asked[flow] != answered[flow];
          automatic logic             is_last  =
              beats[flow] == {1'b0, lengths[place(flow, answered[flow][DepthW-1:0])]};
          if (!is_asked || rlast_i[c] != is_last || rresp_i[c*2 +: 2] == 2'b01) begin
            `BL_AXI_CHANNEL_RULE(RAsked, is_asked, "A3.3.1: data that no address has asked for")
            `BL_AXI_CHANNEL_RULE(RLast, !is_asked || rlast_i[c] == is_last,
                                 "A3.4.1: RLAST is not on the last beat of the ID's oldest burst")
            `BL_AXI_CHANNEL_RULE(RExokay, rresp_i[c*2 +: 2] != 2'b01,
                                 "A7.2.4: EXOKAY without an exclusive access")
          end
          if (rready_i[c] && is_asked) begin
            beats[flow] = rlast_i[c] ? '0 : beats[flow] + 9'd1;
            if (rlast_i[c]) answered[flow] = answered[flow] + 32'd1;
          end
        end
        if (arvalid_i[c]) begin
          automatic logic [3:0]       id   = arid_i[c*4 +: 4];
          automatic logic [FlowW-1:0] flow = FlowW'(c * Ids + 32'(id) % Ids);
          automatic logic [11:0]      address = araddr_i[c*64 +: 12];
          `BL_AXI_ADDRESS(Ar, id, address, arlen_i[c*8 +: 8], arsize_i[c*3 +: 3],
                          arburst_i[c*2 +: 2])
          if (arready_i[c]) begin
            `BL_AXI_CHANNEL_RULE(ArRoom, asked[flow] - answered[flow] != Depth,
                                 "more bursts of an ID are under way than are followed here")
            lengths[place(flow, asked[flow][DepthW-1:0])] = arlen_i[c*8 +: 8];
            asked[flow] = asked[flow] + 32'd1;
          end
        end
      end
    end
  end

endmodule

// AXI4 writes. Data may come before its address.
module bl_axi_write_checker
  import bl_axi_checker_pkg::end_of;
#(
  parameter int unsigned BeatW,
  parameter int unsigned Ids      = 16,  // IDs in use are 0 .. Ids - 1
  parameter int unsigned Depth    = 64,  // addresses without their data, or the other way round
  parameter int unsigned MaxBeats = 256
) (
  input logic               clk_i,
  input logic               rst_ni,

  input logic [3:0]         awid_i,
  input logic [63:0]        awaddr_i,
  input logic [7:0]         awlen_i,
  input logic [2:0]         awsize_i,
  input logic [1:0]         awburst_i,
  input logic [0:0]         awvalid_i,
  input logic [0:0]         awready_i,
  input logic [BeatW-1:0]   wdata_i,
  input logic [BeatW/8-1:0] wstrb_i,
  input logic               wlast_i,
  input logic [0:0]         wvalid_i,
  input logic [0:0]         wready_i,
  input logic [3:0]         bid_i,
  input logic [1:0]         bresp_i,
  input logic [0:0]         bvalid_i,
  input logic [0:0]         bready_i
);

  logic was_reset = 1'b0;
  always_ff @(posedge clk_i) was_reset <= !rst_ni;

  `BL_AXI_HANDSHAKE(Aw, 1, awvalid_i, awready_i, 81,
                    {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i})
  `BL_AXI_HANDSHAKE(W, 1, wvalid_i, wready_i, BeatW + BeatW / 8 + 1, {wlast_i, wstrb_i, wdata_i})
  `BL_AXI_HANDSHAKE(B, 1, bvalid_i, bready_i, 6, {bid_i, bresp_i})

  localparam int unsigned Bytes    = BeatW / 8;
  localparam int unsigned OffsetW  = Bytes > 1 ? $clog2(Bytes) : 1;
  localparam logic [2:0]  FullSize = 3'($clog2(Bytes));
  localparam int unsigned IdW      = Ids > 1 ? $clog2(Ids) : 1;
  localparam int unsigned DepthW   = $clog2(Depth);

  // Bursts in their order, in which data and addresses come alike. Of those that have only one of
  // the two: what is known. Of those that have both: how many responses are owed per ID.
  logic [7:0]         lengths [Depth];
  logic [OffsetW-1:0] offsets [Depth];  // of the first byte in a beat
  logic [2:0]         sizes [Depth];
  logic [IdW-1:0]     ids [Depth];
  logic [31:0]        addressed, finished;  // bursts from reset
  logic [8:0]         beats;                // of the burst that is not finished
  logic [31:0]        owed [Ids];

  // The bytes that a beat of a burst may write: those of its place on the bus, from the burst's
  // first one on.
  function automatic logic [Bytes-1:0] lanes(logic [OffsetW-1:0] offset, logic [2:0] size,
                                             logic [8:0] beat);
    logic [31:0] first;
    first = (32'(offset) >> size << size) + (32'(beat) << size);
    lanes = ~({Bytes{1'b1}} << (32'd1 << size)) << (first % Bytes);
    if (beat == '0) lanes = lanes & ({Bytes{1'b1}} << offset);
  endfunction

  logic [IdW-1:0]    b, aw;
  logic [DepthW-1:0] next_address, next_data;
  logic              address_known;

  // Responses first: they answer what was complete at an earlier edge.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      addressed = '0;
      finished  = '0;
      beats     = '0;
      for (int unsigned i = 0; i < Ids; i++) owed[i] = '0;
    end else begin
      if (bvalid_i) begin
        b = bid_i[IdW-1:0];
        `BL_AXI_RULE(BAsked, 32'(bid_i) < Ids && owed[b] != '0,
                     "A3.3.1: a response before the address and the last beat of its write")
        `BL_AXI_RULE(BExokay, bresp_i != 2'b01, "A7.2.4: EXOKAY without an exclusive access")
        if (bready_i && owed[b] != '0) owed[b] = owed[b] - 32'd1;
      end
      if (awvalid_i) begin
        automatic int unsigned c = 0;
        `BL_AXI_ADDRESS(Aw, awid_i, awaddr_i[11:0], awlen_i, awsize_i, awburst_i)
      end
      if (awvalid_i && awready_i) begin
        aw           = awid_i[IdW-1:0];
        next_address = addressed[DepthW-1:0];
        `BL_AXI_RULE(AwRoom, addressed - finished != Depth,
                     "more addresses wait for their data than are followed here")
        `BL_AXI_RULE(WBefore, $signed(finished - addressed) > 0
                     ? lengths[next_address] == awlen_i
                     : finished != addressed || beats <= {1'b0, awlen_i},
                     "A3.4.1: not as many beats as the address that follows them announces")
        if ($signed(finished - addressed) > 0) owed[aw] = owed[aw] + 32'd1;
        lengths[next_address] = awlen_i;
        offsets[next_address] = awaddr_i[OffsetW-1:0];
        sizes[next_address]   = awsize_i;
        ids[next_address]     = aw;
        addressed = addressed + 32'd1;
      end
      if (wvalid_i) begin
        next_data     = finished[DepthW-1:0];
        address_known = $signed(addressed - finished) > 0;
        if (address_known) begin
          `BL_AXI_RULE(WLast, wlast_i == (beats == {1'b0, lengths[next_data]}),
                       "A3.4.1: WLAST is not on the last beat of its burst")
          if (sizes[next_data] != FullSize || offsets[next_data] != '0) begin
            `BL_AXI_RULE(WStrobes,
                         (wstrb_i & ~lanes(offsets[next_data], sizes[next_data], beats)) == '0,
                         "A3.4.3: a strobe outside the bytes of its beat")
          end
        end
        if (wready_i) begin
          `BL_AXI_RULE(WRoom, finished - addressed != Depth,
                       "more data waits for its address than is followed here")
          beats = beats + 9'd1;
          if (wlast_i) begin
            if (address_known) owed[ids[next_data]] = owed[ids[next_data]] + 32'd1;
            else lengths[next_data] = 8'(beats - 9'd1);
            beats    = '0;
            finished = finished + 32'd1;
          end
        end
      end
    end
  end

endmodule

// AXI4-Lite of 32 bits: AXI4 whose bursts are one full beat each (B1.1).
module bl_axi_lite_checker #(
  parameter int unsigned AddressW
) (
  input logic                clk_i,
  input logic                rst_ni,

  input logic [AddressW-1:0] awaddr_i,
  input logic                awvalid_i,
  input logic                awready_i,
  input logic [31:0]         wdata_i,
  input logic [3:0]          wstrb_i,
  input logic                wvalid_i,
  input logic                wready_i,
  input logic [1:0]          bresp_i,
  input logic                bvalid_i,
  input logic                bready_i,
  input logic [AddressW-1:0] araddr_i,
  input logic                arvalid_i,
  input logic                arready_i,
  input logic [31:0]         rdata_i,
  input logic [1:0]          rresp_i,
  input logic                rvalid_i,
  input logic                rready_i
);

  localparam logic [2:0] Size = 3'd2;
  localparam logic [1:0] Incr = 2'b01;

  bl_axi_write_checker #(
    .BeatW(32),
    .Ids  (1),
    .Depth(16)
  ) u_write (
    .clk_i,
    .rst_ni,
    .awid_i   ('0),
    .awaddr_i (64'(awaddr_i)),
    .awlen_i  ('0),
    .awsize_i (Size),
    .awburst_i(Incr),
    .awvalid_i,
    .awready_i,
    .wdata_i,
    .wstrb_i,
    .wlast_i  (1'b1),
    .wvalid_i,
    .wready_i,
    .bid_i    ('0),
    .bresp_i,
    .bvalid_i,
    .bready_i
  );

  bl_axi_read_checker #(
    .BeatW(32),
    .Ids  (1),
    .Depth(16)
  ) u_read (
    .clk_i,
    .rst_ni,
    .arid_i   ('0),
    .araddr_i (64'(araddr_i)),
    .arlen_i  ('0),
    .arsize_i (Size),
    .arburst_i(Incr),
    .arvalid_i,
    .arready_i,
    .rid_i    ('0),
    .rdata_i,
    .rresp_i,
    .rlast_i  (1'b1),
    .rvalid_i,
    .rready_i
  );

endmodule
