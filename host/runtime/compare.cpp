// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/compare.hpp"

#include <stdexcept>

namespace bitloom {

Comparison& Comparison::operator+=(const Comparison& later) {
  compared += later.compared;
  mismatches += later.mismatches;
  if (!first) first = later.first;
  return *this;
}

Comparison compare_outputs(const Outputs& found, const Outputs& expected) {
  if (found.format != expected.format || found.tokens != expected.tokens || found.m != expected.m ||
      found.bits.size() != expected.bits.size())
    throw std::invalid_argument("outputs of different shapes cannot be compared");
  Comparison result;
  result.compared = found.bits.size();
  for (std::size_t i = 0; i < found.bits.size(); ++i) {
    if (found.bits[i] == expected.bits[i]) continue;
    if (!result.first)
      result.first =
          Mismatch{static_cast<std::uint32_t>(i / found.m), static_cast<std::uint32_t>(i % found.m),
                   found.bits[i], expected.bits[i]};
    ++result.mismatches;
  }
  return result;
}

}  // namespace bitloom
