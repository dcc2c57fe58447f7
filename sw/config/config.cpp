// SPDX-License-Identifier: Apache-2.0
#include "sw/config/config.hpp"

#include <span>
#include <stdexcept>
#include <utility>

#include "gen/sources.hpp"
#include "sw/config/schema.hpp"

namespace bitloom {
namespace {

const Schema& schema() {
  static const Schema parsed = parse_schema(kSchemaText);
  return parsed;
}

template <class Part>
Part fill(std::span<const ConfigField<Part>> fields, const Values& values) {
  Part part;
  for (const ConfigField<Part>& field : fields) field.set(part, values.find(field.key)->second);
  return part;
}

Values values_of(const HardwareConfig& hardware) {
  Values values;
  for (const auto& field : kHardwareFields) values[std::string(field.key)] = field.get(hardware);
  return values;
}

}  // namespace

Config load_config(std::string_view name_or_path) {
  CheckedConfiguration found = find_configuration(schema(), kNamedConfigurations, name_or_path);
  return {std::move(found.name), fill<HardwareConfig>(kHardwareFields, found.values.hardware),
          fill<SystemConfig>(kSystemFields, found.values.system)};
}

std::vector<std::string> configuration_names() {
  std::vector<std::string> names;
  for (const NamedText& named : kNamedConfigurations) names.emplace_back(named.name);
  return names;
}

std::uint32_t largest_value(std::string_view hardware_key) {
  for (const Field& field : schema().hardware.fields)
    if (field.key == hardware_key && field.type == FieldType::integer) return field.max;
  throw std::out_of_range("no integer hardware key " + std::string(hardware_key));
}

std::string hardware_json(const HardwareConfig& hardware) {
  return canonical_text(schema().hardware, values_of(hardware));
}

std::string hardware_hash(const HardwareConfig& hardware) {
  return hardware_digest(schema().hardware, values_of(hardware));
}

}  // namespace bitloom
