// SPDX-License-Identifier: Apache-2.0
// Rules of AXI4 and AXI4-Lite, one module per port: bl_axi_read_checker, bl_axi_write_checker and
// bl_axi_lite_checker. They watch both sides. Each rule is an assertion; its sentence begins with
// the section of the AMBA AXI protocol specification (issue E) that it follows from. bl_axi_bind.sv
// binds them to bl_top in every simulation; a unit's test may bind them to the unit.
//
// They run in every cycle of every simulation, so a channel that is idle costs two comparisons, and
// wide data is looked at only while it waits. State is assigned in the order of use (blocking): a
// wide register that is assigned otherwise is copied in every cycle by Verilator.

// A rule, within a clocked process.
`define BL_AXI_RULE(name, expr, sentence) \
  name : assert (expr) else $error("%m: %s", sentence);

// What holds on every channel: ch``Reset, ch``Held, ch``Stable. A register with synchronous reset
// can be high until the first edge in reset; from the second one on, and in the cycle after the
// last one, it is low.
`define BL_AXI_CHANNEL(ch, valid, ready, payload) \
  logic ch``_pending; \
  logic [$bits(payload)-1:0] ch``_payload; \
  always_ff @(posedge clk_i) begin \
    if (was_reset) begin \
      `BL_AXI_RULE(ch``Reset, !(valid), "A3.1.2: valid is high in reset or in the cycle after it") \
    end \
    if (ch``_pending && rst_ni) begin \
      `BL_AXI_RULE(ch``Held, valid, "A3.2.1: valid falls before ready") \
      `BL_AXI_RULE(ch``Stable, !(valid) || (payload) == ch``_payload, \
                   "A3.2.1: what is offered changes before ready") \
    end else if ((valid) && !(ready)) begin \
      ch``_payload = payload; \
    end \
    ch``_pending = rst_ni && (valid) && !(ready); \
  end

// What an address channel may ask for: ch``Id, ch``Burst, ch``Size, ch``Page, ch``Length.
`define BL_AXI_ADDRESS(ch, valid, id, address, length, size, burst) \
  always_ff @(posedge clk_i) begin \
    if (rst_ni && (valid)) begin \
      `BL_AXI_RULE(ch``Id, 32'(id) < Ids, "A5.2: an ID that nothing here uses") \
      `BL_AXI_RULE(ch``Burst, (burst) == 2'b01, "A3.4.1: a burst type other than INCR") \
      `BL_AXI_RULE(ch``Size, BeatW / 8 >> (size) != 0, "A3.4.1: beats wider than the bus") \
      `BL_AXI_RULE(ch``Page, \
                   (32'((address) & 64'd4095) >> (size) << (size)) + \
                       ((32'(length) + 32'd1) << (size)) <= 32'd4096, \
                   "A3.4.1: a burst crosses a 4 KiB boundary") \
      `BL_AXI_RULE(ch``Length, 32'(length) < MaxBeats, "A3.4.1: a longer burst than agreed") \
    end \
  end

/* verilator lint_off BLKSEQ */
/* verilator lint_off DECLFILENAME */  // one file for whoever binds them

// AXI4 reads.
module bl_axi_read_checker #(
  parameter int unsigned BeatW,
  parameter int unsigned Ids      = 16,   // IDs in use are 0 .. Ids - 1
  parameter int unsigned Depth    = 256,  // bursts of an ID that may be under way; a power of two
  parameter int unsigned MaxBeats = 256
) (
  input logic             clk_i,
  input logic             rst_ni,

  input logic [3:0]       arid_i,
  input logic [63:0]      araddr_i,
  input logic [7:0]       arlen_i,
  input logic [2:0]       arsize_i,
  input logic [1:0]       arburst_i,
  input logic             arvalid_i,
  input logic             arready_i,
  input logic [3:0]       rid_i,
  input logic [BeatW-1:0] rdata_i,
  input logic [1:0]       rresp_i,
  input logic             rlast_i,
  input logic             rvalid_i,
  input logic             rready_i
);

  logic was_reset = 1'b0;
  always_ff @(posedge clk_i) was_reset <= !rst_ni;

  `BL_AXI_CHANNEL(Ar, arvalid_i, arready_i, {arid_i, araddr_i, arlen_i, arsize_i, arburst_i})
  `BL_AXI_CHANNEL(R, rvalid_i, rready_i, {rid_i, rlast_i, rresp_i, rdata_i})
  `BL_AXI_ADDRESS(Ar, arvalid_i, arid_i, araddr_i, arlen_i, arsize_i, arburst_i)

  // Per ID: lengths of the bursts under way, numbered from reset, and the beats of the oldest one.
  localparam int unsigned IdW = Ids > 1 ? $clog2(Ids) : 1;
  localparam int unsigned DepthW = $clog2(Depth);
  localparam int unsigned PlaceW = $clog2(Ids * Depth);
  logic [7:0]        lengths [Ids*Depth];
  logic [31:0]       asked [Ids];
  logic [31:0]       answered [Ids];
  logic [8:0]        beats [Ids];

  logic [IdW-1:0]    ar, r;
  logic [PlaceW-1:0] newest, oldest;

  // Answers before addresses: a beat belongs to an address of an earlier edge.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int unsigned i = 0; i < Ids; i++) begin
        asked[i]    = '0;
        answered[i] = '0;
        beats[i]    = '0;
      end
    end else begin
      if (rvalid_i) begin
        r      = rid_i[IdW-1:0];
        oldest = PlaceW'(Depth * 32'(r) + 32'(answered[r][DepthW-1:0]));
        `BL_AXI_RULE(RAsked, 32'(rid_i) < Ids && asked[r] != answered[r],
                     "A3.3.1: data that no address has asked for")
        `BL_AXI_RULE(RLast, asked[r] == answered[r] ||
                     rlast_i == (beats[r] == {1'b0, lengths[oldest]}),
                     "A3.4.1: RLAST is not on the last beat of the oldest burst of its ID")
        `BL_AXI_RULE(RExokay, rresp_i != 2'b01, "A7.2.4: EXOKAY without an exclusive access")
        if (rready_i && asked[r] != answered[r]) begin
          beats[r] = rlast_i ? '0 : beats[r] + 9'd1;
          if (rlast_i) answered[r] = answered[r] + 32'd1;
        end
      end
      if (arvalid_i && arready_i) begin
        ar     = arid_i[IdW-1:0];
        newest = PlaceW'(Depth * 32'(ar) + 32'(asked[ar][DepthW-1:0]));
        `BL_AXI_RULE(ArRoom, asked[ar] - answered[ar] != Depth,
                     "more bursts of an ID are under way than are followed here")
        lengths[newest] = arlen_i;
        asked[ar] = asked[ar] + 32'd1;
      end
    end
  end

endmodule

// AXI4 writes. Data may come before its address.
module bl_axi_write_checker #(
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
  input logic               awvalid_i,
  input logic               awready_i,
  input logic [BeatW-1:0]   wdata_i,
  input logic [BeatW/8-1:0] wstrb_i,
  input logic               wlast_i,
  input logic               wvalid_i,
  input logic               wready_i,
  input logic [3:0]         bid_i,
  input logic [1:0]         bresp_i,
  input logic               bvalid_i,
  input logic               bready_i
);

  logic was_reset = 1'b0;
  always_ff @(posedge clk_i) was_reset <= !rst_ni;

  `BL_AXI_CHANNEL(Aw, awvalid_i, awready_i, {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i})
  `BL_AXI_CHANNEL(W, wvalid_i, wready_i, {wlast_i, wstrb_i, wdata_i})
  `BL_AXI_CHANNEL(B, bvalid_i, bready_i, {bid_i, bresp_i})
  `BL_AXI_ADDRESS(Aw, awvalid_i, awid_i, awaddr_i, awlen_i, awsize_i, awburst_i)

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

/* verilator lint_on BLKSEQ */

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
