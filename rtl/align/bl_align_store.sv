// SPDX-License-Identifier: Apache-2.0
// The activation buffer: aligns arriving activations and keeps their mantissas for the whole job.
//
// Function:   a job announces its groups; its activations are aligned and written into a ring of
//             MaxK columns, so the next job's activations come in behind the current one's as long
//             as both fit. The reader addresses slices by their place in the ring and releases a
//             job's slices when it has read them for the last time.
// Latency:    that of bl_align plus one cycle; reads take one cycle.
// Throughput: one slice in and one slice out per cycle.
// Limits:     jobs of at most MaxK columns, checked by bl_ctrl. Group data (exponent, sum, NaN
//             flag) is valid when the group's last slice has been written (`group_written_o`).

`include "bl_assert.svh"

module bl_align_store #(
  parameter int unsigned Columns,
  parameter int unsigned GroupSlices,
  parameter int unsigned MantissaBits,
  parameter int unsigned MaxK,
  parameter int unsigned JobQueue,
  localparam int unsigned Depth = MaxK / Columns,
  localparam int unsigned AddrW = $clog2(Depth),
  localparam int unsigned CountW = $clog2(Depth + 1),
  localparam int unsigned SumW = MantissaBits + 8
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            job_valid_i,
  output logic                            job_ready_o,
  input  logic [CountW-1:0]               job_slices_i,

  input  logic                            valid_i,
  output logic                            ready_o,
  input  logic [Columns*16-1:0]           data_i,

  output logic                            group_written_o,
  input  logic                            read_i,
  input  logic [AddrW-1:0]                read_slice_i,
  output logic [Columns*MantissaBits-1:0] mantissas_o,
  output logic [4:0]                      exponent_o,
  output logic [SumW-1:0]                 sum_o,
  output logic                            nan_o,

  input  logic                            release_i,
  input  logic [CountW-1:0]               release_slices_i
);

  localparam int unsigned Groups = Depth / GroupSlices;
  localparam int unsigned GroupW = $clog2(Groups);
  localparam int unsigned GroupShift = $clog2(GroupSlices);

  // ---- Job bookkeeping: the first slice of a job starts a token ---------------------------------

  logic              job_valid, job_pop;
  logic [CountW-1:0] job_slices;
  logic [CountW-1:0] in_slice_q;
  logic              take;

  bl_fifo #(
    .Width(CountW),
    .Depth(JobQueue)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .wvalid_i(job_valid_i),
    .wready_o(job_ready_o),
    .wdata_i (job_slices_i),
    .rvalid_o(job_valid),
    .rready_i(job_pop),
    .rdata_o (job_slices)
  );

  logic align_ready;
  assign ready_o = align_ready && job_valid;
  assign take    = valid_i && ready_o;
  assign job_pop = take && in_slice_q == job_slices - 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) in_slice_q <= '0;
    else if (take) in_slice_q <= job_pop ? '0 : in_slice_q + 1'b1;
  end

  // ---- Alignment --------------------------------------------------------------------------------

  logic                            slice_valid, slice_ready, slice_last;
  logic [Columns*MantissaBits-1:0] slice_mantissas;
  logic [4:0]                      slice_exponent;
  logic [SumW-1:0]                 slice_sum;
  logic                            slice_nan;

  bl_align #(
    .Columns     (Columns),
    .GroupSlices (GroupSlices),
    .MantissaBits(MantissaBits)
  ) u_align (
    .clk_i,
    .rst_ni,
    .valid_i      (valid_i && job_valid),
    .ready_o      (align_ready),
    .data_i,
    .token_first_i(in_slice_q == '0),
    .valid_o      (slice_valid),
    .ready_i      (slice_ready),
    .mantissas_o  (slice_mantissas),
    .group_last_o (slice_last),
    .exponent_o   (slice_exponent),
    .sum_o        (slice_sum),
    .nan_o        (slice_nan)
  );

  // ---- Ring -------------------------------------------------------------------------------------

  logic [AddrW-1:0]  write_q;
  logic [CountW-1:0] free_q;
  logic              store;

  assign slice_ready = free_q != '0;
  assign store       = slice_valid && slice_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q         <= '0;
      free_q          <= CountW'(Depth);
      group_written_o <= 1'b0;
    end else begin
      if (store) write_q <= write_q == AddrW'(Depth - 1) ? '0 : write_q + 1'b1;
      free_q          <= free_q - CountW'(store) + (release_i ? release_slices_i : '0);
      group_written_o <= store && slice_last;
    end
  end

  bl_ram #(
    .Width(Columns * MantissaBits),
    .Depth(Depth)
  ) u_mantissas (
    .clk_i,
    .we_i   (store),
    .waddr_i(write_q),
    .wdata_i(slice_mantissas),
    .re_i   (read_i),
    .raddr_i(read_slice_i),
    .rdata_o(mantissas_o)
  );

  bl_ram #(
    .Width(SumW + 6),
    .Depth(Groups)
  ) u_groups (
    .clk_i,
    .we_i   (store && slice_last),
    .waddr_i(GroupW'(write_q >> GroupShift)),
    .wdata_i({slice_nan, slice_exponent, slice_sum}),
    .re_i   (read_i),
    .raddr_i(GroupW'(read_slice_i >> GroupShift)),
    .rdata_o({nan_o, exponent_o, sum_o})
  );

  `BL_ASSERT(ReleasesWhatIsHeld,
             !release_i || 32'(free_q) + 32'(release_slices_i) <= Depth,
             "more slices were released than the buffer holds")

endmodule
