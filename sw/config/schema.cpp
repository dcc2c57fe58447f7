// SPDX-License-Identifier: Apache-2.0
#include "sw/config/schema.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "sw/contract/accumulate.hpp"
#include "sw/error/error.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom {
namespace {

using Json = nlohmann::ordered_json;

// No configuration comes near this; it bounds what a wrong path can make us read and print.
constexpr std::size_t kMaxFileBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxFoundChars = 60;

std::string read_configuration(const std::string& path) {
  const auto refuse = [&path](std::string found) -> Error {
    return {ErrorCode::config_json,
            {path, std::move(found), "a readable JSON file of at most 64 KiB", ""}};
  };
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) throw refuse("no such file");
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (!in.is_open() || in.bad()) throw refuse("a file that cannot be read");
  if (text.size() > kMaxFileBytes) throw refuse("a longer file");
  return text;
}

// Bounded in length and in depth, whatever the file holds.
std::string found_text(const Json& json) {
  if (json.is_structured()) return fmt::format("an {}", json.type_name());
  std::string text = json.dump();
  if (text.size() > kMaxFoundChars) text = text.substr(0, kMaxFoundChars) + "...";
  return text;
}

Field parse_field(const Json& json) {
  static const std::map<std::string, FieldType> types = {{"int", FieldType::integer},
                                                         {"accumulator", FieldType::accumulator},
                                                         {"enum", FieldType::enumeration}};
  Field field;
  field.key = json.at("key").get<std::string>();
  field.type = types.at(json.at("type").get<std::string>());
  field.unit = json.at("unit").get<std::string>();
  field.doc = json.at("doc").get<std::string>();
  field.power_of_two = json.value("power_of_two", false);
  if (field.type == FieldType::enumeration) {
    field.values = json.at("values").get<std::vector<std::string>>();
  } else {
    field.min = json.at("min").get<std::uint32_t>();
    field.max = json.at("max").get<std::uint32_t>();
  }
  return field;
}

Section parse_section(const Json& root, const std::string& name) {
  Section section{name, {}};
  for (const Json& json : root.at(name)) section.fields.push_back(parse_field(json));
  return section;
}

// The library keeps the last of two equal keys; a configuration with two is ambiguous instead.
class DuplicateKeys {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    const auto level = static_cast<std::size_t>(depth);
    if (event == Json::parse_event_t::object_start) {
      seen_.resize(level + 1);
      seen_.emplace_back();
    }
    if (event == Json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      if (!seen_.at(level).insert(key).second && !first_) first_ = key;
    }
    return true;
  }
  [[nodiscard]] const std::optional<std::string>& first() const { return first_; }

 private:
  std::vector<std::set<std::string>> seen_;  // by depth
  std::optional<std::string> first_;
};

Json parse_document(std::string_view text, std::string_view place) {
  DuplicateKeys duplicates;
  Json root;
  try {
    root = Json::parse(text, [&duplicates](int depth, Json::parse_event_t event, Json& parsed) {
      return duplicates(depth, event, parsed);
    });
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::config_json, {std::string(place), error.what(), "a JSON object", ""});
  }
  if (duplicates.first())
    throw Error(ErrorCode::config_key, {fmt::format("{}: {}", place, *duplicates.first()),
                                        "the key twice", "every key once", ""});
  return root;
}

// Refuses keys that are not in `known` and names the nearest ones; then demands all of `known`.
void check_keys(const Json& object, const std::vector<std::string>& known,
                const std::string& place) {
  if (!object.is_object())
    throw Error(ErrorCode::config_type, {place, found_text(object), "an object", ""});
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    throw Error(ErrorCode::config_key,
                {place, fmt::format("unknown key {}", found_text(item.key())),
                 "keys of docs/configuration.md",
                 fmt::format("Did you mean {}?", nearest_list(item.key(), known))});
  }
  for (const std::string& key : known) {
    if (!object.contains(key))
      throw Error(ErrorCode::config_key,
                  {place, fmt::format("no key \"{}\"", key), "a complete configuration",
                   "Copy the key from a named configuration in sw/config/named/."});
  }
}

std::string expected_text(const Field& field) {
  if (field.type == FieldType::enumeration)
    return fmt::format("\"{}\"", fmt::join(field.values, "\" or \""));
  const std::string range = fmt::format("{} .. {} {}", field.min, field.max, field.unit);
  if (field.type == FieldType::accumulator) return "\"exact\" or " + range;
  return (field.power_of_two ? "a power of two, " : "an integer, ") + range;
}

std::uint32_t check_value(const Field& field, const Json& json, const std::string& place) {
  const auto refuse = [&](ErrorCode code) -> Error {
    return {code, {place, found_text(json), expected_text(field), ""}};
  };
  if (field.type == FieldType::enumeration) {
    if (!json.is_string()) throw refuse(ErrorCode::config_type);
    const auto found = std::find(field.values.begin(), field.values.end(), json);
    if (found == field.values.end()) throw refuse(ErrorCode::config_range);
    return static_cast<std::uint32_t>(found - field.values.begin());
  }
  if (field.type == FieldType::accumulator && json == "exact") return 0;
  if (!json.is_number_integer()) throw refuse(ErrorCode::config_type);
  // The library holds every integer that is not negative as unsigned, and no key takes another.
  if (!json.is_number_unsigned()) throw refuse(ErrorCode::config_range);
  const auto number = json.get<std::uint64_t>();
  if (number < field.min || number > field.max) throw refuse(ErrorCode::config_range);
  const auto value = static_cast<std::uint32_t>(number);
  if (field.power_of_two && !std::has_single_bit(value)) throw refuse(ErrorCode::config_range);
  return value;
}

Values check_section(const Section& section, const Json& root, std::string_view place) {
  const Json& object = root.at(section.name);
  const std::string where = fmt::format("{}: {}", place, section.name);
  std::vector<std::string> known;
  for (const Field& field : section.fields) known.push_back(field.key);
  check_keys(object, known, where);
  Values values;
  for (const Field& field : section.fields)
    values[field.key] =
        check_value(field, object.at(field.key), fmt::format("{}.{}", where, field.key));
  return values;
}

// The rules between keys. Each names the keys and the numbers that it compares. Rows, columns,
// channels and their width are powers of two, so that vectors of scales are cut into whole beats,
// or these into whole vectors, without a rule.
class Rules {
 public:
  static constexpr std::uint32_t kSmallestGroup = 32;
  static constexpr std::uint32_t kLargestGroup = 256;

  Rules(const Values& values, std::string_view place) : values_(values), place_(place) {}

  void check() const {
    divides("rows_per_lut", "rows", "Every set of tables serves the same number of rows.");
    divides("rows_per_scale", "rows", "Every scale multiplier serves the same number of rows.");
    divides("results_per_cycle", "rows", "A row tile leaves in whole groups of results.");
    at_most("results_per_cycle * 32", value("results_per_cycle") * 32, value("channel_bits"),
            "A cycle's results fit into one beat of the write channel.");
    at_most("burst_beats * channel_bits / 8", value("burst_beats") * value("channel_bits") / 8,
            4096, "An AXI burst does not cross 4 KiB.");
    at_most("read_channels * channel_bits", value("read_channels") * value("channel_bits"),
            value("rows") * value("columns"), "A plane word of rows * columns is whole beats.");
    if (value("max_k") % kLargestGroup != 0)
      refuse("max_k", std::to_string(value("max_k")),
             fmt::format("a multiple of {}", kLargestGroup),
             "The activation buffer holds whole groups of every size.");
    stream_length();
    scale_vectors();
    for (const std::string buffer : {"weight_buffer_beats", "scale_buffer_beats"})
      at_most("burst_beats", value("burst_beats"), value(buffer) / 2,
              fmt::format("Half of {} is filled while the other half drains.", buffer));
  }

 private:
  [[nodiscard]] std::uint32_t value(std::string_view key) const {
    return values_.find(key)->second;
  }

  [[noreturn]] void refuse(const std::string& what, std::string found, std::string expected,
                           std::string_view why) const {
    throw Error(ErrorCode::config_rule, {fmt::format("{}: hardware.{}", place_, what),
                                         std::move(found), std::move(expected), std::string(why)});
  }

  void divides(const std::string& part, const std::string& whole, std::string_view why) const {
    if (value(whole) % value(part) == 0) return;
    refuse(part, std::to_string(value(part)),
           fmt::format("a divisor of {} = {}", whole, value(whole)), why);
  }

  [[nodiscard]] std::uint64_t row_tiles() const {
    return (value("max_m") + value("rows") - 1) / value("rows");
  }

  // Stream lengths are 32-bit numbers of beats in the hardware. Either mode may have more planes.
  void stream_length() const {
    const std::uint32_t planes = std::max(value("max_bits"), value("max_codebook_bits"));
    const std::uint64_t beats =
        row_tiles() * value("rows") * value("max_k") / value("channel_bits") * planes;
    if (beats >> 32 == 0) return;
    refuse("max_m * max_k * max(max_bits, max_codebook_bits) / channel_bits", std::to_string(beats),
           "less than 2^32", "The hardware counts the beats of a layer's planes in 32 bits.");
  }

  // Before it halves them to pairs the hardware adds one. The smallest groups with offsets have the
  // most: at least 8 of them in a row tile, each with two, are no fewer than a codebook's 16.
  void scale_vectors() const {
    const std::uint64_t vectors =
        row_tiles() * (value("max_k") / kSmallestGroup) * (value("max_bits") + 1);
    if (vectors < 0xFFFF'FFFFU) return;
    refuse("ceil(max_m / rows) * max_k / 32 * (max_bits + 1)", std::to_string(vectors),
           "less than 2^32 - 1",
           "The hardware counts a layer's vectors of scales, rounded up to pairs, in 32 bits.");
  }

  void at_most(const std::string& what, std::uint32_t found, std::uint32_t limit,
               std::string_view why) const {
    if (found <= limit) return;
    refuse(what, std::to_string(found), fmt::format("at most {}", limit), why);
  }

  const Values& values_;
  std::string_view place_;
};

}  // namespace

Schema parse_schema(std::string_view text) {
  const Json root = Json::parse(text);
  return {parse_section(root, "hardware"), parse_section(root, "system")};
}

ConfigValues check_configuration(const Schema& schema, std::string_view text,
                                 std::string_view place) {
  const Json root = parse_document(text, place);
  check_keys(root, {schema.hardware.name, schema.system.name}, std::string(place));
  ConfigValues values{check_section(schema.hardware, root, place),
                      check_section(schema.system, root, place)};
  Rules(values.hardware, place).check();
  return values;
}

CheckedConfiguration find_configuration(const Schema& schema, std::span<const NamedText> named,
                                        std::string_view name_or_path) {
  const std::string wanted(name_or_path);
  if (wanted.ends_with(".json"))
    return {wanted, check_configuration(schema, read_configuration(wanted), wanted)};
  std::vector<std::string> names;
  for (const NamedText& configuration : named) {
    if (configuration.name == wanted)
      return {wanted, check_configuration(schema, configuration.text, wanted)};
    names.emplace_back(configuration.name);
  }
  throw Error(ErrorCode::config_name,
              {"configuration", fmt::format("\"{}\"", wanted), "a name or the path of a .json file",
               fmt::format("Did you mean {}?", nearest_list(wanted, names))});
}

std::string value_text(const Field& field, std::uint32_t value) {
  if (field.type == FieldType::enumeration) return fmt::format("\"{}\"", field.values.at(value));
  if (field.type == FieldType::accumulator && value == 0) return "\"exact\"";
  return std::to_string(value);
}

std::string canonical_text(const Section& hardware, const Values& values) {
  std::string text;
  for (const Field& field : hardware.fields)
    text += fmt::format("{}\"{}\":{}", text.empty() ? "{" : ",", field.key,
                        value_text(field, values.at(field.key)));
  return text + "}";
}

std::string hardware_digest(const Section& hardware, const Values& values) {
  const std::string text = canonical_text(hardware, values);
  return sha256_hex(std::vector<std::uint8_t>(text.begin(), text.end()));
}

unsigned accumulator_bits(const Values& hardware) {
  const std::uint32_t bits = hardware.at("accumulator");
  if (bits != 0) return bits;
  return static_cast<unsigned>(
      contract::exact_accumulator_bits(hardware.at("max_bits"), hardware.at("max_k")));
}

}  // namespace bitloom
