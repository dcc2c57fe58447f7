// SPDX-License-Identifier: Apache-2.0
// Number formats from their definitions in IEEE 754, in exact integers.
#pragma once

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

/// A format of IEEE 754: bits of the significand, the hidden one included, and normal exponents.
struct Format {
  int precision;
  int min_exponent;
  int max_exponent;
  std::uint32_t quiet_nan;
};

inline constexpr Format kBinary32{24, -126, 127, 0x7FC00000U};
inline constexpr Format kBinary16{11, -14, 15, 0x7E00U};

/// The number of `format` nearest to value * 2^unit, ties to even, by comparing remainders: no
/// guard bits. Beyond the midpoint that the largest number would have with a next one: infinity.
inline std::uint32_t nearest(const cpp_int& value, int unit, const Format& format) {
  if (value == 0) return 0;
  const cpp_int magnitude = abs(value);
  // magnitude * 2^unit = (numerator / denominator) * 2^(place), place the last place's exponent
  const int leading = static_cast<int>(msb(magnitude)) + unit;
  int exponent = leading < format.min_exponent ? format.min_exponent : leading;
  const int right = exponent - (format.precision - 1) - unit;
  const cpp_int numerator = right < 0 ? magnitude << static_cast<unsigned>(-right) : magnitude;
  const cpp_int denominator = right > 0 ? cpp_int(1) << static_cast<unsigned>(right) : cpp_int(1);
  cpp_int significand = numerator / denominator;
  const cpp_int twice_rest = 2 * (numerator % denominator);
  if (twice_rest > denominator || (twice_rest == denominator && significand % 2 == 1)) {
    ++significand;
  }
  const std::uint32_t hidden = 1U << (format.precision - 1);
  if (significand == 2 * cpp_int(hidden)) {
    significand = hidden;
    ++exponent;
  }
  const auto fields = static_cast<std::uint32_t>(2 * format.max_exponent + 1);  // of infinity
  const std::uint32_t sign = value < 0 ? (fields + 1) * hidden : 0;
  if (exponent > format.max_exponent) return sign | fields * hidden;
  if (significand < hidden) return sign | static_cast<std::uint32_t>(significand);
  const auto field = static_cast<std::uint32_t>(exponent - format.min_exponent + 1);
  return sign | (field * hidden + (static_cast<std::uint32_t>(significand) - hidden));
}

/// The binary32 nearest to an exact sum, which counts units of 2^-48.
inline std::uint32_t nearest_binary32(const cpp_int& value) {
  return nearest(value, -48, kBinary32);
}

}  // namespace bitloom::rtl
