// SPDX-License-Identifier: Apache-2.0
// The assertion vocabulary. Every assertion has a name and a sentence; all are on in simulation and
// absent in synthesis (Yosys 0.23 does not read them).
//
// They are clocked immediate assertions: concurrent ones sample all of their operands every cycle,
// which costs Verilator a third of its speed (docs/simulation.md).
`ifndef BL_ASSERT_SVH
`define BL_ASSERT_SVH

`ifdef SYNTHESIS
`define BL_ASSERT(name, expr, sentence)
`define BL_ASSERT_IF(name, condition, expr, sentence)
`define BL_ASSERT_STABLE(name, valid, ready, data)
`else
// `expr` holds at every clock edge out of reset.
`define BL_ASSERT(name, expr, sentence) \
  always_ff @(posedge clk_i) begin \
    if (rst_ni) begin \
      name : assert (expr) else $error("%m: %s", sentence); \
    end \
  end
// `expr` holds at every clock edge out of reset at which `condition` does. It is only evaluated
// then; that the condition ever held shows in the line coverage.
`define BL_ASSERT_IF(name, condition, expr, sentence) \
  always_ff @(posedge clk_i) begin \
    if (rst_ni && (condition)) begin \
      name : assert (expr) else $error("%m: %s", sentence); \
    end \
  end
// The handshake rule: once valid, valid and data stay until ready.
`define BL_ASSERT_STABLE(name, valid, ready, data) \
  logic name``_pending_q; \
  logic [$bits(data)-1:0] name``_data_q; \
  always_ff @(posedge clk_i) begin \
    name``_pending_q <= rst_ni && (valid) && !(ready); \
    if ((valid) && !(ready) && !name``_pending_q) name``_data_q <= data; \
    if (rst_ni && name``_pending_q) begin \
      name : assert ((valid) && (data) == name``_data_q) \
        else $error("%m: valid fell or data changed before ready"); \
    end \
  end
`endif

`endif
