// SPDX-License-Identifier: Apache-2.0
// Half tables of all +/- sums of Mu activations.
//
// Function:   for table t with activations m_0 .. m_(Mu-1) of the slice, entry j (0 <= j <
//             HalfEntries) is m_(Mu-1) + sum over k < Mu-1 of (bit k of j ? +m_k : -m_k). The other
//             half of the table is its negative, mirrored: look up ~j and negate. Where Mu does not
//             divide Columns the last table's missing activations are 0.
// Latency:    2 cycles. Throughput: one slice per cycle; never stalls.
// Limits:     Mu = 1..4; an entry has MantissaBits + ceil(log2 Mu) bits, the low ones of its field.
// Source:     half table by symmetry: FIGLUT (Park et al., HPCA 2025, hFFLUT).
//
// The activations of a table are split in a low and a high half; their own small tables are built
// first and then added pairwise: 12 adders for Mu = 4 instead of 24 for eight separate sums.

module bl_lut #(
  parameter int unsigned Columns,
  parameter int unsigned Mu,
  parameter int unsigned MantissaBits,
  localparam int unsigned Tables = (Columns + Mu - 1) / Mu,
  localparam int unsigned HalfEntries = 1 << (Mu - 1),
  localparam int unsigned FieldW = bl_pkg::FieldW
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,

  input  logic                                 valid_i,
  input  logic [Columns*MantissaBits-1:0]      mantissas_i,

  output logic                                 valid_o,
  output logic [Tables*HalfEntries*FieldW-1:0] entries_o  // EntryW bits of each field
);

  // Signed: for a small Mu the loops below have no turn.
  localparam int LowMu = Mu / 2;
  localparam int HighMu = Mu - LowMu;
  localparam int unsigned LowEntries = 1 << LowMu;
  localparam int unsigned HighEntries = 1 << (HighMu - 1);
  localparam int unsigned HalfW = MantissaBits + 1;
  localparam logic [FieldW-1:0] EntryMask = (1 << (MantissaBits + $clog2(Mu))) - 1;

  logic valid_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      valid_q <= valid_i;
      valid_o <= valid_q;
    end
  end

  localparam int unsigned InputsW = Tables * Mu * FieldW;
  localparam int unsigned LowsW = LowEntries * FieldW;    // of a table
  localparam int unsigned HighsW = HighEntries * FieldW;

  // The activations, in fields; those that the last table lacks are 0.
  function automatic logic [InputsW-1:0] in_fields(
      input logic [Columns*MantissaBits-1:0] mantissas);
    int unsigned c;
    in_fields = '0;
    for (c = 0; c < Columns; c++) begin
      in_fields[c*FieldW +: FieldW] =
          FieldW'(signed'(mantissas[c*MantissaBits +: MantissaBits]));
    end
  endfunction

  function automatic logic [Tables*LowsW-1:0] low_tables(input logic [InputsW-1:0] m);
    int unsigned       t, j;
    int                i;
    logic [FieldW-1:0] sum;
    for (t = 0; t < Tables; t++) begin
      for (j = 0; j < LowEntries; j++) begin
        sum = '0;
        for (i = 0; i < LowMu; i++) begin
          sum = ((j >> i) & 1) != 0 ? sum + m[(t*Mu+i)*FieldW +: FieldW]
                                    : sum - m[(t*Mu+i)*FieldW +: FieldW];
        end
        low_tables[(t*LowEntries+j)*FieldW +: FieldW] = FieldW'(sum[HalfW-1:0]);
      end
    end
  endfunction

  function automatic logic [Tables*HighsW-1:0] high_tables(input logic [InputsW-1:0] m);
    int unsigned       t, j;
    int                i;
    logic [FieldW-1:0] sum;
    for (t = 0; t < Tables; t++) begin
      for (j = 0; j < HighEntries; j++) begin
        sum = m[(t*Mu+Mu-1)*FieldW +: FieldW];
        for (i = 0; i < HighMu - 1; i++) begin
          sum = ((j >> i) & 1) != 0 ? sum + m[(t*Mu+LowMu+i)*FieldW +: FieldW]
                                    : sum - m[(t*Mu+LowMu+i)*FieldW +: FieldW];
        end
        high_tables[(t*HighEntries+j)*FieldW +: FieldW] = FieldW'(sum[HalfW-1:0]);
      end
    end
  endfunction

  // A table is a row of low entries for each high entry.
  function automatic logic [Tables*HalfEntries*FieldW-1:0] join_tables(
      input logic [Tables*LowsW-1:0] lows, input logic [Tables*HighsW-1:0] highs);
    int unsigned       t, h, l;
    logic [FieldW-1:0] high;
    logic [LowsW-1:0]  row;
    for (t = 0; t < Tables; t++) begin
      for (h = 0; h < HighEntries; h++) begin
        high = FieldW'(signed'(highs[(t*HighEntries+h)*FieldW +: HalfW]));
        for (l = 0; l < LowEntries; l++) begin
          row[l*FieldW +: FieldW] =
              EntryMask & (high + FieldW'(signed'(lows[(t*LowEntries+l)*FieldW +: HalfW])));
        end
        join_tables[(t*HighEntries+h)*LowsW +: LowsW] = row;
      end
    end
  endfunction

  logic [Tables*LowsW-1:0]  lows_q;
  logic [Tables*HighsW-1:0] highs_q;
  always_ff @(posedge clk_i) begin
    if (valid_i) lows_q <= low_tables(in_fields(mantissas_i));
    if (valid_i) highs_q <= high_tables(in_fields(mantissas_i));
    if (valid_q) entries_o <= join_tables(lows_q, highs_q);
  end

endmodule
