// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite register file: docs/registers.md is its map.
//
// Latency:    a write is answered two cycles after address and data are both there; a read in the
//             cycle after its address.
// Throughput: one write per three cycles, one read per two.
// Limits:     32-bit accesses. Partial writes, writes to read-only registers and unmapped addresses
//             get SLVERR and change nothing. Ring addresses are 64-byte aligned: bits 5:0 are 0.

`include "bl_assert.svh"

module bl_ctrl_registers #(
  parameter logic [31:0] ConfigHash,
  parameter int unsigned NumCounters
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic [11:0]               awaddr_i,
  input  logic                      awvalid_i,
  output logic                      awready_o,
  input  logic [31:0]               wdata_i,
  input  logic [3:0]                wstrb_i,
  input  logic                      wvalid_i,
  output logic                      wready_o,
  output logic [1:0]                bresp_o,
  output logic                      bvalid_o,
  input  logic                      bready_i,
  input  logic [11:0]               araddr_i,
  input  logic                      arvalid_i,
  output logic                      arready_o,
  output logic [31:0]               rdata_o,
  output logic [1:0]                rresp_o,
  output logic                      rvalid_o,
  input  logic                      rready_i,

  output logic                      enable_o,
  output logic                      clear_counters_o,  // pulse
  output logic [63:0]               ring_base_o,
  output logic [63:0]               completion_base_o,
  output logic [15:0]               ring_mask_o,
  output logic [31:0]               doorbell_o,
  input  logic [31:0]               completed_i,
  input  logic                      busy_i,
  input  logic                      record_error_i,
  input  logic                      irq_set_i,         // pulse
  output logic                      irq_o,
  input  logic [NumCounters*64-1:0] counters_i
);

  localparam logic [1:0] RespOkay = 2'b00;
  localparam logic [1:0] RespSlverr = 2'b10;
  localparam logic [11:0] CountersAddr = bl_reg_pkg::REG_CYCLES_BUSY_ADDR;
  localparam int unsigned CounterWords = 2 * NumCounters;

  logic irq_enable_q, irq_status_q;

  // ---- Writes -----------------------------------------------------------------------------------

  // Address and data wait in registers of their own, so that no ready depends on a valid.
  logic        awvalid_q, wvalid_q;
  logic [11:0] awaddr_q;
  logic [31:0] wdata_q;
  logic [3:0]  wstrb_q;
  logic        write, writable, accept;
  assign awready_o = !awvalid_q;
  assign wready_o  = !wvalid_q;
  assign write     = awvalid_q && wvalid_q && !bvalid_o;
  assign accept    = write && writable && wstrb_q == 4'hF;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      awvalid_q <= 1'b0;
      wvalid_q  <= 1'b0;
    end else begin
      awvalid_q <= awvalid_q ? !write : awvalid_i;
      wvalid_q  <= wvalid_q ? !write : wvalid_i;
    end
    if (!awvalid_q) awaddr_q <= awaddr_i;
    if (!wvalid_q)  {wdata_q, wstrb_q} <= {wdata_i, wstrb_i};
  end

  always_comb begin
    case (awaddr_q)
      bl_reg_pkg::REG_CONTROL_ADDR,
      bl_reg_pkg::REG_RING_BASE_ADDR,
      bl_reg_pkg::REG_RING_BASE_ADDR + 12'd4,
      bl_reg_pkg::REG_COMPLETION_BASE_ADDR,
      bl_reg_pkg::REG_COMPLETION_BASE_ADDR + 12'd4,
      bl_reg_pkg::REG_RING_MASK_ADDR,
      bl_reg_pkg::REG_DOORBELL_ADDR,
      bl_reg_pkg::REG_IRQ_ENABLE_ADDR,
      bl_reg_pkg::REG_IRQ_STATUS_ADDR: writable = 1'b1;
      default:                         writable = 1'b0;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bvalid_o          <= 1'b0;
      enable_o          <= 1'b0;
      clear_counters_o  <= 1'b0;
      ring_base_o       <= '0;
      completion_base_o <= '0;
      ring_mask_o       <= '0;
      doorbell_o        <= '0;
      irq_enable_q      <= 1'b0;
      irq_status_q      <= 1'b0;
    end else begin
      if (write) begin
        bvalid_o <= 1'b1;
        bresp_o  <= accept ? RespOkay : RespSlverr;
      end else if (bready_i) begin
        bvalid_o <= 1'b0;
      end
      clear_counters_o <= 1'b0;
      if (irq_set_i) irq_status_q <= 1'b1;
      if (accept) begin
        case (awaddr_q)
          bl_reg_pkg::REG_CONTROL_ADDR: begin
            enable_o         <= wdata_q[bl_reg_pkg::REG_CONTROL_ENABLE_BIT];
            clear_counters_o <= wdata_q[bl_reg_pkg::REG_CONTROL_CLEAR_COUNTERS_BIT];
          end
          bl_reg_pkg::REG_RING_BASE_ADDR:
            ring_base_o[31:0] <= {wdata_q[31:6], 6'd0};
          bl_reg_pkg::REG_RING_BASE_ADDR + 12'd4:       ring_base_o[63:32]       <= wdata_q;
          bl_reg_pkg::REG_COMPLETION_BASE_ADDR:
            completion_base_o[31:0] <= {wdata_q[31:6], 6'd0};
          bl_reg_pkg::REG_COMPLETION_BASE_ADDR + 12'd4: completion_base_o[63:32] <= wdata_q;
          bl_reg_pkg::REG_RING_MASK_ADDR:               ring_mask_o              <= wdata_q[15:0];
          bl_reg_pkg::REG_DOORBELL_ADDR:                doorbell_o               <= wdata_q;
          bl_reg_pkg::REG_IRQ_ENABLE_ADDR:
            irq_enable_q <= wdata_q[bl_reg_pkg::REG_IRQ_ENABLE_DONE_BIT];
          default:  // irq_status: write 1 to clear; a new interrupt wins
            if (wdata_q[bl_reg_pkg::REG_IRQ_STATUS_DONE_BIT] && !irq_set_i) irq_status_q <= 1'b0;
        endcase
      end
    end
  end

  assign irq_o = irq_status_q && irq_enable_q;

  // ---- Reads ------------------------------------------------------------------------------------

  logic        read, mapped;
  logic [31:0] word;
  logic [11:0] counter_offset;
  assign arready_o      = !rvalid_o;
  assign read           = arvalid_i && arready_o;
  assign counter_offset = araddr_i - CountersAddr;

  always_comb begin
    mapped = araddr_i[1:0] == 2'b00;
    word   = '0;
    if (read) case (araddr_i)
      bl_reg_pkg::REG_ID_ADDR:                      word = bl_reg_pkg::REG_ID_RESET;
      bl_reg_pkg::REG_INTERFACE_REVISION_ADDR:
        word = bl_reg_pkg::REG_INTERFACE_REVISION_RESET;
      bl_reg_pkg::REG_CONFIG_HASH_ADDR:             word = ConfigHash;
      bl_reg_pkg::REG_CONTROL_ADDR:
        word[bl_reg_pkg::REG_CONTROL_ENABLE_BIT] = enable_o;
      bl_reg_pkg::REG_STATUS_ADDR: begin
        word[bl_reg_pkg::REG_STATUS_BUSY_BIT]         = busy_i;
        word[bl_reg_pkg::REG_STATUS_RECORD_ERROR_BIT] = record_error_i;
      end
      bl_reg_pkg::REG_RING_BASE_ADDR:               word = ring_base_o[31:0];
      bl_reg_pkg::REG_RING_BASE_ADDR + 12'd4:       word = ring_base_o[63:32];
      bl_reg_pkg::REG_COMPLETION_BASE_ADDR:         word = completion_base_o[31:0];
      bl_reg_pkg::REG_COMPLETION_BASE_ADDR + 12'd4: word = completion_base_o[63:32];
      bl_reg_pkg::REG_RING_MASK_ADDR:               word = {16'd0, ring_mask_o};
      bl_reg_pkg::REG_DOORBELL_ADDR:                word = doorbell_o;
      bl_reg_pkg::REG_COMPLETED_ADDR:               word = completed_i;
      bl_reg_pkg::REG_IRQ_ENABLE_ADDR:
        word[bl_reg_pkg::REG_IRQ_ENABLE_DONE_BIT] = irq_enable_q;
      bl_reg_pkg::REG_IRQ_STATUS_ADDR:
        word[bl_reg_pkg::REG_IRQ_STATUS_DONE_BIT] = irq_status_q;
      default: begin
        mapped = araddr_i[1:0] == 2'b00 && 32'(counter_offset) < 4 * CounterWords;
        if (mapped) word = counters_i[32'(counter_offset[11:2])*32 +: 32];
      end
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rvalid_o <= 1'b0;
    end else if (read) begin
      rvalid_o <= 1'b1;
      rresp_o  <= mapped ? RespOkay : RespSlverr;
      rdata_o  <= word;
    end else if (rready_i) begin
      rvalid_o <= 1'b0;
    end
  end

  `BL_ASSERT_STABLE(ReadDataIsStable, rvalid_o, rready_i, rdata_o)
  `BL_ASSERT_STABLE(WriteResponseIsStable, bvalid_o, bready_i, bresp_o)

endmodule
