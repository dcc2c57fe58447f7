// SPDX-License-Identifier: Apache-2.0
// A row group for one token: Rows rows that share one set of tables.
//
// Function:   keeps the tables of the next slices in Slots slots. A pass names a slot and brings a
//             plane word one cycle later; every row looks its bits up, Mu at a time, adds them over
//             the slice and accumulates slices until `last`: S(row, group, plane) = sum of
//             B(row, column) * m(column). Sums stay until the next ones.
// Latency:    4 cycles from `pass_valid_i` of the last slice to `sum_valid_o`.
// Throughput: one pass per cycle; never stalls (the issuer holds credits for the sums).
// Limits:     a slot that is read by a pass must have been written at least one cycle earlier;
//             a sum needs MantissaBits + 8 bits (groups of at most 256 columns).
// Source:     shared half tables as in FIGLUT (Park et al., HPCA 2025).
//
// Pipeline: pass -> plane word, the slot's tables -> sums of eight look-ups -> slice sum -> group
// sum. The depth of a stage does not grow with the number of columns, except by the adders over
// the eights.
//
// Numbers lie in fields of bl_pkg::FieldW bits and are added modulo its power of two: a simulator
// then has nothing to cut off or to extend, and synthesis drops the bits that no register keeps.

`include "bl_assert.svh"

module bl_pe #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned MantissaBits,
  parameter int unsigned Slots,
  localparam int unsigned Tables = (Columns + Mu - 1) / Mu,
  localparam int unsigned HalfEntries = 1 << (Mu - 1),
  localparam int unsigned FieldW = bl_pkg::FieldW,
  localparam int unsigned SlotW = $clog2(Slots)
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,

  input  logic                                 table_valid_i,
  input  logic [SlotW-1:0]                     table_slot_i,
  input  logic [Tables*HalfEntries*FieldW-1:0] table_entries_i,

  input  logic                                 pass_valid_i,
  input  logic [SlotW-1:0]                     pass_slot_i,
  input  logic                                 pass_first_i,
  input  logic                                 pass_last_i,
  input  logic [Rows*Columns-1:0]              word_i,   // of the pass one cycle earlier

  output logic                                 sum_valid_o,
  output logic [Rows*FieldW-1:0]               sums_o    // SumW bits of each field
);

  localparam int unsigned EntryW = MantissaBits + $clog2(Mu);
  localparam logic [FieldW-1:0] EntryMask = (1 << EntryW) - 1;
  localparam int unsigned SumW = MantissaBits + 8;
  localparam int unsigned Entries = Tables * HalfEntries;
  localparam int unsigned FullEntries = 2 * HalfEntries;
  // Look-ups that are added in one stage, and the stage's results per row.
  localparam int unsigned Eight = Tables < 8 ? Tables : 8;
  localparam int unsigned Parts = (Tables + Eight - 1) / Eight;
  localparam int unsigned PartBits = Eight * Mu;
  localparam int unsigned PartW = EntryW + $clog2(Eight);
  localparam int unsigned PartsW = Rows * Parts * FieldW;
  localparam int unsigned SumsW = Rows * FieldW;
  localparam logic [FieldW-1:0] SumMask = FieldW'(((FieldW+1)'(1) << SumW) - 1);
  localparam int unsigned SliceW = PartW + $clog2(Parts);

  // ---- Pipeline control -------------------------------------------------------------------------

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

  // ---- Table slots; a pass takes its slice's half tables ----------------------------------------

  // The mask tells synthesis of this unit alone which bits of a slot are constant.
  logic [Entries*FieldW-1:0] slot_q [Slots];
  logic [Entries*FieldW-1:0] half_q;
  always_ff @(posedge clk_i) begin
    if (table_valid_i) slot_q[table_slot_i] <= table_entries_i & {Entries{EntryMask}};
    if (pass_valid_i)  half_q <= slot_q[pass_slot_i];
  end

  // The bits of one row and part, next to each other.
  logic [PartBits-1:0] bits [Rows*Parts];
  for (genvar r = 0; r < Rows; r++) begin : gen_bits
    for (genvar p = 0; p < Parts; p++) begin : gen_part
      localparam int unsigned Left = Columns - p * PartBits;
      localparam int unsigned Width = Left < PartBits ? Left : PartBits;
      assign bits[r*Parts+p] = PartBits'(word_i[r*Columns+p*PartBits +: Width]);
    end
  end

  // ---- Look-ups, eight at a time ----------------------------------------------------------------
  // The half tables in use become full ones, so that one negator serves all rows. Where the last
  // part has fewer tables the missing ones are 0.

  function automatic logic [PartsW-1:0] look_up(input logic [Entries*FieldW-1:0] halves);
    int unsigned                   i, j, t;
    logic [HalfEntries*FieldW-1:0] half;
    logic [FieldW-1:0]             entry, sum;
    logic [FieldW-1:0]             full [Parts*Eight*FullEntries];
    logic [PartBits-1:0]           word;
    for (t = 0; t < Tables; t++) begin
      half = halves[t*HalfEntries*FieldW +: HalfEntries*FieldW];
      for (j = 0; j < HalfEntries; j++) begin
        entry = FieldW'(signed'(half[j*FieldW +: EntryW]));
        full[t*FullEntries+HalfEntries+j]   = entry;
        full[t*FullEntries+HalfEntries-1-j] = -entry;
      end
    end
    for (i = Tables * FullEntries; i < Parts * Eight * FullEntries; i++) full[i] = '0;
    for (i = 0; i < Rows * Parts; i++) begin
      word = bits[i];
      sum  = '0;
      for (t = 0; t < Eight; t++) begin
        sum = sum + full[(i%Parts*Eight+t)*FullEntries+32'(word[t*Mu +: Mu])];
      end
      look_up[i*FieldW +: FieldW] = FieldW'(sum[PartW-1:0]);
    end
  endfunction

  logic [PartsW-1:0] parts_q;

  // ---- Slice sums, then sums over the slices of the group ---------------------------------------

  function automatic logic [SumsW-1:0] add_parts(input logic [PartsW-1:0] parts);
    int unsigned              r, p;
    logic [Parts*FieldW-1:0]  row;
    logic [FieldW-1:0]        sum;
    for (r = 0; r < Rows; r++) begin
      row = parts[r*Parts*FieldW +: Parts*FieldW];
      sum = '0;
      for (p = 0; p < Parts; p++) sum = sum + FieldW'(signed'(row[p*FieldW +: PartW]));
      add_parts[r*FieldW +: FieldW] = FieldW'(sum[SliceW-1:0]);
    end
  endfunction

  // `keep` is all ones where the running sums count.
  function automatic logic [SumsW-1:0] add_slice(input logic [SumsW-1:0]  slices,
                                                 input logic [SumsW-1:0]  running,
                                                 input logic [FieldW-1:0] keep);
    int unsigned       r;
    logic [FieldW-1:0] sum;
    for (r = 0; r < Rows; r++) begin
      sum = FieldW'(signed'(slices[r*FieldW +: SliceW])) + (running[r*FieldW +: FieldW] & keep);
      add_slice[r*FieldW +: FieldW] = sum & SumMask;
    end
  endfunction

  logic [SumsW-1:0]  slices_q, running_q;
  logic [FieldW-1:0] keep;
  assign keep = p3_first_q ? '0 : '1;

  always_ff @(posedge clk_i) begin
    if (p1_valid_q) parts_q <= look_up(half_q);
    if (p2_valid_q) slices_q <= add_parts(parts_q);
    if (p3_valid_q && !p3_last_q) running_q <= add_slice(slices_q, running_q, keep);
    if (p3_valid_q && p3_last_q)  sums_o <= add_slice(slices_q, running_q, keep);
  end

  `BL_ASSERT_IF(NoReadOfAWrittenSlot, pass_valid_i && table_valid_i,
                pass_slot_i != table_slot_i,
                "a pass reads a table slot in the cycle in which it is written")

endmodule
