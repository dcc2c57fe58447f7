// SPDX-License-Identifier: Apache-2.0
// A row group: Rows rows that share one set of tables.
//
// Function:   keeps the tables of the next slices in Slots slots. A pass names a slot and brings a
//             plane word; every row looks its nibbles up, adds them over the slice and accumulates
//             slices until `last_i`: S(row, group, plane) = sum of B(row, column) * m(column).
// Latency:    4 cycles from `pass_valid_i` of the last slice to `sum_valid_o`.
// Throughput: one pass per cycle; never stalls (the issuer holds credits for the sums).
// Limits:     a slot that is read by a pass must have been written at least one cycle earlier;
//             a sum needs MantissaBits + 8 bits (groups of at most 256 columns).
// Source:     shared half tables as in FIGLUT (Park et al., HPCA 2025).
//
// Pipeline: pass -> (plane word, the slot's tables) -> looked-up values -> slice sum -> group sum.

`include "bl_assert.svh"

module bl_pe #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned MantissaBits,
  parameter int unsigned Slots,
  localparam int unsigned Tables = Columns / Mu,
  localparam int unsigned HalfEntries = 1 << (Mu - 1),
  localparam int unsigned EntryW = MantissaBits + $clog2(Mu),
  localparam int unsigned SlotW = $clog2(Slots),
  localparam int unsigned SumW = MantissaBits + 8
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,

  input  logic                                 table_valid_i,
  input  logic [SlotW-1:0]                     table_slot_i,
  input  logic [Tables*HalfEntries*EntryW-1:0] table_entries_i,

  input  logic                                 pass_valid_i,
  input  logic [SlotW-1:0]                     pass_slot_i,
  input  logic                                 pass_first_i,
  input  logic                                 pass_last_i,
  input  logic [Rows*Columns-1:0]              pass_plane_i,

  output logic                                 sum_valid_o,
  output logic [Rows*SumW-1:0]                 sums_o
);

  localparam int unsigned Entries = Tables * HalfEntries;
  localparam int unsigned LaneW = MantissaBits + $clog2(Columns);

  // ---- Table slots; a pass takes its slice's tables and the plane word --------------------------

  // Slots keep half tables; the pass's slice is expanded, so that one negator serves all rows.
  logic signed [EntryW-1:0] table_q [2*Entries];
  for (genvar e = 0; e < Entries; e++) begin : gen_entry
    localparam int unsigned Upper = (e / HalfEntries) * 2 * HalfEntries + HalfEntries +
                                    e % HalfEntries;
    localparam int unsigned Lower = (e / HalfEntries) * 2 * HalfEntries + HalfEntries - 1 -
                                    e % HalfEntries;
    logic [EntryW-1:0] slot_q [Slots];
    logic [EntryW-1:0] entry;
    assign entry = slot_q[pass_slot_i];
    always_ff @(posedge clk_i) begin
      if (table_valid_i) slot_q[table_slot_i] <= table_entries_i[e*EntryW +: EntryW];
      if (pass_valid_i) begin
        table_q[Upper] <= entry;
        table_q[Lower] <= -entry;
      end
    end
  end

  logic [Rows*Columns-1:0] plane_q;
  always_ff @(posedge clk_i) begin
    if (pass_valid_i) plane_q <= pass_plane_i;
  end

  logic [Columns-1:0] row_word [Rows];
  for (genvar r = 0; r < Rows; r++) begin : gen_row_word
    assign row_word[r] = plane_q[r*Columns +: Columns];
  end

  // ---- Look-ups ---------------------------------------------------------------------------------

  logic p1_valid_q, p2_valid_q, p3_valid_q;
  logic p1_first_q, p2_first_q, p3_first_q;
  logic p1_last_q, p2_last_q, p3_last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      p1_valid_q  <= 1'b0;
      p2_valid_q  <= 1'b0;
      p3_valid_q  <= 1'b0;
      sum_valid_o <= 1'b0;
    end else begin
      p1_valid_q  <= pass_valid_i;
      p2_valid_q  <= p1_valid_q;
      p3_valid_q  <= p2_valid_q;
      sum_valid_o <= p3_valid_q && p3_last_q;
    end
    p1_first_q <= pass_first_i;
    p2_first_q <= p1_first_q;
    p3_first_q <= p2_first_q;
    p1_last_q  <= pass_last_i;
    p2_last_q  <= p1_last_q;
    p3_last_q  <= p2_last_q;
  end

  logic signed [EntryW-1:0] value_d [Rows*Tables];
  logic signed [EntryW-1:0] value_q [Rows*Tables];
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      for (int unsigned t = 0; t < Tables; t++) begin
        value_d[r*Tables+t] = table_q[t*2*HalfEntries+32'(row_word[r][t*Mu +: Mu])];
      end
    end
  end

  for (genvar v = 0; v < Rows * Tables; v++) begin : gen_value
    always_ff @(posedge clk_i) begin
      if (p1_valid_q) value_q[v] <= value_d[v];
    end
  end

  // ---- Slice sums, then sums over the slices of the group ---------------------------------------

  logic signed [LaneW-1:0] slice_d [Rows];
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      slice_d[r] = '0;
      for (int unsigned t = 0; t < Tables; t++) begin
        slice_d[r] = slice_d[r] + LaneW'(value_q[r*Tables+t]);
      end
    end
  end

  logic signed [LaneW-1:0] slice_q [Rows];
  logic signed [SumW-1:0]  sum_q [Rows];
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    always_ff @(posedge clk_i) begin
      if (p2_valid_q) slice_q[r] <= slice_d[r];
      if (p3_valid_q) sum_q[r] <= p3_first_q ? SumW'(slice_q[r]) : sum_q[r] + SumW'(slice_q[r]);
    end
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_sum
    assign sums_o[r*SumW +: SumW] = sum_q[r];
  end

  `BL_ASSERT(NoReadOfAWrittenSlot,
             !(pass_valid_i && table_valid_i && pass_slot_i == table_slot_i),
             "a pass reads a table slot in the cycle in which it is written")

endmodule
