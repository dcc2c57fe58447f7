// SPDX-License-Identifier: Apache-2.0
// Activations on the common exponent of their group.
#pragma once

#include <cstdint>

#include "sw/contract/fixed.hpp"
#include "sw/contract/half.hpp"

namespace bitloom::contract {

/// m_k = RNE(x * 2^(MB-2-E_g)), clamped to +-(2^(MB-1) - 1): x counted in units of
/// 2^(E_g-(MB-2)). x is finite with e(x) <= E_g; MB = 8..24 is the width with its sign.
BL_HD constexpr std::int32_t aligned_mantissa(Half x, int group_exponent, unsigned mantissa_bits) {
  const int shift = exponent(x) - 10 + static_cast<int>(mantissa_bits) - 2 - group_exponent;
  const Magnitude exact = significand(x);
  auto magnitude = static_cast<std::int32_t>(shift >= 0 ? exact << shift
                                                        : shift_right_nearest_even(exact, -shift));
  const std::int32_t limit = (std::int32_t{1} << (mantissa_bits - 1)) - 1;
  if (magnitude > limit) magnitude = limit;
  return is_negative(x) ? -magnitude : magnitude;
}

}  // namespace bitloom::contract
