// SPDX-License-Identifier: Apache-2.0
// A configuration file checked against schema.json. This layer knows keys only by name, so that the
// generator, which writes gen/config.hpp, and the loader, which includes it, share one set of
// rules.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitloom {

enum class FieldType : std::uint8_t { integer, accumulator, enumeration };

/// One key of schema.json.
struct Field {
  std::string key;
  FieldType type = FieldType::integer;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  bool power_of_two = false;
  std::vector<std::string> values;  ///< of an enumeration
  std::string unit;
  std::string doc;
};

/// One of the two parts of a configuration, "hardware" or "system".
struct Section {
  std::string name;
  std::vector<Field> fields;
};

struct Schema {
  Section hardware;
  Section system;
};

/// Checked values by key. An enumeration is the index of its value; an accumulator is its width in
/// bits, 0 for "exact".
using Values = std::map<std::string, std::uint32_t, std::less<>>;

struct ConfigValues {
  Values hardware;
  Values system;
};

/// Parses schema.json. Throws nlohmann's exceptions: the file is ours, so a fault in it is a bug.
Schema parse_schema(std::string_view text);

/// A configuration's name and the text of its file.
struct NamedText {
  std::string_view name;
  std::string_view text;
};

struct CheckedConfiguration {
  std::string name;
  ConfigValues values;
};

/// One of `named` by its name, or the file of that path when the argument ends in ".json"; checked.
/// Throws Error (BL-CFG-*); an unknown name is answered with the nearest ones.
CheckedConfiguration find_configuration(const Schema& schema, std::span<const NamedText> named,
                                        std::string_view name_or_path);

/// Checks a whole configuration: JSON, keys, types, ranges, then the rules between keys. `place`
/// names the file in messages. Throws Error (BL-CFG-json, -key, -type, -range, -rule).
ConfigValues check_configuration(const Schema& schema, std::string_view text,
                                 std::string_view place);

/// A value as it stands in a configuration file: 16, "exact" or "fixed", quotes included.
std::string value_text(const Field& field, std::uint32_t value);

/// The hardware part in one canonical spelling: keys in schema order, no white space. Two
/// configurations with the same text elaborate to the same machine.
std::string canonical_text(const Section& hardware, const Values& values);

/// SHA-256 of canonical_text(), 64 lower-case hexadecimal digits.
std::string hardware_digest(const Section& hardware, const Values& values);

/// Width of the accumulator of a checked `hardware` section: the value, or what "exact" needs for
/// every sum that max_bits and max_k admit (docs/arithmetic.md).
unsigned accumulator_bits(const Values& hardware);

}  // namespace bitloom
