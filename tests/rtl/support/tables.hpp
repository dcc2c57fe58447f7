// SPDX-License-Identifier: Apache-2.0
// Tables of signed sums, by the definition in rtl/lut/bl_lut.sv's header.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

/// Table entries and sums lie in fields of this width (bl_pkg::FieldW).
inline constexpr unsigned kFieldBits = 32;

/// The half tables of one slice and where a port has their entries.
struct TableShape {
  unsigned columns;
  unsigned mu;
  unsigned mantissa_bits;

  [[nodiscard]] unsigned tables() const { return (columns + mu - 1) / mu; }
  [[nodiscard]] unsigned half_entries() const { return 1U << (mu - 1); }
  [[nodiscard]] unsigned entry_bits() const {
    return mantissa_bits + (mu == 1 ? 0 : mu == 2 ? 1 : 2);
  }
  [[nodiscard]] unsigned bits() const { return tables() * half_entries() * kFieldBits; }
  [[nodiscard]] unsigned place(unsigned table, unsigned index) const {
    return (table * half_entries() + index) * kFieldBits;
  }

  /// The sum in plain words; what lies beyond the slice's columns is 0.
  [[nodiscard]] std::int64_t entry(const std::vector<std::int64_t>& mantissas, unsigned table,
                                   unsigned index) const {
    const auto at = [&](unsigned column) {
      return column < mantissas.size() ? mantissas[column] : 0;
    };
    std::int64_t sum = at(table * mu + mu - 1);
    for (unsigned k = 0; k + 1 < mu; ++k) {
      sum += ((index >> k) & 1U) != 0 ? at(table * mu + k) : -at(table * mu + k);
    }
    return sum;
  }
};

/// Extremes are as likely as values in between: the widest sums must fit.
inline std::vector<std::int64_t> random_mantissas(Random& random, unsigned columns,
                                                  unsigned mantissa_bits) {
  const std::int64_t limit = (std::int64_t{1} << (mantissa_bits - 1)) - 1;
  std::vector<std::int64_t> mantissas;
  for (unsigned c = 0; c < columns; ++c) {
    const std::int64_t extreme = random.chance(50) ? limit : -limit;
    mantissas.push_back(random.chance(50) ? random.between(-limit, limit) : extreme);
  }
  return mantissas;
}

}  // namespace bitloom::rtl
