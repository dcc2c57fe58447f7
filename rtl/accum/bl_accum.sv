// SPDX-License-Identifier: Apache-2.0
// One accumulator per row, for one token.
//
// Function:   adds up the terms of a row tile: per phase those of Lanes rows, and their offset
//             terms with them. A term is round_half_up(product * 2^distance) accumulator units: a
//             unit of 2^-48 and terms that are multiples of it (Exact), or any other unit and each
//             term rounded on its own (narrow accumulators). With the last of a row tile's terms
//             all sums are copied to result registers, which bl_drain reads.
// Latency:    2 cycles from a row tile's last terms to its results. Throughput: a phase per cycle.
// Limits:     48 + 62 bits or fewer are fast to simulate, 128 are possible. Sums fit: nothing
//             saturates. A row tile may end only when the results of the one before have been read
//             (`draining_i` says they have not; the issuer spaces row tiles accordingly).

`include "bl_assert.svh"

module bl_accum #(
  parameter int unsigned Rows,
  parameter int unsigned RowsPerScale,
  parameter int unsigned ProductW,
  parameter int unsigned MantissaBits,
  parameter int unsigned AccumulatorBits,
  parameter bit          Exact,
  parameter int unsigned ResultLanes,
  localparam int unsigned Lanes = Rows / RowsPerScale,
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1,
  localparam int unsigned RowW = $clog2(Rows)
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,

  input  logic                                   term_valid_i,
  input  logic [PhaseW-1:0]                      term_phase_i,   // rows phase * Lanes ...
  input  logic                                   term_first_i,   // of the row tile
  input  logic                                   term_last_i,    // of the row tile
  input  logic                                   term_nan_i,     // the token held a NaN or Inf
  input  logic [Lanes*ProductW-1:0]              products_i,
  input  logic [Lanes*10-1:0]                    distances_i,    // signed
  input  logic                                   offset_valid_i, // only with term_valid_i
  input  logic [Lanes*ProductW-1:0]              offset_products_i,
  input  logic [Lanes*10-1:0]                    offset_distances_i,
  input  logic signed [9:0]                      unit_i,         // log2; taken with the last terms

  output logic                                   tile_done_o,    // results can be read from the
                                                                 // next cycle on
  input  logic                                   draining_i,     // results are read later, too
  input  logic                                   read_i,         // values_o is used
  input  logic [RowW-1:0]                        row_i,          // a multiple of ResultLanes
  output logic [ResultLanes*AccumulatorBits-1:0] values_o,       // of row_i and those after it
  output logic                                   nan_o,
  output logic signed [9:0]                      unit_o
);

  // An accumulator has two limbs, each in a field as wide as a machine word: a simulator works on
  // them much faster than on one wide vector, and synthesis drops the bits that are not in use. The
  // low limb has 48 bits, three steps of bl_accum_place. In the high one the bits above
  // AccumulatorBits repeat the sign and only assertions read them.
  localparam int unsigned LowW = 48;
  localparam int unsigned HighW = AccumulatorBits > LowW + 62 ? 128 : 64;

  logic              s1_valid_q, s1_offset_q, s1_first_q, s1_last_q, s1_nan_q;
  logic [PhaseW-1:0] s1_phase_q;
  logic signed [9:0] s1_unit_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      s1_valid_q  <= 1'b0;
      s1_offset_q <= 1'b0;
    end else begin
      s1_valid_q  <= term_valid_i;
      s1_offset_q <= offset_valid_i;
    end
    if (term_valid_i) begin
      s1_phase_q <= term_phase_i;
      s1_first_q <= term_first_i;
      s1_last_q  <= term_last_i;
      s1_nan_q   <= term_nan_i;
    end
    if (term_valid_i && term_last_i) s1_unit_q <= unit_i;
  end

  // ---- Stage 1: terms in their places -----------------------------------------------------------

  logic [Lanes*64-1:0]    term_lows_q, offset_lows_q;
  logic [Lanes*HighW-1:0] term_highs_q, offset_highs_q;

  bl_accum_place #(
    .Lanes          (Lanes),
    .ProductW       (ProductW),
    .MantissaBits   (MantissaBits),
    .AccumulatorBits(AccumulatorBits),
    .Exact          (Exact),
    .LowW           (LowW),
    .HighW          (HighW)
  ) u_terms (
    .clk_i,
    .rst_ni,
    .valid_i    (term_valid_i),
    .nan_i      (term_nan_i),
    .products_i (products_i),
    .distances_i(distances_i),
    .lows_o     (term_lows_q),
    .highs_o    (term_highs_q)
  );

  bl_accum_place #(
    .Lanes          (Lanes),
    .ProductW       (ProductW),
    .MantissaBits   (MantissaBits),
    .AccumulatorBits(AccumulatorBits),
    .Exact          (Exact),
    .LowW           (LowW),
    .HighW          (HighW)
  ) u_offset_terms (
    .clk_i,
    .rst_ni,
    .valid_i    (offset_valid_i),
    .nan_i      (term_nan_i),
    .products_i (offset_products_i),
    .distances_i(offset_distances_i),
    .lows_o     (offset_lows_q),
    .highs_o    (offset_highs_q)
  );

  // ---- Stage 2: accumulate ----------------------------------------------------------------------

  logic [Rows*64-1:0]      sum_lows_q, result_lows_q;
  logic [Rows*HighW-1:0]   sum_highs_q, result_highs_q;
  logic [LowW-1:0]         low [Lanes];
  logic signed [HighW-1:0] high [Lanes];
  logic signed [HighW-1:0] overflow;  // any lane's bits that do not repeat the sign
  always_comb begin
    int unsigned             l, row;
    logic [LowW-1:0]         keep_low, sum_low;
    logic [LowW:0]           add_low, term_low, offset_low;
    logic signed [HighW-1:0] keep_high, add_high, sum_high, term_high, offset_high, top;
    logic [LowW+1:0]         low_sum;
    keep_low    = s1_first_q ? '0 : '1;
    keep_high   = s1_first_q ? '0 : '1;
    add_low     = s1_offset_q ? '1 : '0;
    add_high    = s1_offset_q ? '1 : '0;
    row         = '0;
    sum_low     = '0;
    sum_high    = '0;
    term_low    = '0;
    term_high   = '0;
    offset_low  = '0;
    offset_high = '0;
    low_sum     = '0;
    top         = '0;
    overflow    = '0;
    for (l = 0; l < Lanes; l++) begin
      low[l]  = '0;
      high[l] = '0;
    end
    if (s1_valid_q) begin
      for (l = 0; l < Lanes; l++) begin
        row         = RowsPerScale > 1 ? 32'(s1_phase_q)*Lanes + l : l;
        sum_low     = sum_lows_q[row*64 +: LowW] & keep_low;
        sum_high    = sum_highs_q[row*HighW +: HighW] & keep_high;
        term_low    = term_lows_q[l*64 +: LowW+1];
        term_high   = term_highs_q[l*HighW +: HighW];
        offset_low  = offset_lows_q[l*64 +: LowW+1] & add_low;
        offset_high = offset_highs_q[l*HighW +: HighW] & add_high;
        low_sum     = (LowW+2)'(sum_low) +
                      (LowW+2)'(term_low[LowW:1]) + (LowW+2)'(term_low[0]) +
                      (LowW+2)'(offset_low[LowW:1]) + (LowW+2)'(offset_low[0]);
        sum_high    = sum_high + term_high + offset_high + HighW'(low_sum[LowW+1:LowW]);
        low[l]      = low_sum[LowW-1:0];
        high[l]     = sum_high;
        top         = AccumulatorBits > LowW
            ? sum_high >>> (AccumulatorBits > LowW ? AccumulatorBits - LowW - 1 : 0)
            : $signed({sum_high[HighW-LowW-1:0], low_sum[LowW-1:0]}) >>> (AccumulatorBits - 1);
        overflow    = overflow | (top ^ (top >>> (HighW - 1)));
      end
    end
  end

  assign tile_done_o = s1_valid_q && s1_last_q && s1_phase_q == PhaseW'(RowsPerScale - 1);

  // With the last phase's sums those of the other phases move to the result registers, too.
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam bit LastPhase = r >= Rows - Lanes;
    always_ff @(posedge clk_i) begin
      if (s1_valid_q && (RowsPerScale == 1 || s1_phase_q == PhaseW'(r / Lanes))) begin
        sum_lows_q[r*64 +: 64]        <= 64'(low[r % Lanes]);
        sum_highs_q[r*HighW +: HighW] <= high[r % Lanes];
      end
      if (tile_done_o) begin
        result_lows_q[r*64 +: 64] <= LastPhase ? 64'(low[r % Lanes]) : sum_lows_q[r*64 +: 64];
        result_highs_q[r*HighW +: HighW] <=
            LastPhase ? high[r % Lanes] : sum_highs_q[r*HighW +: HighW];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (tile_done_o) begin
      nan_o  <= s1_nan_q;
      unit_o <= s1_unit_q;
    end
  end

  // ---- Results ----------------------------------------------------------------------------------

  logic [ResultLanes*64-1:0]    result_lows;
  logic [ResultLanes*HighW-1:0] result_highs;
  always_comb begin
    int unsigned k, group;
    k            = 0;
    group        = 32'(row_i) / ResultLanes;
    result_lows  = '0;
    result_highs = '0;
    values_o     = '0;
    if (read_i) begin
      result_lows  = result_lows_q[group*ResultLanes*64 +: ResultLanes*64];
      result_highs = result_highs_q[group*ResultLanes*HighW +: ResultLanes*HighW];
      for (k = 0; k < ResultLanes; k++) begin
        values_o[k*AccumulatorBits +: AccumulatorBits] =
            AccumulatorBits'({result_highs[k*HighW +: HighW], result_lows[k*64 +: LowW]});
      end
    end
  end
  logic unused_fields;
  assign unused_fields = ^{result_highs, result_lows, sum_lows_q, term_lows_q, offset_lows_q};

  `BL_ASSERT_IF(OffsetsComeWithTerms, offset_valid_i, term_valid_i,
                "offset terms came without terms")
  `BL_ASSERT_IF(SumsFit, s1_valid_q, s1_nan_q || overflow == '0,
                "a sum does not fit into the accumulator")
  `BL_ASSERT_IF(ResultsAreFree, tile_done_o, !draining_i,
                "a row tile ended before the results of the one before had been read")
  `BL_ASSERT_IF(RowsAreGroups, read_i, 32'(row_i) % ResultLanes == 0,
                "results are read in groups of ResultLanes rows")

endmodule
