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

`include "bl_assert.svh"

module bl_pe #(
  parameter int unsigned Rows,
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned MantissaBits,
  parameter int unsigned Slots,
  localparam int unsigned Tables = (Columns + Mu - 1) / Mu,
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
  input  logic [Rows*Columns-1:0]              word_i,   // of the pass one cycle earlier

  output logic                                 sum_valid_o,
  output logic [Rows*SumW-1:0]                 sums_o
);

  localparam int unsigned Entries = Tables * HalfEntries;
  localparam int unsigned FullEntries = 2 * HalfEntries;
  // Look-ups that are added in one stage, and the stage's results per row.
  localparam int unsigned Eight = Tables < 8 ? Tables : 8;
  localparam int unsigned Parts = (Tables + Eight - 1) / Eight;
  localparam int unsigned PartBits = Eight * Mu;
  localparam int unsigned PartW = EntryW + $clog2(Eight);
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

  logic [Entries*EntryW-1:0] slot_q [Slots];
  logic [Entries*EntryW-1:0] half_q;
  always_ff @(posedge clk_i) begin
    if (table_valid_i) slot_q[table_slot_i] <= table_entries_i;
    if (pass_valid_i)  half_q <= slot_q[pass_slot_i];
  end

  // The half tables in use become full ones, so that one negator serves all rows. Where the last
  // part has fewer tables the missing ones are 0. Entries are as wide as the sums of eight, so that
  // these need no sign extension: it would take simulation a third of its time.
  logic [PartW-1:0] full [Parts*Eight*FullEntries];
  /* verilator lint_off LATCH */  // all elements are assigned: long loops are not followed
  always_comb begin
    logic signed [EntryW-1:0] entry;
    entry = '0;
    for (int unsigned i = 0; i < Parts * Eight * FullEntries; i++) full[i] = '0;
    if (p1_valid_q) begin
      for (int unsigned t = 0; t < Tables; t++) begin
        for (int unsigned j = 0; j < HalfEntries; j++) begin
          entry = half_q[(t*HalfEntries+j)*EntryW +: EntryW];
          full[t*FullEntries+HalfEntries+j]   = PartW'(entry);
          full[t*FullEntries+HalfEntries-1-j] = -(PartW'(entry));
        end
      end
    end
  end
  /* verilator lint_on LATCH */

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

  logic signed [PartW-1:0] part_d [Rows*Parts];
  logic signed [PartW-1:0] part_q [Rows*Parts];
  /* verilator lint_off LATCH */  // all elements are assigned: long loops are not followed
  always_comb begin
    logic [PartBits-1:0]     word;
    logic [31:0]             sum;
    word = '0;
    sum  = '0;
    for (int unsigned i = 0; i < Rows * Parts; i++) part_d[i] = '0;
    if (p1_valid_q) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        for (int unsigned p = 0; p < Parts; p++) begin
          word = bits[r*Parts+p];
          sum  = '0;
          for (int unsigned t = 0; t < Eight; t++) begin
            sum = sum + 32'(full[(p*Eight+t)*FullEntries+32'(word[t*Mu +: Mu])]);
          end
          part_d[r*Parts+p] = sum[PartW-1:0];
        end
      end
    end
  end
  /* verilator lint_on LATCH */

  for (genvar i = 0; i < Rows * Parts; i++) begin : gen_part_q
    always_ff @(posedge clk_i) begin
      if (p1_valid_q) part_q[i] <= part_d[i];
    end
  end

  // ---- Slice sums, then sums over the slices of the group ---------------------------------------

  logic signed [SliceW-1:0] slice_d [Rows];
  /* verilator lint_off LATCH */  // all elements are assigned: long loops are not followed
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) slice_d[r] = '0;
    if (p2_valid_q) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        for (int unsigned p = 0; p < Parts; p++) begin
          slice_d[r] = slice_d[r] + SliceW'(part_q[r*Parts+p]);
        end
      end
    end
  end
  /* verilator lint_on LATCH */

  logic signed [SliceW-1:0] slice_q [Rows];
  logic signed [SumW-1:0]   running_q [Rows];
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic signed [SumW-1:0] sum;
    assign sum = (p3_first_q ? '0 : running_q[r]) + SumW'(slice_q[r]);
    always_ff @(posedge clk_i) begin
      if (p2_valid_q) slice_q[r] <= slice_d[r];
      if (p3_valid_q && !p3_last_q) running_q[r] <= sum;
      if (p3_valid_q && p3_last_q)  sums_o[r*SumW +: SumW] <= sum;
    end
  end

  `BL_ASSERT(NoReadOfAWrittenSlot,
             !(pass_valid_i && table_valid_i && pass_slot_i == table_slot_i),
             "a pass reads a table slot in the cycle in which it is written")

endmodule
