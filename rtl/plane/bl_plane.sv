// SPDX-License-Identifier: Apache-2.0
// Turns the weight stream into plane words for the array.
//
// Function:   BCQ mode: plane words as they are stored, joined from or split into memory beats.
// Latency:    none when a beat is a plane word, else one cycle after its last beat.
// Throughput: one plane word per cycle, or per PlaneW / BeatW beats.
// Limits:     PlaneW is a multiple of BeatW.

module bl_plane #(
  parameter int unsigned BeatW,
  parameter int unsigned PlaneW
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              valid_i,
  output logic              ready_o,
  input  logic [BeatW-1:0]  data_i,

  output logic              valid_o,
  input  logic              ready_i,
  output logic [PlaneW-1:0] data_o
);

  bl_gearbox #(
    .InW (BeatW),
    .OutW(PlaneW)
  ) u_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i,
    .valid_o,
    .ready_i,
    .data_o,
    .drop_i(1'b0)
  );

endmodule
