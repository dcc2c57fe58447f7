// SPDX-License-Identifier: Apache-2.0
// The texts that bl_generate writes. Every function is pure: same sources, same bytes.
#pragma once

#include <string>
#include <vector>

#include "sw/config/schema.hpp"
#include "sw/config/tables.hpp"

namespace bitloom {

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
std::string sv_config(const Schema& schema, const CheckedConfiguration& configuration);
std::string sv_registers(const std::vector<Register>& registers);
std::string sv_descriptor(const DescriptorTables& tables);

// Markdown tables of docs/.
std::string doc_keys(const Section& section);
std::string doc_named(const Schema& schema, const std::vector<NamedConfiguration>& configurations);
std::string doc_registers(const std::vector<Register>& registers);
std::string doc_record(const std::vector<BitField>& fields);
std::string doc_status(const std::vector<StatusRow>& rows);
std::string doc_errors();

/// `page` with the text between "<!-- generated: NAME -->" and "<!-- end of generated -->"
/// replaced. Throws std::runtime_error when the page has no such pair of markers.
std::string replace_generated(const std::string& page, const std::string& name,
                              const std::string& table);

}  // namespace bitloom
