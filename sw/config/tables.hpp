// SPDX-License-Identifier: Apache-2.0
// registers.json and descriptor.json as values, with addresses and bit positions worked out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitloom {

/// Bits [bit, bit + width) of a register or of a record.
struct BitField {
  std::string name;
  unsigned bit = 0;
  unsigned width = 0;
  std::string doc;

  [[nodiscard]] unsigned word() const { return bit / 32; }
  /// Reserved fields are written 0 and have no member in software.
  [[nodiscard]] bool reserved() const { return name.starts_with("reserved"); }
};

struct Register {
  std::string name;
  unsigned address = 0;  ///< byte offset; of the low word when wide
  bool wide = false;
  std::string access;  ///< "ro", "rw" or "w1c"
  std::optional<std::uint32_t> reset;
  std::string doc;
  std::vector<BitField> fields;
};

struct StatusRow {
  std::string name;
  unsigned value = 0;
  std::string doc;
};

struct DescriptorTables {
  std::vector<BitField> descriptor;
  std::vector<BitField> completion;
  std::vector<StatusRow> status_codes;
};

/// Parse our own sources; throw std::exception on a fault in them: overlapping fields, or a field
/// beyond its register or record.
std::vector<Register> parse_registers(std::string_view text);
DescriptorTables parse_descriptor(std::string_view text);

}  // namespace bitloom
