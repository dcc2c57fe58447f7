// SPDX-License-Identifier: Apache-2.0
// The texts that bl_generate writes. Every function is pure: same sources, same bytes.
#pragma once

#include <string>
#include <vector>

#include "sw/config/schema.hpp"
#include "sw/config/tables.hpp"

namespace bitloom {

/// A file of sw/config, by its path in the tree and its text.
struct SourceText {
  std::string path;
  std::string text;
};

/// A configuration by its name, with its file's text and its checked values.
struct NamedConfiguration {
  std::string name;
  std::string text;
  ConfigValues values;
};

/// "rows_per_lut" -> "RowsPerLut".
std::string upper_camel(const std::string& name);
/// "rows_per_lut" -> "ROWS_PER_LUT".
std::string upper_snake(const std::string& name);

// C++ headers of build/include/gen.
std::string cpp_config(const Schema& schema);
std::string cpp_sources(const std::string& schema_text,
                        const std::vector<NamedConfiguration>& configurations);
std::string cpp_registers(const std::vector<Register>& registers);
std::string cpp_descriptor(const DescriptorTables& tables);

// SystemVerilog packages of one configuration.
std::string sv_config(const Schema& schema, const NamedConfiguration& configuration);
std::string sv_registers(const std::vector<Register>& registers);
std::string sv_descriptor(const DescriptorTables& tables);

}  // namespace bitloom
