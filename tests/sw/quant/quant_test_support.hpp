// SPDX-License-Identifier: Apache-2.0
// What the tests of the quantizers share.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "sw/error/error.hpp"

namespace quant_test {

/// Sums of four uniforms: bell-shaped, and the same on every machine.
inline std::vector<float> random_weights(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53 - 0.5; };
  std::vector<float> values(count);
  for (float& value : values)
    value = static_cast<float>(0.05 * (uniform() + uniform() + uniform() + uniform()));
  return values;
}

/// The code of the Error that `action` throws.
template <class Action>
bitloom::ErrorCode code_of(const Action& action) {
  try {
    action();
  } catch (const bitloom::Error& error) {
    return error.code();
  }
  FAIL("no error was thrown");
  return {};
}

/// Binary16 levels are off by 2^-11 of their magnitude, or of that of their scales, at most.
inline constexpr double kHalfStep = 0x1p-10;

}  // namespace quant_test
