// SPDX-License-Identifier: Apache-2.0
#include "sw/config/config.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>

#include "gen/sources.hpp"
#include "sw/config/schema.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// No configuration comes near this; it bounds what a wrong path can make us read.
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

const Schema& schema() {
  static const Schema parsed = parse_schema(kSchemaText);
  return parsed;
}

std::string read_configuration(const std::string& path) {
  const auto refuse = [&path](std::string found) -> Error {
    return {ErrorCode::config_json,
            {path, std::move(found), "a readable JSON file of at most 1 MiB", ""}};
  };
  if (!std::filesystem::is_regular_file(path)) throw refuse("no such file");
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad() || !in.is_open()) throw refuse("a file that cannot be read");
  if (text.size() > kMaxFileBytes) throw refuse("more than 1048576 bytes");
  return text;
}

template <class Part>
Part fill(std::span<const ConfigField<Part>> fields, const Values& values) {
  Part part;
  for (const ConfigField<Part>& field : fields) field.set(part, values.find(field.key)->second);
  return part;
}

Config build(std::string name, std::string_view text, std::string_view place) {
  const ConfigValues values = check_configuration(schema(), text, place);
  return {std::move(name), fill<HardwareConfig>(kHardwareFields, values.hardware),
          fill<SystemConfig>(kSystemFields, values.system)};
}

}  // namespace

Config load_config(std::string_view name_or_path) {
  const std::string wanted(name_or_path);
  if (wanted.ends_with(".json"))
    return build(std::filesystem::path(wanted).stem().string(), read_configuration(wanted), wanted);
  for (const NamedText& named : kNamedConfigurations)
    if (named.name == wanted) return build(wanted, named.text, wanted);
  std::string nearest;
  for (const std::string& name : nearest_names(wanted, configuration_names()))
    nearest += (nearest.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::config_name,
              {"configuration", "\"" + wanted + "\"", "a name or the path of a .json file",
               "Did you mean " + nearest + "?"});
}

std::vector<std::string> configuration_names() {
  std::vector<std::string> names;
  for (const NamedText& named : kNamedConfigurations) names.emplace_back(named.name);
  return names;
}

std::string hardware_json(const HardwareConfig& hardware) {
  Values values;
  for (const auto& field : kHardwareFields) values[std::string(field.key)] = field.get(hardware);
  return canonical_text(schema().hardware, values);
}

std::string hardware_hash(const HardwareConfig& hardware) {
  return sha256_hex(hardware_json(hardware));
}

}  // namespace bitloom
