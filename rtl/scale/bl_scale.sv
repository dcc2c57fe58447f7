// SPDX-License-Identifier: Apache-2.0
// Multiplies binary sums by their scales, and group sums by their offsets.
//
// Function:   takes the sums S of all rows for one group and plane, and one vector of binary16
//             scales; gives, for Lanes rows at a time, the product of S and the scale's significand
//             with the exponent of the term: value = product * 2^(shift - 36 - MantissaBits).
//             After the last plane of a group with offsets it takes one more vector (the offsets)
//             and multiplies the group sum of the mantissas by it.
// Latency:    1 cycle from a sum and its scale vector to the first lanes' product.
// Throughput: Rows / Lanes cycles per vector. On groups of several slices this hides behind the
//             array: RowsPerScale * 2 <= slices per group never stalls, whatever b is.
// Limits:     scales are finite (the host refuses others).
//
// Stalls only while the scale vector is missing, the sums queue up behind it.

`include "bl_assert.svh"

module bl_scale #(
  parameter int unsigned Rows,
  parameter int unsigned RowsPerScale,
  parameter int unsigned SumW,
  localparam int unsigned Lanes = Rows / RowsPerScale,
  localparam int unsigned ProductW = SumW + 12,
  localparam int unsigned PhaseW = RowsPerScale > 1 ? $clog2(RowsPerScale) : 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      sum_valid_i,
  output logic                      sum_ready_o,
  input  logic [Rows*SumW-1:0]      sums_i,
  input  logic                      plane_last_i,   // last plane of the group
  input  logic                      tile_last_i,    // and of the row tile
  input  logic                      job_last_i,     // and of the job
  input  logic                      has_offset_i,

  // Of the group of `sums_i`; taken with its last plane.
  input  logic [4:0]                exponent_i,
  input  logic [SumW-1:0]           group_sum_i,
  input  logic                      nan_i,
  output logic                      group_pop_o,

  input  logic                      scale_valid_i,
  output logic                      scale_ready_o,
  output logic                      scale_drop_o,   // with ready: the job's last vector
  input  logic [Rows*16-1:0]        scales_i,

  output logic                      term_valid_o,
  output logic [PhaseW-1:0]         term_phase_o,   // rows phase * Lanes ... + Lanes - 1
  output logic                      term_first_o,   // first term of the row tile
  output logic                      term_last_o,    // last term of the row tile
  output logic                      term_nan_o,
  output logic [Lanes*ProductW-1:0] products_o,
  output logic [Lanes*6-1:0]        shifts_o
);

  localparam logic [PhaseW-1:0] LastPhase = PhaseW'(RowsPerScale - 1);

  logic              offset_q;  // the pending vector holds offsets
  logic              first_q;   // the next vector is the row tile's first
  logic [PhaseW-1:0] phase_q;
  logic              go, vector_done, sums_done;

  assign go            = sum_valid_i && scale_valid_i;
  assign vector_done   = go && phase_q == LastPhase;
  assign sums_done     = vector_done && (offset_q || !(plane_last_i && has_offset_i));
  assign scale_ready_o = vector_done;
  assign scale_drop_o  = job_last_i && (offset_q || !has_offset_i);
  assign sum_ready_o   = sums_done;
  assign group_pop_o   = sums_done && plane_last_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      offset_q     <= 1'b0;
      first_q      <= 1'b1;
      phase_q      <= '0;
      term_valid_o <= 1'b0;
    end else begin
      term_valid_o <= go;
      if (go) phase_q <= phase_q == LastPhase ? '0 : phase_q + 1'b1;
      if (vector_done) begin
        offset_q <= !sums_done;
        first_q  <= sums_done && tile_last_i;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (go) begin
      term_phase_o <= phase_q;
      term_first_o <= first_q;
      term_last_o  <= tile_last_i && (offset_q || !has_offset_i);
      term_nan_o   <= nan_i;
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic signed [ProductW-1:0] product_q;
    logic [5:0]                 shift_q;

    always_ff @(posedge clk_i) begin
      if (go) begin
        logic [15:0]            half;
        logic signed [SumW-1:0] factor;
        logic signed [11:0]     significand;
        half        = scales_i[(32'(phase_q)*Lanes+l)*16 +: 16];
        factor      = offset_q ? group_sum_i : sums_i[(32'(phase_q)*Lanes+l)*SumW +: SumW];
        significand = {1'b0, half[14:10] != 5'd0, half[9:0]};
        significand = half[15] ? -significand : significand;
        product_q  <= ProductW'(factor) * ProductW'(significand);
        shift_q    <= 6'(exponent_i) + 6'(half[14:10]) - 6'(half[14:10] != 5'd0);
      end
    end

    assign products_o[l*ProductW +: ProductW] = product_q;
    assign shifts_o[l*6 +: 6]                 = shift_q;
  end

  `BL_ASSERT(TileEndsWithAPlane, !(sum_valid_i && tile_last_i && !plane_last_i),
             "a row tile ends with the last plane of a group")
  `BL_ASSERT(JobEndsWithATile, !(sum_valid_i && job_last_i && !tile_last_i),
             "a job ends with a row tile")

endmodule
