// SPDX-License-Identifier: Apache-2.0
// Values of the generated packages for edge, worked out by hand from the JSON sources; elaboration
// fails where one differs. The module has no logic of its own.
module edge_values (
  output logic [98:0] widest_o
);
  assign widest_o = {bl_cfg_pkg::AccumulatorBits{bl_cfg_pkg::AccumulatorExact}};

  if (bl_cfg_pkg::Rows != 16) $error("Rows");
  if (bl_cfg_pkg::Columns != 32) $error("Columns");
  if (bl_cfg_pkg::Mu != 4) $error("Mu");
  if (bl_cfg_pkg::RowsPerLut != 16) $error("RowsPerLut");
  if (bl_cfg_pkg::ResultsPerCycle != 4) $error("ResultsPerCycle");
  if (bl_cfg_pkg::MantissaBits != 16) $error("MantissaBits");
  if (bl_cfg_pkg::AccumulatorExact != 1'b1) $error("AccumulatorExact");
  // 2 + floor(log2(9 * 16384 * 65504^2)) + 48 = 2 + 49 + 48
  if (bl_cfg_pkg::AccumulatorBits != 99) $error("AccumulatorBits");
  if (bl_cfg_pkg::MaxK != 16384) $error("MaxK");
  if (bl_cfg_pkg::ChannelBits != 512) $error("ChannelBits");
  if (bl_cfg_pkg::ConfigHash != 32'hd72c7fc4) $error("ConfigHash");

  if (bl_reg_pkg::REG_ID_ADDR != 12'h000) $error("REG_ID_ADDR");
  if (bl_reg_pkg::REG_ID_RESET != 32'h4d4f4f4c) $error("REG_ID_RESET");
  if (bl_reg_pkg::REG_INTERFACE_REVISION_RESET != 32'd2) $error("REG_INTERFACE_REVISION_RESET");
  if (bl_reg_pkg::REG_CONTROL_ADDR != 12'h00c) $error("REG_CONTROL_ADDR");
  if (bl_reg_pkg::REG_CONTROL_CLEAR_COUNTERS_BIT != 1) $error("REG_CONTROL_CLEAR_COUNTERS_BIT");
  if (bl_reg_pkg::REG_COMPLETION_BASE_ADDR != 12'h01c) $error("REG_COMPLETION_BASE_ADDR");
  if (bl_reg_pkg::REG_DOORBELL_ADDR != 12'h028) $error("REG_DOORBELL_ADDR");
  if (bl_reg_pkg::REG_BEATS_COMPLETIONS_ADDR != 12'h090) $error("REG_BEATS_COMPLETIONS_ADDR");

  if (bl_desc_pkg::DESC_TOKENS_LSB != 24) $error("DESC_TOKENS_LSB");
  if (bl_desc_pkg::DESC_TOKENS_WIDTH != 5) $error("DESC_TOKENS_WIDTH");
  if (bl_desc_pkg::DESC_GROUP_SIZE_WIDTH != 16) $error("DESC_GROUP_SIZE_WIDTH");
  if (bl_desc_pkg::DESC_ROUNDING_EXPONENT_LSB != 112) $error("DESC_ROUNDING_EXPONENT_LSB");
  if (bl_desc_pkg::DESC_OUTPUTS_ADDRESS_LSB != 320) $error("DESC_OUTPUTS_ADDRESS_LSB");
  if (bl_desc_pkg::DESC_OUTPUTS_ADDRESS_WIDTH != 64) $error("DESC_OUTPUTS_ADDRESS_WIDTH");
  if (bl_desc_pkg::DESC_ACTIVATIONS_STRIPE_LSB != 448) $error("DESC_ACTIVATIONS_STRIPE_LSB");
  if (bl_desc_pkg::DESC_RESERVED_0_LSB != 480) $error("DESC_RESERVED_0_LSB");
  if (bl_desc_pkg::CPL_NAN_TOKENS_LSB != 16) $error("CPL_NAN_TOKENS_LSB");
  if (bl_desc_pkg::CPL_BEATS_COMPLETIONS_LSB != 480) $error("CPL_BEATS_COMPLETIONS_LSB");
  if (bl_desc_pkg::STATUS_BUS_ERROR != 8'd11) $error("STATUS_BUS_ERROR");
endmodule
