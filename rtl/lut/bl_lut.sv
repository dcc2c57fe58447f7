// SPDX-License-Identifier: Apache-2.0
// Half tables of all +/- sums of Mu activations.
//
// Function:   for table t with activations m_0 .. m_(Mu-1) of the slice, entry j (0 <= j <
//             HalfEntries) is m_(Mu-1) + sum over k < Mu-1 of (bit k of j ? +m_k : -m_k). The other
//             half of the table is its negative, mirrored: look up ~j and negate. Where Mu does not
//             divide Columns the last table's missing activations are 0.
// Latency:    2 cycles. Throughput: one slice per cycle; never stalls.
// Limits:     Mu = 1..4; an entry needs MantissaBits + ceil(log2 Mu) bits.
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
  localparam int unsigned EntryW = MantissaBits + $clog2(Mu)
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,

  input  logic                                 valid_i,
  input  logic [Columns*MantissaBits-1:0]      mantissas_i,

  output logic                                 valid_o,
  output logic [Tables*HalfEntries*EntryW-1:0] entries_o
);

  // Signed: for a small Mu the loops below have no turn.
  localparam int LowMu = Mu / 2;
  localparam int HighMu = Mu - LowMu;
  localparam int unsigned LowEntries = 1 << LowMu;
  localparam int unsigned HighEntries = 1 << (HighMu - 1);
  localparam int unsigned HalfW = MantissaBits + 1;

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

  logic signed [MantissaBits-1:0] m [Tables*Mu];
  for (genvar c = 0; c < Tables * Mu; c++) begin : gen_m
    if (c < Columns) begin : gen_column
      assign m[c] = mantissas_i[c*MantissaBits +: MantissaBits];
    end else begin : gen_missing
      assign m[c] = '0;
    end
  end

  logic signed [HalfW-1:0] low_d [Tables*LowEntries];
  logic signed [HalfW-1:0] low_q [Tables*LowEntries];
  logic signed [HalfW-1:0] high_d [Tables*HighEntries];
  logic signed [HalfW-1:0] high_q [Tables*HighEntries];

  /* verilator lint_off LATCH */  // all elements are assigned: long loops are not followed
  always_comb begin
    logic signed [HalfW-1:0] low, high;
    low  = '0;
    high = '0;
    for (int unsigned i = 0; i < Tables * LowEntries; i++) low_d[i] = '0;
    for (int unsigned i = 0; i < Tables * HighEntries; i++) high_d[i] = '0;
    if (valid_i) begin
      for (int unsigned t = 0; t < Tables; t++) begin
        for (int unsigned j = 0; j < LowEntries; j++) begin
          low = '0;
          for (int i = 0; i < LowMu; i++) begin
            low = ((j >> i) & 1) != 0 ? low + HalfW'(m[t*Mu+i]) : low - HalfW'(m[t*Mu+i]);
          end
          low_d[t*LowEntries+j] = low;
        end
        for (int unsigned j = 0; j < HighEntries; j++) begin
          high = HalfW'(m[t*Mu+Mu-1]);
          for (int i = 0; i < HighMu - 1; i++) begin
            high = ((j >> i) & 1) != 0 ? high + HalfW'(m[t*Mu+LowMu+i])
                                       : high - HalfW'(m[t*Mu+LowMu+i]);
          end
          high_d[t*HighEntries+j] = high;
        end
      end
    end
  end
  /* verilator lint_on LATCH */

  for (genvar i = 0; i < Tables * LowEntries; i++) begin : gen_low
    always_ff @(posedge clk_i) begin
      if (valid_i) low_q[i] <= low_d[i];
    end
  end

  for (genvar i = 0; i < Tables * HighEntries; i++) begin : gen_high
    always_ff @(posedge clk_i) begin
      if (valid_i) high_q[i] <= high_d[i];
    end
  end

  logic [Tables*HalfEntries*EntryW-1:0] entries_d;
  always_comb begin
    entries_d = '0;
    if (valid_q) begin
      for (int unsigned t = 0; t < Tables; t++) begin
        for (int unsigned j = 0; j < HalfEntries; j++) begin
          entries_d[(t*HalfEntries+j)*EntryW +: EntryW] =
              EntryW'(low_q[t*LowEntries+j%LowEntries]) +
              EntryW'(high_q[t*HighEntries+j/LowEntries]);
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q) entries_o <= entries_d;
  end

endmodule
