// SPDX-License-Identifier: Apache-2.0
#include "sw/config/tables.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace bitloom {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kRecordBits = 512;

// Every bit has one owner, and none lies beyond `size`.
void check_layout(const std::string& owner, const std::vector<BitField>& fields, unsigned size) {
  std::set<unsigned> taken;
  for (const BitField& field : fields) {
    for (unsigned bit = field.bit; bit < field.bit + field.width; ++bit) {
      if (bit >= size || !taken.insert(bit).second)
        throw std::runtime_error(
            fmt::format("{}.{}: bit {} is taken or beyond {} bits", owner, field.name, bit, size));
    }
  }
}

BitField parse_bit_field(const Json& json) {
  const unsigned word = json.value("word", 0U);
  const bool wide = json.value("wide", false);
  return {json.at("name").get<std::string>(),
          word * 32 + (wide ? 0 : json.at("bit").get<unsigned>()),
          wide ? 64 : json.at("width").get<unsigned>(), json.at("doc").get<std::string>()};
}

std::vector<BitField> parse_bit_fields(const Json& array, const std::string& owner, unsigned size) {
  std::vector<BitField> fields;
  for (const Json& json : array) fields.push_back(parse_bit_field(json));
  check_layout(owner, fields, size);
  return fields;
}

Register parse_register(const Json& json, unsigned address) {
  Register reg;
  reg.name = json.at("name").get<std::string>();
  reg.address = address;
  reg.wide = json.value("wide", false);
  reg.access = json.at("access").get<std::string>();
  if (json.contains("reset"))
    reg.reset =
        static_cast<std::uint32_t>(std::stoul(json["reset"].get<std::string>(), nullptr, 0));
  reg.doc = json.at("doc").get<std::string>();
  reg.fields = parse_bit_fields(json.value("fields", Json::array()), reg.name, 32);
  return reg;
}

}  // namespace

std::vector<Register> parse_registers(std::string_view text) {
  const Json root = Json::parse(text);
  std::vector<Register> registers;
  unsigned address = 0;
  for (const Json& json : root.at("registers")) {
    registers.push_back(parse_register(json, address));
    address += registers.back().wide ? 8 : 4;
  }
  return registers;
}

DescriptorTables parse_descriptor(std::string_view text) {
  const Json root = Json::parse(text);
  DescriptorTables tables;
  tables.descriptor = parse_bit_fields(root.at("descriptor"), "descriptor", kRecordBits);
  tables.completion = parse_bit_fields(root.at("completion"), "completion", kRecordBits);
  for (const Json& json : root.at("status_codes"))
    tables.status_codes.push_back({json.at("name").get<std::string>(),
                                   json.at("value").get<unsigned>(),
                                   json.at("doc").get<std::string>()});
  return tables;
}

}  // namespace bitloom
