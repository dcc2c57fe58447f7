// SPDX-License-Identifier: Apache-2.0
// Bit-for-bit comparison of two backends' outputs.
#pragma once

#include <cstdint>
#include <optional>

#include "sw/layer/layer.hpp"

namespace bitloom {

struct Mismatch {
  std::uint32_t token = 0;
  std::uint32_t row = 0;
  std::uint32_t found = 0;     ///< bit pattern
  std::uint32_t expected = 0;  ///< bit pattern
};

struct Comparison {
  std::uint64_t compared = 0;    ///< outputs
  std::uint64_t mismatches = 0;  ///< outputs with at least one different bit
  std::optional<Mismatch> first;

  /// Adds a comparison made later.
  Comparison& operator+=(const Comparison& later);
};

/// Compares all outputs; throws std::invalid_argument when shapes or formats differ.
Comparison compare_outputs(const Outputs& found, const Outputs& expected);

}  // namespace bitloom
