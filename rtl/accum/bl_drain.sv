// SPDX-License-Identifier: Apache-2.0
// Reads the finished sums of all tokens out of their result registers.
//
// Function:   when a row tile is done in every token's bl_accum, hands its sums on, ResultLanes
//             rows of a token at a time: token by token, rows in order.
// Latency:    2 cycles from tile_done_i to the first sums.
// Throughput: ResultLanes sums per cycle, without a gap: tokens * Rows / ResultLanes cycles per row
//             tile, behind the next one's terms.
// Limits:     never stalls. A row tile is done at the earliest when the last sums of the one before
//             are being read (`draining_o` says that more are to come; the issuer spaces row tiles
//             accordingly). tokens_i is 1 .. Tokens.

`include "bl_assert.svh"

module bl_drain #(
  parameter int unsigned Rows,
  parameter int unsigned Tokens,
  parameter int unsigned ResultLanes,
  parameter int unsigned AccumulatorBits,
  localparam int unsigned RowW = $clog2(Rows),
  localparam int unsigned ValuesW = ResultLanes * AccumulatorBits
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      tile_done_i,
  input  logic [4:0]                tokens_i,    // taken with tile_done_i
  input  logic                      binary16_i,  // taken with tile_done_i
  output logic                      draining_o,  // results are to be read after this cycle, too

  output logic [Tokens-1:0]         read_o,      // of this token these rows are read
  output logic [RowW-1:0]           row_o,
  input  logic [Tokens*ValuesW-1:0] values_i,
  input  logic [Tokens-1:0]         nans_i,
  input  logic [Tokens*10-1:0]      units_i,

  output logic                      valid_o,
  output logic [ValuesW-1:0]        values_o,
  output logic                      nan_o,
  output logic signed [9:0]         unit_o,
  output logic [3:0]                token_o,
  output logic                      binary16_o
);

  localparam int unsigned TokenW = Tokens > 1 ? $clog2(Tokens) : 1;
  localparam logic [RowW-1:0] LastRow = RowW'(Rows - ResultLanes);

  logic              draining_q, binary16_q;
  logic [TokenW-1:0] token_q, last_token_q;
  logic [RowW-1:0]   row_q;
  logic              last;

  assign draining_o = draining_q && !last;
  assign read_o     = draining_q ? Tokens'(1) << token_q : '0;
  assign row_o      = row_q;
  assign last       = token_q == last_token_q && row_q == LastRow;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      draining_q <= 1'b0;
      valid_o    <= 1'b0;
      token_q    <= '0;
      row_q      <= '0;
    end else begin
      valid_o    <= draining_q;
      draining_q <= tile_done_i || draining_o;
      if (draining_q) begin
        row_q <= row_q == LastRow ? '0 : row_q + RowW'(ResultLanes);
        if (row_q == LastRow) token_q <= last ? '0 : token_q + 1'b1;
      end
    end
    if (tile_done_i) begin
      last_token_q <= TokenW'(tokens_i - 5'd1);
      binary16_q   <= binary16_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (draining_q) begin
      for (int unsigned t = 0; t < Tokens; t++) begin
        if (read_o[t]) begin
          values_o <= values_i[t*ValuesW +: ValuesW];
          nan_o    <= nans_i[t];
          unit_o   <= units_i[t*10 +: 10];
        end
      end
      token_o    <= 4'(token_q);
      binary16_o <= binary16_q;
    end
  end

  `BL_ASSERT_IF(TileIsDrained, tile_done_i, !draining_o,
                "a row tile is done before the one before had been drained")
  `BL_ASSERT_IF(TokensExist, tile_done_i, tokens_i != 5'd0 && 32'(tokens_i) <= Tokens,
                "a row tile has no tokens, or more than there are")

endmodule
