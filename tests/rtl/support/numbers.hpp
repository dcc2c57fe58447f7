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

/// The binary32 nearest to value * 2^-48, ties to even, by comparing remainders: no guard bits.
inline std::uint32_t nearest_binary32(const cpp_int& value) {
  if (value == 0) return 0;
  const cpp_int magnitude = abs(value);
  auto exponent = static_cast<int>(msb(magnitude));
  // significand * 2^(exponent - 23) units, 2^23 <= significand <= 2^24
  const cpp_int numerator = exponent < 23 ? magnitude << (23 - exponent) : magnitude;
  const cpp_int denominator = exponent > 23 ? cpp_int(1) << (exponent - 23) : cpp_int(1);
  cpp_int significand = numerator / denominator;
  const cpp_int twice_rest = 2 * (numerator % denominator);
  if (twice_rest > denominator || (twice_rest == denominator && significand % 2 == 1)) {
    ++significand;
  }
  if (significand == 1 << 24) {
    significand = 1 << 23;
    ++exponent;
  }
  const auto fraction = static_cast<std::uint32_t>(significand) - (1U << 23);
  const auto field = static_cast<std::uint32_t>(exponent - 48 + 127);
  return (value < 0 ? 0x80000000U : 0U) | field << 23 | fraction;
}

}  // namespace bitloom::rtl
