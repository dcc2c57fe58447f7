// SPDX-License-Identifier: Apache-2.0
// Fetches descriptors, checks them and hands jobs to all units at once.
//
// Function:   while the ring is not empty, reads the next descriptor, checks every field, works out
//             the lengths of its streams and dispatches it as soon as all units have room for one
//             more job. A descriptor that fails a check, or whose read had an error response, moves
//             no data: only its status goes to the completer, in order.
// Latency:    6 cycles from a descriptor's last beat to its job.
// Throughput: one descriptor at a time; its fetch overlaps the job before it.
// Limits:     what this build supports is checked here and only here: BCQ, groups of
//             bl_pkg::GroupColumns, one token, binary32 results.

`include "bl_assert.svh"

module bl_ctrl_fetch #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned MaxBits,
  parameter int unsigned MaxK,
  parameter int unsigned MaxM,
  parameter int unsigned BeatW,
  parameter int unsigned TileW,
  localparam int unsigned CountW = $clog2(MaxK / Columns + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              enable_i,
  input  logic [63:0]       ring_base_i,
  input  logic [15:0]       ring_mask_i,
  input  logic [31:0]       doorbell_i,

  // The descriptor stream of bl_dma.
  output logic              request_valid_o,
  input  logic              request_ready_i,
  output logic [63:0]       request_address_o,
  output logic [1:0]        tag_o,             // of the descriptor under way and its job
  input  logic              fault_i,           // its read had an error response
  input  logic              beat_valid_i,
  output logic              beat_ready_o,
  input  logic [BeatW-1:0]  beat_data_i,

  // A job stays until all units take it, in the same cycle.
  output logic              job_valid_o,
  input  logic              job_ready_i,
  output logic [TileW-1:0]  job_tiles_o,
  output logic [CountW-1:0] job_slices_o,
  output logic [3:0]        job_bits_o,
  output logic              job_has_offset_o,
  output logic [63:0]       weights_address_o,
  output logic [31:0]       weights_run_beats_o,
  output logic [31:0]       weights_stride_beats_o,
  output logic [31:0]       weights_runs_o,
  output logic [63:0]       scales_address_o,
  output logic [31:0]       scales_beats_o,
  output logic [63:0]       activations_address_o,
  output logic [31:0]       activations_beats_o,
  output logic [63:0]       outputs_address_o,
  output logic [31:0]       outputs_values_o,

  // To the completer, in order, with the job or without one.
  output logic              ticket_valid_o,
  input  logic              ticket_ready_i,
  output logic [7:0]        ticket_status_o,
  output logic              ticket_interrupt_o
);

  localparam int unsigned RowShift = $clog2(Rows);
  localparam int unsigned GroupShift = $clog2(bl_pkg::GroupColumns);
  localparam int unsigned GroupSlices = bl_pkg::GroupColumns / Columns;
  localparam int unsigned PlaneBeats = GroupSlices * Rows * Columns / BeatW;  // per group and plane
  localparam int unsigned GroupBeats = bl_pkg::GroupColumns * 16 / BeatW;     // of activations
  localparam int unsigned VectorBits = Rows * 16;
  localparam int unsigned VectorsPerBeat = VectorBits < BeatW ? BeatW / VectorBits : 1;

  typedef enum logic [2:0] {
    StIdle, StRequest, StDescriptor, StCheck, StCount, StLengths, StTotals, StDispatch
  } state_e;
  state_e state_q;

  logic [31:0]  fetched_q;
  logic [511:0] desc_q;
  logic         desc_valid, desc_take;
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
    .ready_i(desc_take),
    .data_o (desc_in),
    .drop_i (1'b1)
  );

  // ---- Fields -----------------------------------------------------------------------------------

  logic [7:0]  opcode;
  logic        codebook, has_offset, binary16;
  logic [3:0]  bits, planes;
  logic [4:0]  tokens;
  logic [31:0] m, k, group_size;
  logic [63:0] weights_address, scales_address, activations_address, outputs_address;

  assign opcode     = desc_q[bl_desc_pkg::DESC_OPCODE_LSB +: 8];
  assign codebook   = desc_q[bl_desc_pkg::DESC_CODEBOOK_LSB];
  assign has_offset = desc_q[bl_desc_pkg::DESC_HAS_OFFSET_LSB];
  assign binary16   = desc_q[bl_desc_pkg::DESC_BINARY16_OUTPUT_LSB];
  assign bits       = desc_q[bl_desc_pkg::DESC_BITS_LSB +: 4];
  assign planes     = desc_q[bl_desc_pkg::DESC_PLANES_LSB +: 4];
  assign tokens     = desc_q[bl_desc_pkg::DESC_TOKENS_LSB +: 5];
  assign m          = desc_q[bl_desc_pkg::DESC_M_LSB +: 32];
  assign k          = desc_q[bl_desc_pkg::DESC_K_LSB +: 32];
  assign group_size = desc_q[bl_desc_pkg::DESC_GROUP_SIZE_LSB +: 32];
  assign weights_address     = desc_q[bl_desc_pkg::DESC_WEIGHTS_ADDRESS_LSB +: 64];
  assign scales_address      = desc_q[bl_desc_pkg::DESC_SCALES_ADDRESS_LSB +: 64];
  assign activations_address = desc_q[bl_desc_pkg::DESC_ACTIVATIONS_ADDRESS_LSB +: 64];
  assign outputs_address     = desc_q[bl_desc_pkg::DESC_OUTPUTS_ADDRESS_LSB +: 64];

  // ---- Checks: the first that fails gives the status --------------------------------------------

  logic       reserved_set, misaligned;
  logic [7:0] status_d, status_q;

  assign reserved_set = desc_q[511:bl_desc_pkg::DESC_RESERVED_0_LSB] != '0 ||
                        desc_q[15:12] != '0 || desc_q[31:29] != '0;
  assign misaligned   = weights_address[11:0] != '0 || scales_address[11:0] != '0 ||
                        activations_address[11:0] != '0 || outputs_address[11:0] != '0;

  always_comb begin
    status_d = bl_desc_pkg::STATUS_OK;
    if (fault_i)                                   status_d = bl_desc_pkg::STATUS_BUS_ERROR;
    else if (opcode != 8'd1)                       status_d = bl_desc_pkg::STATUS_BAD_OPCODE;
    else if (reserved_set)                         status_d = bl_desc_pkg::STATUS_BAD_RESERVED;
    else if (m == '0 || m > MaxM)                  status_d = bl_desc_pkg::STATUS_BAD_M;
    else if (k == '0 || k > MaxK)                  status_d = bl_desc_pkg::STATUS_BAD_K;
    else if (codebook)                             status_d = bl_desc_pkg::STATUS_BAD_MODE;
    else if (group_size != bl_pkg::GroupColumns)   status_d = bl_desc_pkg::STATUS_BAD_GROUP_SIZE;
    else if (bits == '0 || 32'(bits) > MaxBits || bits > planes || 32'(planes) > 8)
                                                   status_d = bl_desc_pkg::STATUS_BAD_BITS;
    else if (tokens != 5'd1)                       status_d = bl_desc_pkg::STATUS_BAD_TOKENS;
    else if (binary16)                             status_d = bl_desc_pkg::STATUS_BAD_FORMAT;
    else if (misaligned)                           status_d = bl_desc_pkg::STATUS_BAD_ADDRESS;
  end

  // ---- Lengths, one multiplication per step -----------------------------------------------------

  logic [TileW-1:0] tiles_q;
  logic [31:0]      groups_q, tile_groups_q, group_beats_q, stride_q, weight_beats_q, vectors_q;
  logic [31:0]      scale_beats_q;

  always_ff @(posedge clk_i) begin
    case (state_q)
      StCheck: begin
        status_q <= status_d;
        tiles_q  <= TileW'((m + 32'(Rows - 1)) >> RowShift);
        groups_q <= (k + 32'(bl_pkg::GroupColumns - 1)) >> GroupShift;
      end
      StCount: begin
        tile_groups_q <= 32'(tiles_q) * groups_q;
        group_beats_q <= 32'(bits) * PlaneBeats;
        stride_q      <= 32'(planes) * PlaneBeats;
      end
      StLengths: begin
        weight_beats_q <= tile_groups_q * group_beats_q;
        vectors_q      <= tile_groups_q * (32'(bits) + 32'(has_offset));
      end
      StTotals: begin
        if (VectorBits >= BeatW) scale_beats_q <= vectors_q * (VectorBits / BeatW);
        else scale_beats_q <= (vectors_q + (VectorsPerBeat - 1)) / VectorsPerBeat;
      end
      default: ;
    endcase
  end

  // Planes that are all in use lie back to back: one run, so that bursts can be long.
  logic contiguous;
  assign contiguous             = bits == planes;
  assign job_tiles_o            = tiles_q;
  assign job_slices_o           = CountW'(groups_q * GroupSlices);
  assign job_bits_o             = bits;
  assign job_has_offset_o       = has_offset;
  assign weights_address_o      = weights_address;
  assign weights_run_beats_o    = contiguous ? weight_beats_q : group_beats_q;
  assign weights_stride_beats_o = stride_q;
  assign weights_runs_o         = contiguous ? 32'd1 : tile_groups_q;
  assign scales_address_o       = scales_address;
  assign scales_beats_o         = scale_beats_q;
  assign activations_address_o  = activations_address;
  assign activations_beats_o    = groups_q * GroupBeats;
  assign outputs_address_o      = outputs_address;
  assign outputs_values_o       = 32'(tiles_q) << RowShift;

  // ---- Sequence ---------------------------------------------------------------------------------

  logic runs;
  assign runs = status_q == bl_desc_pkg::STATUS_OK;

  assign tag_o              = fetched_q[1:0];
  assign request_valid_o    = state_q == StRequest;
  assign request_address_o  = ring_base_i + {42'd0, fetched_q[15:0] & ring_mask_i, 6'd0};
  assign desc_take          = state_q == StDescriptor && desc_valid;
  assign job_valid_o        = state_q == StDispatch && runs && ticket_ready_i;
  assign ticket_valid_o     = state_q == StDispatch && (!runs || job_ready_i);
  assign ticket_status_o    = status_q;
  assign ticket_interrupt_o = desc_q[bl_desc_pkg::DESC_INTERRUPT_LSB];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= StIdle;
      fetched_q <= '0;
    end else begin
      case (state_q)
        StIdle:       if (enable_i && fetched_q != doorbell_i) state_q <= StRequest;
        StRequest:    if (request_ready_i) state_q <= StDescriptor;
        StDescriptor: if (desc_valid) state_q <= StCheck;
        StCheck:      state_q <= status_d == bl_desc_pkg::STATUS_OK ? StCount : StDispatch;
        StCount:      state_q <= StLengths;
        StLengths:    state_q <= StTotals;
        StTotals:     state_q <= StDispatch;
        default: begin
          if (ticket_valid_o && ticket_ready_i) begin
            state_q   <= StIdle;
            fetched_q <= fetched_q + 32'd1;
          end
        end
      endcase
    end
    if (desc_take) desc_q <= desc_in;
  end

endmodule
