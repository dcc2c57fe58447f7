// SPDX-License-Identifier: Apache-2.0
// Number formats from their definitions in IEEE 754, in exact integers.
#pragma once

#include <algorithm>
#include <cstdint>

#include <boost/multiprecision/cpp_int.hpp>

namespace bitloom::rtl {

using boost::multiprecision::cpp_int;

/// A finite binary16 in units of 2^-24.
inline std::int64_t half_units(unsigned half) {
  const unsigned field = (half >> 10) & 31U;
  const std::int64_t fraction = half & 1023U;
  const std::int64_t magnitude = field == 0 ? fraction : (fraction + 1024) << (field - 1);
  return (half & 0x8000U) != 0 ? -magnitude : magnitude;
}

/// The binary32 or binary16 pattern nearest to value * 2^unit, ties to even, by comparing remainders:
/// no guard bits. Too large gives infinity, a nonzero value that becomes zero keeps its sign.
inline std::uint32_t nearest(const cpp_int& value, int unit, bool binary16) {
  const int fraction_bits = binary16 ? 10 : 23;
  const int least = binary16 ? -14 : -126;  // exponents of normal numbers
  const int most = binary16 ? 15 : 127;
  const std::uint32_t sign = value < 0 ? 1U << (binary16 ? 15 : 31) : 0;
  if (value == 0) return 0;
  const cpp_int magnitude = abs(value);
  const int exponent = std::max(static_cast<int>(msb(magnitude)) + unit, least);
  // significand * 2^(exponent - fraction_bits), at most 2^(fraction_bits + 1)
  const int shift = exponent - fraction_bits - unit;
  const cpp_int numerator = shift < 0 ? magnitude << static_cast<unsigned>(-shift) : magnitude;
  const cpp_int denominator = shift > 0 ? cpp_int(1) << static_cast<unsigned>(shift) : cpp_int(1);
  cpp_int significand = numerator / denominator;
  const cpp_int twice_rest = 2 * (numerator % denominator);
  if (twice_rest > denominator || (twice_rest == denominator && significand % 2 == 1)) ++significand;
  // A significand below 2^fraction_bits is subnormal: its field is 0. One that was rounded up to
  // the next power of two carries into the field.
  const auto pattern =
      static_cast<std::uint32_t>(significand) +
      (static_cast<std::uint32_t>(exponent - least) << static_cast<unsigned>(fraction_bits));
  const auto infinity = static_cast<std::uint32_t>(most - least + 2)
                        << static_cast<unsigned>(fraction_bits);
  return sign | std::min(pattern, infinity);
}

/// The binary32 nearest to value * 2^-48.
inline std::uint32_t nearest_binary32(const cpp_int& value) { return nearest(value, -48, false); }

}  // namespace bitloom::rtl
