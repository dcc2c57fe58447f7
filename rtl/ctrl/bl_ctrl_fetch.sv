// SPDX-License-Identifier: Apache-2.0
// Fetches descriptors, checks them and hands jobs to all units at once.
//
// Function:   while the ring is not empty, reads descriptors ahead, and one after the other checks
//             every field, works out tiles, blocks and the lengths of all streams, and dispatches
//             the job as soon as all units have room for it. A descriptor that fails a check, or
//             whose read had an error response, moves no data: it only gets a ticket, in order.
// Latency:    descriptor's last beat to its job: 5 cycles, 6 where it takes several beats.
// Throughput: one descriptor per 6 cycles, or per 512 / BeatW + 1 where that is more; one request
//             per 2 cycles, `Ahead` of them before the first is dispatched.
// Limits:     what a configuration supports is checked here and only here (docs/descriptor.md).
//             An error of a descriptor's read is reported at most 3 cycles after its last beat,
//             and only for the four descriptors that are next.

`include "bl_assert.svh"

module bl_ctrl_fetch #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned MaxBits,
  parameter int unsigned MaxCodebookBits,
  parameter int unsigned MaxK,
  parameter int unsigned MaxM,
  parameter int unsigned Tokens,
  parameter int unsigned BeatW,
  parameter int unsigned LineW,
  parameter logic        Exact,  // 0: a narrow accumulator
  localparam int unsigned TagW = bl_pkg::TagW
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               enable_i,
  input  logic [63:0]        ring_base_i,
  input  logic [15:0]        ring_mask_i,
  input  logic [31:0]        doorbell_i,

  // The descriptor stream of bl_dma.
  output logic               request_valid_o,
  input  logic               request_ready_i,
  output bl_pkg::read_job_t  request_job_o,
  input  logic               beat_valid_i,
  output logic               beat_ready_o,
  input  logic [BeatW-1:0]   beat_data_i,
  input  logic               error_i,            // pulse
  input  logic [TagW-1:0]    error_tag_i,
  input  logic [63:0]        error_address_i,

  // A job stays until all units take it, in the same cycle.
  output logic               job_valid_o,
  input  logic               job_ready_i,
  output bl_pkg::job_t       job_o,
  output bl_pkg::read_job_t  weights_job_o,
  output bl_pkg::read_job_t  scales_job_o,
  output bl_pkg::read_job_t  activations_job_o,
  output bl_pkg::write_job_t outputs_job_o,

  // To the completer, in order, with the job or without one.
  input  logic               room_i,             // one more descriptor may be under way
  output logic [31:0]        index_o,            // of the next ticket
  output logic               ticket_o,           // pulse
  output logic [7:0]         ticket_status_o,
  output logic               ticket_interrupt_o,
  output logic               ticket_fault_o,     // the descriptor's own read failed, ...
  output logic [63:0]        ticket_fault_address_o  // ... here
);

  // Shifts: all of these are powers of two, and a plane word is whole lines.
  localparam int unsigned RowShift = $clog2(Rows);
  localparam int unsigned ColumnShift = $clog2(Columns);
  localparam int unsigned MinGroupShift = $clog2(bl_pkg::MinGroup);
  localparam int unsigned WordLineShift = $clog2(Rows * Columns / LineW);

  // A slice of activations and a pair of vectors of scales: lines in one, or of them in a line.
  localparam int unsigned SliceBits = Columns * 16;
  localparam int unsigned SliceLines = SliceBits > LineW ? SliceBits / LineW : 1;
  localparam int unsigned LineSlices = SliceBits > LineW ? 1 : LineW / SliceBits;
  localparam int unsigned PairBits = 2 * Rows * 16;
  localparam int unsigned PairLines = PairBits > LineW ? PairBits / LineW : 1;
  localparam int unsigned LinePairs = PairBits > LineW ? 1 : LineW / PairBits;

  localparam int unsigned MaxTiles = (MaxM + Rows - 1) / Rows;
  localparam int unsigned TileW = $clog2(MaxTiles + 1);
  localparam int unsigned GroupW = $clog2(MaxK / bl_pkg::MinGroup + 1);

  // Descriptors that are read before they are dispatched; their tags differ.
  localparam int unsigned Ahead = 1 << TagW;
  localparam int unsigned DescriptorBeats = 512 / BeatW;

`ifndef SYNTHESIS
  if (Rows * Columns % LineW != 0) begin : gen_bad_line
    $error("a plane word of %0d bits is not whole lines of %0d bits", Rows * Columns, LineW);
  end
  if (MaxK % bl_pkg::MaxGroup != 0) begin : gen_bad_max_k
    $error("max_k of %0d is not whole groups of %0d columns", MaxK, bl_pkg::MaxGroup);
  end
  // Lengths are 32-bit numbers; no layer's scales have more lines than its planes.
  localparam int unsigned MaxPlanes = MaxBits > MaxCodebookBits ? MaxBits : MaxCodebookBits;
  localparam int unsigned MaxTileLines = MaxK / Columns * (Rows * Columns / LineW) * MaxPlanes;
  localparam int unsigned MaxTileVectors = MaxK / bl_pkg::MinGroup * (MaxBits + 1);
  localparam longint unsigned MaxLines = longint'(MaxTiles) * longint'(MaxTileLines);
  localparam longint unsigned MaxVectors = longint'(MaxTiles) * longint'(MaxTileVectors);
  if (MaxLines >= 64'h1_0000_0000) begin : gen_bad_weights
    $error("the largest layer's planes are %0d lines, which 32 bits cannot count", MaxLines);
  end
  if (MaxVectors >= 64'hFFFF_FFFF) begin : gen_bad_scales
    $error("the largest layer has %0d vectors of scales, which 32 bits cannot count", MaxVectors);
  end
`endif

  typedef enum logic [2:0] {
    StDescriptor, StCheck, StCount, StLengths, StTotals, StDispatch
  } state_e;
  state_e state_q;

  logic [31:0] requested_q, index_q;

  // ---- Requests, ahead of the descriptor that is worked on --------------------------------------

  logic request_more;
  assign request_more = enable_i && requested_q != doorbell_i &&
                        requested_q - index_q != 32'(Ahead);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      request_valid_o <= 1'b0;
      requested_q     <= '0;
    end else if (request_valid_o) begin
      if (request_ready_i) begin
        request_valid_o <= 1'b0;
        requested_q     <= requested_q + 32'd1;
      end
    end else begin
      request_valid_o <= request_more;
    end
  end

  assign request_job_o.address      = ring_base_i + {42'd0, requested_q[15:0] & ring_mask_i, 6'd0};
  assign request_job_o.run_lines    = 32'(DescriptorBeats);
  assign request_job_o.stride_lines = '0;
  assign request_job_o.runs         = 32'd1;
  assign request_job_o.stripe       = '0;
  assign request_job_o.tag          = requested_q[TagW-1:0];

  // ---- Errors of these reads --------------------------------------------------------------------
  // Beats of at most two descriptors have come and are not dispatched: one in each register below.
  // Room for twice as many lets the error come a little before its beat.

  logic [3:0]  faulted_q;
  logic [63:0] fault_address_q [4];

  for (genvar d = 0; d < 4; d++) begin : gen_fault
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        faulted_q[d] <= 1'b0;
      end else if (ticket_o && index_q[1:0] == 2'(d)) begin
        faulted_q[d] <= 1'b0;
      end else if (error_i && error_tag_i[1:0] == 2'(d) && !faulted_q[d]) begin
        faulted_q[d]       <= 1'b1;
        fault_address_q[d] <= error_address_i;
      end
    end
  end

  `BL_ASSERT_IF(ErrorIsOfADescriptorThatArrives, error_i,
                error_tag_i - index_q[TagW-1:0] < TagW'(4),
                "an error names a descriptor that is dispatched already, or one far ahead")
  `BL_ASSERT_IF(ErrorIsInTime, error_i && error_tag_i == index_q[TagW-1:0],
                state_q != StTotals && state_q != StDispatch,
                "an error of a descriptor's read comes too late for its status")

  // ---- The descriptor ---------------------------------------------------------------------------

  logic [511:0] desc_q;
  logic         desc_valid, desc_ready;
  logic [511:0] desc_in;

  bl_gearbox #(
    .InW (BeatW),
    .OutW(512)
  ) u_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i(beat_valid_i),
    .ready_o(beat_ready_o),
    .data_i (beat_data_i),
    .valid_o(desc_valid),
    .ready_i(desc_ready),
    .data_o (desc_in),
    .drop_i (1'b1)
  );

  assign desc_ready = state_q == StDescriptor;
  always_ff @(posedge clk_i) begin
    if (desc_ready && desc_valid) desc_q <= desc_in;
  end

  logic [7:0]  opcode, rounding_exponent;
  logic        codebook, has_offset, binary16;
  logic [3:0]  bits, planes;
  logic [4:0]  tokens;
  logic [31:0] m, k;
  logic [15:0] group_size;
  logic [63:0] weights_address, scales_address, activations_address, outputs_address;
  logic [31:0] weights_stripe, scales_stripe, activations_stripe;

  assign opcode              = desc_q[bl_desc_pkg::DESC_OPCODE_LSB +: 8];
  assign codebook            = desc_q[bl_desc_pkg::DESC_CODEBOOK_LSB];
  assign has_offset          = desc_q[bl_desc_pkg::DESC_HAS_OFFSET_LSB];
  assign binary16            = desc_q[bl_desc_pkg::DESC_BINARY16_OUTPUT_LSB];
  assign bits                = desc_q[bl_desc_pkg::DESC_BITS_LSB +: 4];
  assign planes              = desc_q[bl_desc_pkg::DESC_PLANES_LSB +: 4];
  assign tokens              = desc_q[bl_desc_pkg::DESC_TOKENS_LSB +: 5];
  assign m                   = desc_q[bl_desc_pkg::DESC_M_LSB +: 32];
  assign k                   = desc_q[bl_desc_pkg::DESC_K_LSB +: 32];
  assign group_size          = desc_q[bl_desc_pkg::DESC_GROUP_SIZE_LSB +: 16];
  assign rounding_exponent   = desc_q[bl_desc_pkg::DESC_ROUNDING_EXPONENT_LSB +: 8];
  assign weights_address     = desc_q[bl_desc_pkg::DESC_WEIGHTS_ADDRESS_LSB +: 64];
  assign scales_address      = desc_q[bl_desc_pkg::DESC_SCALES_ADDRESS_LSB +: 64];
  assign activations_address = desc_q[bl_desc_pkg::DESC_ACTIVATIONS_ADDRESS_LSB +: 64];
  assign outputs_address     = desc_q[bl_desc_pkg::DESC_OUTPUTS_ADDRESS_LSB +: 64];
  assign weights_stripe      = desc_q[bl_desc_pkg::DESC_WEIGHTS_STRIPE_LSB +: 32];
  assign scales_stripe       = desc_q[bl_desc_pkg::DESC_SCALES_STRIPE_LSB +: 32];
  assign activations_stripe  = desc_q[bl_desc_pkg::DESC_ACTIVATIONS_STRIPE_LSB +: 32];

  // ---- Checks: the first that fails gives the status --------------------------------------------

  logic       reserved_set, bad_mode, bad_group_size, bad_bits, misaligned;
  logic [3:0] most_bits;
  logic [7:0] status_d, status_q;

  assign reserved_set   = desc_q[511:bl_desc_pkg::DESC_RESERVED_0_LSB] != '0 ||
                          desc_q[127:120] != '0 || desc_q[31:29] != '0 || desc_q[15:12] != '0 ||
                          (Exact && rounding_exponent != '0);
  assign bad_mode       = codebook && (MaxCodebookBits == 0 || has_offset);
  assign bad_group_size = group_size != 16'd0 && group_size != 16'd32 && group_size != 16'd64 &&
                          group_size != 16'd128 && group_size != 16'd256;
  assign most_bits      = codebook ? 4'(MaxCodebookBits) : 4'(MaxBits);
  assign bad_bits       = bits == '0 || bits > most_bits || bits > planes || planes > 4'd8;
  assign misaligned     = weights_address[11:0] != '0 || scales_address[11:0] != '0 ||
                          activations_address[11:0] != '0 || outputs_address[11:0] != '0;

  always_comb begin
    if (state_q != StCheck)                         status_d = bl_desc_pkg::STATUS_OK;
    else if (opcode != 8'd1)                        status_d = bl_desc_pkg::STATUS_BAD_OPCODE;
    else if (reserved_set)                          status_d = bl_desc_pkg::STATUS_BAD_RESERVED;
    else if (m == '0 || m > MaxM)                   status_d = bl_desc_pkg::STATUS_BAD_M;
    else if (k == '0 || k > MaxK)                   status_d = bl_desc_pkg::STATUS_BAD_K;
    else if (bad_mode)                              status_d = bl_desc_pkg::STATUS_BAD_MODE;
    else if (bad_group_size)                        status_d = bl_desc_pkg::STATUS_BAD_GROUP_SIZE;
    else if (bad_bits)                              status_d = bl_desc_pkg::STATUS_BAD_BITS;
    else if (tokens == '0 || 32'(tokens) > Tokens)  status_d = bl_desc_pkg::STATUS_BAD_TOKENS;
    else if (misaligned)                            status_d = bl_desc_pkg::STATUS_BAD_ADDRESS;
    else                                            status_d = bl_desc_pkg::STATUS_OK;
  end

  // ---- Shape: what a block is -------------------------------------------------------------------
  // The wider one of group and slice is a block; the other one's number in it is the span.

  logic        per_row, shared_word;
  logic [1:0]  group_log2;
  logic [3:0]  group_shift, block_shift;
  logic [2:0]  span_log2;
  logic [31:0] last_column, last_group;
  logic [5:0]  span;

  assign per_row     = group_size == '0;
  assign last_column = k - 32'd1;
  assign last_group  = last_column >> group_shift;
  assign group_shift = 4'(MinGroupShift) + 4'(group_log2);
  assign shared_word = 4'(ColumnShift) > group_shift;
  assign block_shift = shared_word ? 4'(ColumnShift) : group_shift;
  assign span_log2   = shared_word ? 3'(4'(ColumnShift) - group_shift)
                                   : 3'(group_shift - 4'(ColumnShift));
  assign span        = 6'd1 << span_log2;

  always_comb begin
    case (group_size)
      16'd32:  group_log2 = 2'd0;
      16'd64:  group_log2 = 2'd1;
      16'd128: group_log2 = 2'd2;
      default: group_log2 = 2'd3;  // 256, and the blocks of a group per row
    endcase
  end

  // ---- Lengths, at most one multiplication behind the other per step ----------------------------

  logic [TileW-1:0]  tiles_q;
  logic [GroupW-1:0] groups_q, blocks_q;
  logic [5:0]        last_span_q;
  logic [2:0]        word_slices_log2;    // slices per block and plane
  logic [4:0]        rounds, set_vectors;
  logic [31:0]       slices;              // of one token
  logic [31:0]       tile_blocks_q, sets_q, token_lines_q;
  logic [31:0]       weight_lines_q, vectors_q, activation_lines_q, values_q;
  logic [31:0]       pairs, scale_pairs_q, scale_lines_q;

  assign word_slices_log2 = shared_word ? 3'd0 : span_log2;
  assign slices           = 32'(blocks_q) << word_slices_log2;
  assign rounds           = codebook ? 5'd1 << bits : 5'(bits);
  assign set_vectors      = rounds + 5'(has_offset);
  assign pairs            = (vectors_q + 32'd1) >> 1;

  always_ff @(posedge clk_i) begin
    case (state_q)
      StCheck: begin
        status_q    <= status_d;
        tiles_q     <= TileW'((m + 32'(Rows - 1)) >> RowShift);
        groups_q    <= GroupW'(last_group + 32'd1);
        blocks_q    <= GroupW'((last_column >> block_shift) + 32'd1);
        last_span_q <= shared_word ? (6'(last_group) & (span - 6'd1)) + 6'd1 : span;
      end
      StCount: begin
        tile_blocks_q <= 32'(tiles_q) * 32'(blocks_q);
        // A set is what a group needs: its offset and scales. Otherwise the row tile has one.
        sets_q        <= codebook || per_row ? 32'(tiles_q) : 32'(tiles_q) * 32'(groups_q);
        token_lines_q <= (slices * SliceLines + (LineSlices - 1)) / LineSlices;
      end
      StLengths: begin
        weight_lines_q     <= (tile_blocks_q * 32'(bits)) << word_slices_log2 << WordLineShift;
        vectors_q          <= sets_q * 32'(set_vectors);
        activation_lines_q <= token_lines_q * 32'(tokens);
        values_q           <= (32'(tiles_q) * 32'(tokens)) << RowShift;
      end
      StTotals: begin
        scale_pairs_q <= pairs;
        scale_lines_q <= (pairs * PairLines + (LinePairs - 1)) / LinePairs;
        // Also a descriptor of nonsense is one if its read failed.
        if (faulted_q[index_q[1:0]]) status_q <= bl_desc_pkg::STATUS_BUS_ERROR;
      end
      default: ;
    endcase
  end

  // ---- Jobs -------------------------------------------------------------------------------------

  logic [TagW-1:0] tag;
  logic            twice, contiguous;
  assign tag = index_q[TagW-1:0];
  // The first reading finds the token's exponent, which the second one needs.
  assign twice = per_row || !Exact;
  // Planes that are all in use lie back to back: one run, so that bursts can be long.
  assign contiguous = bits == planes;

  assign job_o.tiles             = 20'(tiles_q);
  assign job_o.blocks            = 16'(blocks_q);
  assign job_o.span              = span;
  assign job_o.last_span         = last_span_q;
  assign job_o.shared_word       = shared_word;
  assign job_o.group_log2        = group_log2;
  assign job_o.bits              = bits;
  assign job_o.rounds            = rounds;
  assign job_o.codebook          = codebook;
  assign job_o.per_row           = per_row;
  assign job_o.has_offset        = has_offset;
  assign job_o.binary16          = binary16;
  assign job_o.tokens            = tokens;
  assign job_o.rounding_exponent = rounding_exponent;
  assign job_o.scale_pairs       = scale_pairs_q;

  assign weights_job_o.address      = weights_address;
  assign weights_job_o.run_lines    =
      contiguous ? weight_lines_q : 32'(bits) << word_slices_log2 << WordLineShift;
  assign weights_job_o.stride_lines = 32'(planes) << word_slices_log2 << WordLineShift;
  assign weights_job_o.runs         = contiguous ? 32'd1 : tile_blocks_q;
  assign weights_job_o.stripe       = weights_stripe;
  assign weights_job_o.tag          = tag;

  assign scales_job_o.address      = scales_address;
  assign scales_job_o.run_lines    = scale_lines_q;
  assign scales_job_o.stride_lines = '0;
  assign scales_job_o.runs         = 32'd1;
  assign scales_job_o.stripe       = scales_stripe;
  assign scales_job_o.tag          = tag;

  assign activations_job_o.address      = activations_address;
  assign activations_job_o.run_lines    = activation_lines_q;
  assign activations_job_o.stride_lines = '0;
  assign activations_job_o.runs         = twice ? 32'd2 : 32'd1;
  assign activations_job_o.stripe       = activations_stripe;
  assign activations_job_o.tag          = tag;

  assign outputs_job_o.address  = outputs_address;
  assign outputs_job_o.values   = values_q;
  assign outputs_job_o.binary16 = binary16;
  assign outputs_job_o.tag      = tag;

  // ---- Sequence ---------------------------------------------------------------------------------
  // Every descriptor takes the same steps, so that the order of tickets is that of descriptors.

  logic dispatch, runs;
  assign dispatch    = state_q == StDispatch && room_i;
  assign runs        = status_q == bl_desc_pkg::STATUS_OK;
  assign job_valid_o = dispatch && runs;
  assign ticket_o    = dispatch && (!runs || job_ready_i);
  assign index_o     = index_q;

  assign ticket_status_o        = status_q;
  assign ticket_interrupt_o     = desc_q[bl_desc_pkg::DESC_INTERRUPT_LSB];
  assign ticket_fault_o         = status_q == bl_desc_pkg::STATUS_BUS_ERROR;
  assign ticket_fault_address_o = fault_address_q[index_q[1:0]];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StDescriptor;
      index_q <= '0;
    end else begin
      case (state_q)
        StDescriptor: if (desc_valid) state_q <= StCheck;
        StCheck:      state_q <= StCount;
        StCount:      state_q <= StLengths;
        StLengths:    state_q <= StTotals;
        StTotals:     state_q <= StDispatch;
        default: if (ticket_o) begin
          state_q <= StDescriptor;
          index_q <= index_q + 32'd1;
        end
      endcase
    end
  end

  `BL_ASSERT_STABLE(RequestIsStable, request_valid_o, request_ready_i, request_job_o)
  `BL_ASSERT_STABLE(JobIsStable, job_valid_o, job_ready_i, job_o)

endmodule
