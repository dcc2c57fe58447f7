// SPDX-License-Identifier: Apache-2.0
// Changes the width of a word stream; the first word lands in, or comes from, the low bits.
//
// Function:   InW == OutW: a plain connection. OutW > InW: OutW / InW words are joined. InW > OutW:
//             each word is handed on in InW / OutW parts; `drop_i` with an accepted part skips the
//             parts that are left of the word (the end of a job whose length is not whole words).
// Latency:    joining: one cycle after the last part; otherwise none.
// Throughput: the wider side moves one word per max(InW, OutW) / min(InW, OutW) cycles.
// Limits:     one width is a power-of-two multiple of the other.

`include "bl_assert.svh"

module bl_gearbox #(
  parameter int unsigned InW,
  parameter int unsigned OutW
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            valid_i,
  output logic            ready_o,
  input  logic [InW-1:0]  data_i,

  output logic            valid_o,
  input  logic            ready_i,
  output logic [OutW-1:0] data_o,
  input  logic            drop_i
);

  if (InW == OutW) begin : gen_same
    logic unused;
    assign valid_o = valid_i;
    assign ready_o = ready_i;
    assign data_o  = data_i;
    assign unused  = ^{clk_i, rst_ni, drop_i};

  end else if (OutW > InW) begin : gen_join
    localparam int unsigned Parts = OutW / InW;
    localparam int unsigned PartW = $clog2(Parts);

    logic [PartW-1:0] part_q;
    logic             full_q;
    logic             unused;

    assign ready_o = !full_q || ready_i;
    assign valid_o = full_q;
    assign unused  = drop_i;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        part_q <= '0;
        full_q <= 1'b0;
      end else begin
        if (valid_i && ready_o) begin
          part_q <= part_q + 1'b1;
          full_q <= part_q == PartW'(Parts - 1);
        end else if (ready_i) begin
          full_q <= 1'b0;
        end
      end
    end

    for (genvar p = 0; p < Parts; p++) begin : gen_part
      always_ff @(posedge clk_i) begin
        if (valid_i && ready_o && part_q == PartW'(p)) data_o[p*InW +: InW] <= data_i;
      end
    end

    `BL_ASSERT_STABLE(OutIsStable, valid_o, ready_i, data_o)

  end else begin : gen_split
    localparam int unsigned Parts = InW / OutW;
    localparam int unsigned PartW = $clog2(Parts);

    logic [PartW-1:0] part_q;

    assign valid_o = valid_i;
    assign ready_o = ready_i && (drop_i || part_q == PartW'(Parts - 1));
    assign data_o  = data_i[part_q*OutW +: OutW];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) part_q <= '0;
      else if (valid_i && ready_i) part_q <= drop_i ? '0 : part_q + 1'b1;
    end
  end

endmodule
