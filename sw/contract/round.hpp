// SPDX-License-Identifier: Apache-2.0
// The one rounding at the end: an exact sum to an IEEE 754 format, to nearest, ties to even.
#pragma once

#include <cstdint>

#include "sw/contract/fixed.hpp"
#include "sw/contract/host_device.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom::contract {

/// A binary interchange format of IEEE 754 (2019, table 3.5).
struct FloatFormat {
  int precision;     ///< bits of the significand, the hidden one included
  int max_exponent;  ///< the bias; the smallest normal exponent is 1 - max_exponent
};

BL_HD constexpr FloatFormat float_format(OutputFormat format) {
  return format == OutputFormat::binary32 ? FloatFormat{24, 127} : FloatFormat{11, 15};
}

/// One output, the bit pattern of RN(sum * 2^-48), binary16 in the low half: overflow gives
/// infinity, subnormals are kept, zero is +0, a nonzero sum that rounds to zero keeps its sign.
/// |sum * 2^-48| < 2^64.
BL_HD constexpr std::uint32_t round_output(Fixed sum, OutputFormat output) {
  if (sum == 0) return 0;
  const FloatFormat format = float_format(output);
  const bool negative = sum < 0;
  const Magnitude magnitude =
      negative ? Magnitude{0} - static_cast<Magnitude>(sum) : static_cast<Magnitude>(sum);

  const int min_exponent = 1 - format.max_exponent;
  const int log2 = bit_width(magnitude) - 1 + kFixedUnit;
  const int exponent = log2 > min_exponent ? log2 : min_exponent;
  const int drop = exponent - (format.precision - 1) - kFixedUnit;  // bits below the last place
  const auto rounded = static_cast<std::uint32_t>(
      drop >= 0 ? shift_right_nearest_even(magnitude, drop) : magnitude << -drop);

  // Adding the significand with its hidden bit to the exponent field less one encodes normals and
  // subnormals alike, and a carry out of the significand becomes the next exponent.
  const int fraction_bits = format.precision - 1;
  const auto field_less_one = static_cast<std::uint32_t>(exponent - min_exponent);
  const std::uint32_t encoded = (field_less_one << fraction_bits) + rounded;
  const std::uint32_t infinity = static_cast<std::uint32_t>(2 * format.max_exponent + 1)
                                 << fraction_bits;
  const std::uint32_t sign = negative ? (infinity >> fraction_bits) + 1 : 0;
  return (encoded < infinity ? encoded : infinity) | (sign << fraction_bits);
}

/// Every output of a token that holds a NaN or Inf.
BL_HD constexpr std::uint32_t quiet_nan(OutputFormat format) {
  return format == OutputFormat::binary32 ? kQuietNan32 : kQuietNan16;
}

}  // namespace bitloom::contract
