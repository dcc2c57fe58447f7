// SPDX-License-Identifier: Apache-2.0
// The assertion vocabulary. Every assertion has a name and a sentence; all are on in simulation and
// absent in synthesis (Yosys 0.23 does not read them).
`ifndef BL_ASSERT_SVH
`define BL_ASSERT_SVH

`ifdef SYNTHESIS
`define BL_ASSERT(name, expr, sentence)
`define BL_ASSERT_STABLE(name, valid, ready, data)
`else
// `expr` holds in every cycle out of reset.
`define BL_ASSERT(name, expr, sentence) \
  name : assert property (@(posedge clk_i) disable iff (!rst_ni) (expr)) \
    else $error("%m: %s", sentence);
// The handshake rule: once valid, valid and data stay until ready.
`define BL_ASSERT_STABLE(name, valid, ready, data) \
  name : assert property (@(posedge clk_i) disable iff (!rst_ni) \
    ((valid) && !(ready)) |=> ((valid) && $stable(data))) \
    else $error("%m: valid fell or data changed before ready");
`endif

`endif
