// SPDX-License-Identifier: Apache-2.0
// The scale vectors of the sums to come: offsets, scales or centroids of all rows of a row tile.
//
// Function:   cuts the scale stream into vectors of VectorW bits and keeps Depth of them. The
//             reader names a vector; `scales_o` is that vector or, where an offset is due, the one
//             behind it while `offsets_o` is the one named. It may name the same vectors again
//             until it releases them, in order.
// Latency:    1 cycle from `read_i` to the vectors, which stay until the next read.
// Throughput: two vectors in and two out per cycle.
// Limits:     a job's stream is whole pairs of vectors; the rest of its last line is dropped. The
//             reader holds credits: `loaded_o` announces two vectors.
//
// Vectors alternate between two memories, so two neighbouring ones are read at once.

`include "bl_assert.svh"

module bl_scale_ring #(
  parameter int unsigned LineW,
  parameter int unsigned VectorW,
  parameter int unsigned Depth,      // vectors, a power of two
  parameter int unsigned JobQueue,
  localparam int unsigned AddrW = $clog2(Depth)
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               job_valid_i,
  output logic               job_ready_o,
  input  logic [31:0]        job_pairs_i,   // at least 1

  input  logic               valid_i,
  output logic               ready_o,
  input  logic [LineW-1:0]   data_i,

  output logic               loaded_o,      // pulse: two more vectors may be named
  input  logic               read_i,
  input  logic [AddrW-1:0]   vector_i,
  input  logic               offset_i,
  input  logic [5:0]         release_i,     // vectors, with read_i
  output logic [VectorW-1:0] scales_o,
  output logic [VectorW-1:0] offsets_o
);

  localparam int unsigned PairW = 2 * VectorW;
  localparam int unsigned CountW = $clog2(Depth + 1);

  // ---- Pairs that come in -----------------------------------------------------------------------

  logic             job_valid, job_pop;
  logic [31:0]      job_pairs, pairs_q;
  logic             pair_valid, load;
  logic [PairW-1:0] pair;
  logic [CountW-1:0] free_q;
  logic [AddrW-2:0]  write_q;

  bl_fifo #(
    .Width(32),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i (job_pairs_i),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o (job_pairs)
  );

  bl_gearbox #(
    .InW (LineW),
    .OutW(PairW)
  ) u_gearbox (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i,
    .valid_o(pair_valid),
    .ready_i(load),
    .data_o (pair),
    .drop_i (job_pop)
  );

  assign load    = pair_valid && job_valid && free_q >= CountW'(2);
  assign job_pop = load && pairs_q == job_pairs - 32'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pairs_q  <= '0;
      write_q  <= '0;
      free_q   <= CountW'(Depth);
      loaded_o <= 1'b0;
    end else begin
      if (load) begin
        pairs_q <= job_pop ? '0 : pairs_q + 32'd1;
        write_q <= write_q + 1'b1;
      end
      free_q   <= free_q - (load ? CountW'(2) : '0) + (read_i ? CountW'(release_i) : '0);
      loaded_o <= load;
    end
  end

  // ---- Two neighbouring vectors at once ---------------------------------------------------------

  logic [VectorW-1:0] even, odd;
  logic               odd_q, offset_q;

  bl_ram #(
    .Width(VectorW),
    .Depth(Depth / 2)
  ) u_even (
    .clk_i,
    .we_i   (load),
    .waddr_i(write_q),
    .wdata_i(pair[0 +: VectorW]),
    .re_i   (read_i && (offset_i || !vector_i[0])),
    .raddr_i(vector_i[AddrW-1:1] + (AddrW - 1)'(vector_i[0])),
    .rdata_o(even)
  );

  bl_ram #(
    .Width(VectorW),
    .Depth(Depth / 2)
  ) u_odd (
    .clk_i,
    .we_i   (load),
    .waddr_i(write_q),
    .wdata_i(pair[VectorW +: VectorW]),
    .re_i   (read_i && (offset_i || vector_i[0])),
    .raddr_i(vector_i[AddrW-1:1]),
    .rdata_o(odd)
  );

  always_ff @(posedge clk_i) begin
    if (read_i) begin
      odd_q    <= vector_i[0];
      offset_q <= offset_i;
    end
  end

  assign scales_o  = odd_q != offset_q ? odd : even;
  assign offsets_o = odd_q ? odd : even;

  `BL_ASSERT_IF(ReleasesWhatIsHeld, read_i, 32'(free_q) + 32'(release_i) <= Depth,
                "more scale vectors were released than the ring holds")

endmodule
