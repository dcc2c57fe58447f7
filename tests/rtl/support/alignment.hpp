// SPDX-License-Identifier: Apache-2.0
// Block alignment word for word as docs/arithmetic.md has it, in double precision: a binary16 times
// a power of two is exact there, and std::nearbyint rounds half to even.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

inline double half_value(unsigned half) {
  const int field = static_cast<int>((half >> 10) & 31U);
  const int fraction = static_cast<int>(half & 1023U);
  const double magnitude = field == 31  ? std::numeric_limits<double>::quiet_NaN()
                           : field == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, field - 25);
  return (half & 0x8000U) != 0 ? -magnitude : magnitude;
}

struct AlignedGroup {
  std::vector<std::int64_t> mantissas;
  int exponent = -14;    // E_g
  std::int64_t sum = 0;  // of the mantissas
  bool not_finite = false;
};

/// E_g of the nonzero finite values: not below that of the smallest normal number.
inline int group_exponent(const std::vector<unsigned>& halves) {
  int exponent = -14;
  for (const unsigned half : halves) {
    const double value = half_value(half);
    if (value != 0 && !std::isnan(value)) exponent = std::max(exponent, std::ilogb(value));
  }
  return exponent;
}

/// The group in units of a given exponent: its own, or that of a larger group that it is part of.
inline AlignedGroup align_to(const std::vector<unsigned>& halves, unsigned mantissa_bits,
                             int exponent) {
  AlignedGroup group;
  group.exponent = exponent;
  const double limit = std::ldexp(1, static_cast<int>(mantissa_bits) - 1) - 1;
  for (const unsigned half : halves) {
    const double value = half_value(half);
    if (std::isnan(value)) group.not_finite = true;
    const double scaled = std::ldexp(value, static_cast<int>(mantissa_bits) - 2 - exponent);
    const double rounded = std::clamp(std::nearbyint(scaled), -limit, limit);
    group.mantissas.push_back(std::isnan(rounded) ? 0 : static_cast<std::int64_t>(rounded));
    group.sum += group.mantissas.back();
  }
  return group;
}

inline AlignedGroup align_group(const std::vector<unsigned>& halves, unsigned mantissa_bits) {
  return align_to(halves, mantissa_bits, group_exponent(halves));
}

/// A group of activations of one random kind: alike, far apart, subnormal, zero, extreme.
inline std::vector<unsigned> random_group(Random& random, unsigned columns, bool finite) {
  const std::int64_t kind = random.between(0, 6);
  const std::int64_t center = random.between(1, 30);
  std::vector<unsigned> halves;
  for (unsigned c = 0; c < columns; ++c) {
    const auto sign = static_cast<unsigned>(random.bits(1)) << 15;
    const auto fraction = static_cast<unsigned>(random.bits(10));
    std::int64_t field = 0;
    switch (kind) {
      case 0:
        field = 0;
        break;  // subnormals
      case 1:
        break;  // zeros, below
      case 2:
        field = std::min<std::int64_t>(30, center + random.between(0, 2));
        break;
      case 3:
        field = random.between(0, 30);
        break;
      case 4:
        field = 30;
        break;
      default:
        field = std::clamp<std::int64_t>(center + random.between(-12, 0), 0, 30);
        break;
    }
    unsigned half = sign | static_cast<unsigned>(field) << 10 | fraction;
    if (kind == 1) half = sign;
    // Few fraction bits make exact halves, that is rounding ties, frequent.
    if (kind >= 5) half &= ~((1U << static_cast<unsigned>(random.between(0, 10))) - 1U);
    if (kind == 4 && random.chance(50)) half = sign | 0x7BFFU;
    halves.push_back(half);
  }
  if (!finite) {
    halves[static_cast<std::size_t>(random.between(0, columns - 1))] =
        static_cast<unsigned>(random.bits(1)) << 15 | 0x7C00U |
        static_cast<unsigned>(random.bits(1));
  }
  return halves;
}

}  // namespace bitloom::rtl
