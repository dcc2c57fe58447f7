// SPDX-License-Identifier: Apache-2.0
// One exact accumulator per row.
//
// Function:   adds product * 2^shift to the accumulators of Lanes rows per cycle. Accumulators
//             count in units of 2^-48, so every sum of the contract is exact. After the last term
//             of a row tile the sums move to a result register per row and leave one row at a time,
//             in order.
// Latency:    2 cycles from the last term to the first row's result.
// Throughput: Lanes terms per cycle; Rows cycles to drain a row tile, behind the next one's terms.
// Limits:     the last terms of a row tile may come only when the previous tile has left
//             (`drained_o` reports that; the issuer holds a credit). AccumulatorBits must be the
//             exact width of docs/arithmetic.md: nothing saturates.

`include "bl_assert.svh"

module bl_accum #(
  parameter int unsigned Rows,
  parameter int unsigned RowsPerScale,
  parameter int unsigned ProductW,
  parameter int unsigned MantissaBits,
  parameter int unsigned AccumulatorBits,
  localparam int unsigned Lanes = Rows / RowsPerScale,
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       term_valid_i,
  input  logic [PhaseW-1:0]          term_phase_i,
  input  logic                       term_first_i,
  input  logic                       term_last_i,
  input  logic                       term_nan_i,
  input  logic [Lanes*ProductW-1:0]  products_i,
  input  logic [Lanes*6-1:0]         shifts_i,

  output logic                       valid_o,
  input  logic                       ready_i,
  output logic [AccumulatorBits-1:0] value_o,
  output logic                       nan_o,
  output logic                       drained_o   // pulse: the result registers are free again
);

  localparam int unsigned RowW = $clog2(Rows);
  // A term is product * 2^(shift - 36 - MantissaBits); in units of 2^-48 that is a left shift by
  // shift + 12 - MantissaBits. For MantissaBits > 12 the bits below the point are always zero:
  // activations are multiples of 2^-24 whatever their exponent.
  localparam int unsigned DropBits = MantissaBits > 12 ? MantissaBits - 12 : 0;
  localparam int unsigned PadBits = MantissaBits < 12 ? 12 - MantissaBits : 0;
  localparam int unsigned WideW = AccumulatorBits + DropBits;

  logic                              s1_valid_q, s1_first_q, s1_last_q, s1_nan_q;
  logic [PhaseW-1:0]                 s1_phase_q;
  logic signed [AccumulatorBits-1:0] acc_q [Rows];
  logic signed [AccumulatorBits-1:0] result_q [Rows];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) s1_valid_q <= 1'b0;
    else         s1_valid_q <= term_valid_i;
    if (term_valid_i) begin
      s1_first_q <= term_first_i;
      s1_last_q  <= term_last_i;
      s1_nan_q   <= term_nan_i;
      s1_phase_q <= term_phase_i;
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic signed [ProductW-1:0]        product;
    logic signed [WideW-1:0]           wide;
    logic signed [AccumulatorBits-1:0] term_q;
    logic signed [AccumulatorBits-1:0] sum;

    assign product = products_i[l*ProductW +: ProductW];

    always_comb begin
      wide = '0;
      if (term_valid_i) wide = WideW'(product) << (7'(shifts_i[l*6 +: 6]) + 7'(PadBits));
    end

    always_ff @(posedge clk_i) begin
      if (term_valid_i) term_q <= AccumulatorBits'(wide >>> DropBits);
    end

    if (DropBits > 0) begin : gen_dropped
      `BL_ASSERT(DroppedBitsAreZero,
                 !(term_valid_i && !term_nan_i && wide[DropBits-1:0] != '0),
                 "a term is not a multiple of the accumulator's unit")
    end

    assign sum = s1_first_q ? term_q : acc_q[32'(s1_phase_q)*Lanes+l] + term_q;

    always_ff @(posedge clk_i) begin
      if (s1_valid_q) begin
        acc_q[32'(s1_phase_q)*Lanes+l] <= sum;
        if (s1_last_q) result_q[32'(s1_phase_q)*Lanes+l] <= sum;
      end
    end
  end

  // ---- Drain: one row per cycle -----------------------------------------------------------------

  logic            draining_q;
  logic [RowW-1:0] row_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      draining_q <= 1'b0;
      row_q      <= '0;
      drained_o  <= 1'b0;
    end else begin
      drained_o <= 1'b0;
      if (s1_valid_q && s1_last_q && s1_phase_q == PhaseW'(RowsPerScale - 1)) begin
        draining_q <= 1'b1;
        nan_o      <= s1_nan_q;
      end else if (draining_q && ready_i) begin
        row_q <= row_q + 1'b1;
        if (row_q == RowW'(Rows - 1)) begin
          draining_q <= 1'b0;
          drained_o  <= 1'b1;
        end
      end
    end
  end

  assign valid_o = draining_q;
  assign value_o = result_q[row_q];

  `BL_ASSERT(ResultsAreFree, !(s1_valid_q && s1_last_q && draining_q),
             "a row tile ended before the previous one had left")
  `BL_ASSERT_STABLE(OutIsStable, valid_o, ready_i, value_o)

endmodule
