// SPDX-License-Identifier: Apache-2.0
// Builds the tables of the slices to come, ahead of the array and across job boundaries.
//
// Function:   walks the slices of a job in the array's order (row tile, group, slice), reads their
//             mantissas and sends the tables to the slots of all row groups. The data of each group
//             (exponent, sum, NaN flag) goes into a queue that the scale unit empties.
// Latency:    4 cycles from a free slot to its new tables (read, two adder stages, write).
// Throughput: one slice per cycle.
// Limits:     Slots >= 8 hides the latency at one plane per group.

`include "bl_assert.svh"

module bl_lut_feed #(
  parameter int unsigned Columns,
  parameter int unsigned GroupSlices,
  parameter int unsigned Mu,
  parameter int unsigned MantissaBits,
  parameter int unsigned MaxK,
  parameter int unsigned TileW,
  parameter int unsigned Slots,
  parameter int unsigned GroupQueue,
  parameter int unsigned JobQueue,
  localparam int unsigned Depth = MaxK / Columns,
  localparam int unsigned AddrW = $clog2(Depth),
  localparam int unsigned CountW = $clog2(Depth + 1),
  localparam int unsigned SlotW = $clog2(Slots),
  localparam int unsigned SumW = MantissaBits + 8,
  localparam int unsigned Tables = Columns / Mu,
  localparam int unsigned EntriesW = Tables * (1 << (Mu - 1)) * (MantissaBits + $clog2(Mu))
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            job_valid_i,
  output logic                            job_ready_o,
  input  logic [TileW-1:0]                job_tiles_i,
  input  logic [CountW-1:0]               job_slices_i,

  input  logic                            group_written_i,
  output logic                            read_o,
  output logic [AddrW-1:0]                read_slice_o,
  input  logic [Columns*MantissaBits-1:0] mantissas_i,
  input  logic [4:0]                      exponent_i,
  input  logic [SumW-1:0]                 sum_i,
  input  logic                            nan_i,
  output logic                            release_o,
  output logic [CountW-1:0]               release_slices_o,

  output logic                            table_valid_o,
  output logic [SlotW-1:0]                table_slot_o,
  output logic [EntriesW-1:0]             table_entries_o,
  input  logic                            slot_free_i,   // pulse: one slot has been read

  output logic                            group_valid_o,
  output logic [4:0]                      group_exponent_o,
  output logic [SumW-1:0]                 group_sum_o,
  output logic                            group_nan_o,
  input  logic                            group_pop_i
);

  localparam int unsigned SliceW = GroupSlices > 1 ? $clog2(GroupSlices) : 1;
  localparam logic [SliceW-1:0] LastSlice = SliceW'(GroupSlices - 1);
  localparam int unsigned SlotCountW = $clog2(Slots + 1);
  localparam int unsigned QueueCountW = $clog2(GroupQueue + 1);

  logic              job_valid;
  logic [TileW-1:0]  job_tiles;
  logic [CountW-1:0] job_slices;

  bl_fifo #(
    .Width(TileW + CountW),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i ({job_tiles_i, job_slices_i}),
    .rvalid_o(job_valid),
    .rready_i(release_o),
    .rdata_o ({job_tiles, job_slices})
  );

  // ---- Walk -------------------------------------------------------------------------------------

  logic [TileW-1:0]       tile_q;
  logic [CountW-1:0]      count_q;        // slices of this row tile already read
  logic [SliceW-1:0]      slice_q;        // slice within the group
  logic [AddrW-1:0]       base_q;         // the job's first slice in the ring
  logic [AddrW-1:0]       address_q;
  logic [CountW-1:0]      unread_q;       // groups written and not read by the first row tile
  logic [SlotCountW-1:0]  free_slots_q;
  logic [QueueCountW-1:0] free_groups_q;
  logic [AddrW-1:0]       next_address;
  logic                   first_tile, group_end, tile_end;

  assign first_tile   = tile_q == '0;
  assign group_end    = slice_q == LastSlice;
  assign tile_end     = count_q == job_slices - 1'b1;
  assign next_address = address_q == AddrW'(Depth - 1) ? '0 : address_q + 1'b1;

  assign read_o = job_valid && free_slots_q != '0 && free_groups_q != '0 &&
                  (!first_tile || unread_q != '0);
  assign read_slice_o     = address_q;
  assign release_o        = read_o && tile_end && tile_q == job_tiles - 1'b1;
  assign release_slices_o = job_slices;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tile_q        <= '0;
      count_q       <= '0;
      slice_q       <= '0;
      base_q        <= '0;
      address_q     <= '0;
      unread_q      <= '0;
      free_slots_q  <= SlotCountW'(Slots);
      free_groups_q <= QueueCountW'(GroupQueue);
    end else begin
      if (read_o) begin
        slice_q   <= group_end ? '0 : slice_q + 1'b1;
        count_q   <= tile_end ? '0 : count_q + 1'b1;
        address_q <= next_address;
        if (tile_end) begin
          tile_q    <= release_o ? '0 : tile_q + 1'b1;
          address_q <= release_o ? next_address : base_q;
        end
        if (release_o) base_q <= next_address;
      end
      unread_q <= unread_q + CountW'(group_written_i) -
                  CountW'(read_o && first_tile && group_end);
      free_slots_q  <= free_slots_q - SlotCountW'(read_o) + SlotCountW'(slot_free_i);
      free_groups_q <= free_groups_q - QueueCountW'(read_o && group_end) +
                       QueueCountW'(group_pop_i);
    end
  end

  // ---- Tables -----------------------------------------------------------------------------------

  logic read_q, group_end_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_q      <= 1'b0;
      group_end_q <= 1'b0;
    end else begin
      read_q      <= read_o;
      group_end_q <= read_o && group_end;
    end
  end

  bl_lut #(
    .Columns     (Columns),
    .Mu          (Mu),
    .MantissaBits(MantissaBits)
  ) u_lut (
    .clk_i,
    .rst_ni,
    .valid_i    (read_q),
    .mantissas_i,
    .valid_o    (table_valid_o),
    .entries_o  (table_entries_o)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) table_slot_o <= '0;
    else if (table_valid_o) table_slot_o <= table_slot_o + 1'b1;
  end

  // ---- Group data -------------------------------------------------------------------------------

  logic group_ready;
  bl_fifo #(
    .Width(SumW + 6),
    .Depth(GroupQueue)
  ) u_groups (
    .clk_i,
    .rst_ni,
    .wvalid_i(group_end_q),
    .wready_o(group_ready),
    .wdata_i ({nan_i, exponent_i, sum_i}),
    .rvalid_o(group_valid_o),
    .rready_i(group_pop_i),
    .rdata_o ({group_nan_o, group_exponent_o, group_sum_o})
  );

  `BL_ASSERT(GroupQueueHasRoom, !group_end_q || group_ready,
             "the group queue overflowed in spite of its credits")
  `BL_ASSERT(JobIsWholeGroups, !(job_valid && tile_end && read_o && !group_end),
             "a row tile ended within a group")

endmodule
