// SPDX-License-Identifier: Apache-2.0
// Performance counters: every counted cycle has one cause; every beat belongs to one stream.
//
// Function:   six cycle counters (bl_pkg::Cause*) and six beat counters (read streams, outputs,
//             completions), 64 bits each, in the order of docs/registers.md.
// Latency:    one cycle.
// Limits:     63 beats per stream and cycle, all channels together. clear_i wins over counting.

module bl_ctrl_counters (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             clear_i,
  input  logic             count_i,   // this cycle lies between a doorbell and its last response
  input  logic [2:0]       cause_i,
  input  logic [6*6-1:0]   beats_i,   // beats to add, per stream

  output logic [12*64-1:0] counters_o
);

  for (genvar c = 0; c < bl_pkg::NumCauses; c++) begin : gen_cause
    logic [63:0] count_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i)               count_q <= '0;
      else if (count_i && cause_i == 3'(c)) count_q <= count_q + 64'd1;
    end
    assign counters_o[c*64 +: 64] = count_q;
  end

  for (genvar s = 0; s < 6; s++) begin : gen_stream
    logic [63:0] count_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i)           count_q <= '0;
      else if (beats_i[s*6 +: 6] != '0) count_q <= count_q + 64'(beats_i[s*6 +: 6]);
    end
    assign counters_o[(bl_pkg::NumCauses+s)*64 +: 64] = count_q;
  end

endmodule
