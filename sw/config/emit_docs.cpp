// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/format.h>

#include <stdexcept>

#include "sw/config/emit.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

using Row = std::vector<std::string>;

std::string line(const Row& cells) { return fmt::format("| {} |\n", fmt::join(cells, " | ")); }

std::string table(const Row& head, const std::vector<Row>& rows) {
  std::string text =
      line(head) + "|" + fmt::format("{}", fmt::join(Row(head.size(), "---"), "|")) + "|\n";
  for (const Row& row : rows) text += line(row);
  return text;
}

template <class Item, class Function>
std::vector<Row> rows_of(const std::vector<Item>& items, Function row) {
  std::vector<Row> rows;
  rows.reserve(items.size());
  for (const Item& item : items) rows.push_back(row(item));
  return rows;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string range_text(const Field& field) {
  if (field.type == FieldType::enumeration)
    return fmt::format("`\"{}\"`", fmt::join(field.values, "\"`, `\""));
  const std::string range = fmt::format("{} .. {}", field.min, field.max);
  if (field.type == FieldType::accumulator) return "`\"exact\"` or " + range;
  return field.power_of_two ? range + ", power of two" : range;
}

std::string bit_range(unsigned first, unsigned width) {
  return width == 1 ? std::to_string(first) : fmt::format("{}:{}", first + width - 1, first);
}

}  // namespace

std::string doc_keys(const Section& section) {
  const auto row = [](const Field& field) -> Row {
    return {code(field.key), range_text(field), field.unit, field.doc};
  };
  return table({"key", "values", "unit", "meaning"}, rows_of(section.fields, row));
}

std::string doc_named(const Schema& schema, const std::vector<NamedConfiguration>& configurations) {
  Row head = {"key"};
  Row width = {"accumulator width"};
  Row hash = {"hash of `hardware`"};
  for (const NamedConfiguration& configuration : configurations) {
    const Values& values = configuration.values.hardware;
    head.push_back(code(configuration.name));
    width.push_back(std::to_string(accumulator_bits(values)));
    hash.push_back(code(hardware_digest(schema.hardware, values).substr(0, 8)));
  }
  std::vector<Row> rows;
  const auto add = [&](const Section& section, Values ConfigValues::*part) {
    for (const Field& field : section.fields) {
      Row row = {code(section.name + "." + field.key)};
      for (const NamedConfiguration& configuration : configurations)
        row.push_back(value_text(field, (configuration.values.*part).at(field.key)));
      rows.push_back(row);
    }
  };
  add(schema.hardware, &ConfigValues::hardware);
  add(schema.system, &ConfigValues::system);
  rows.push_back(width);
  rows.push_back(hash);
  return table(head, rows);
}

std::string doc_registers(const std::vector<Register>& registers) {
  std::vector<Row> rows;
  for (const Register& reg : registers) {
    rows.push_back({fmt::format("0x{:03x}", reg.address), code(reg.name),
                    reg.wide ? "63:0" : "31:0", reg.access,
                    reg.reset ? fmt::format("0x{:08x}", *reg.reset) : "-", reg.doc});
    for (const BitField& field : reg.fields)
      rows.push_back({"", code(reg.name + "." + field.name), bit_range(field.bit, field.width), "",
                      "", field.doc});
  }
  return table({"address", "register", "bits", "access", "reset", "meaning"}, rows);
}

std::string doc_record(const std::vector<BitField>& fields) {
  const auto row = [](const BitField& field) -> Row {
    return {std::to_string(field.word()), bit_range(field.bit % 32, field.width), code(field.name),
            field.doc};
  };
  return table({"word", "bits", "field", "meaning"}, rows_of(fields, row));
}

std::string doc_status(const std::vector<StatusRow>& rows) {
  const auto row = [](const StatusRow& status) -> Row {
    return {std::to_string(status.value), code(status.name), status.doc};
  };
  return table({"code", "name", "meaning"}, rows_of(rows, row));
}

std::string doc_errors() {
  const auto row = [](ErrorCode error) -> Row {
    return {code(std::string(code_text(error))), std::string(code_meaning(error))};
  };
  return table({"code", "meaning"}, rows_of(all_error_codes(), row));
}

std::string replace_generated(const std::string& page, const std::string& name,
                              const std::string& table) {
  const std::string begin = fmt::format("<!-- generated: {} -->\n", name);
  const auto first = page.find(begin);
  const auto last = page.find("<!-- end of generated -->", first);
  if (first == std::string::npos || last == std::string::npos)
    throw std::runtime_error(
        fmt::format(R"(no markers "<!-- generated: {} -->" .. "<!-- end of generated -->")", name));
  return page.substr(0, first) + begin + table + page.substr(last);
}

}  // namespace bitloom
