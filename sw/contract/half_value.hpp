// SPDX-License-Identifier: Apache-2.0
// Real numbers to binary16 and back.
#pragma once

#include <cmath>
#include <limits>

#include "sw/contract/half.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// The value of v, exactly.
inline double to_double(Half v) {
  if (contract::is_finite(v)) return static_cast<double>(contract::units(v)) * 0x1p-24;
  if ((v.bits & 0x3FF) != 0) return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return contract::is_negative(v) ? -infinity : infinity;
}

/// The binary16 value nearest to `value`, ties to even; from 65520 on it is an infinity. NaN
/// becomes the canonical quiet NaN.
inline Half half_from_double(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000U : 0U);
  const double magnitude = std::abs(value);
  if (std::isnan(value)) return {static_cast<std::uint16_t>(kQuietNan16)};
  if (magnitude >= 65520.0) return {static_cast<std::uint16_t>(sign | 0x7C00U)};
  const int exponent =
      magnitude < 0x1p-14 ? contract::kMinExponent : static_cast<int>(std::ilogb(magnitude));
  // Significands run over 0..2047, and 2048 carries into the exponent field as it should.
  const auto significand =
      static_cast<unsigned>(std::nearbyint(std::scalbn(magnitude, 10 - exponent)));
  const unsigned field = static_cast<unsigned>(exponent - contract::kMinExponent) << 10;
  return {static_cast<std::uint16_t>(sign | (field + significand))};
}

}  // namespace bitloom
