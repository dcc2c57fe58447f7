// SPDX-License-Identifier: Apache-2.0
// Least squares of one group's scales with its planes given, and the scales themselves.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom {

/// The scales of one group, in real numbers; only the first `bits` alphas count.
struct GroupScales {
  std::array<double, kMaxBits> alpha{};
  double beta = 0;
};

/// What a group's weights have in common that have the same code, for each of the 2^bits codes:
/// what they count in all, and the sum of their values, each times what it counts.
struct CodeSums {
  std::vector<double> count;
  std::vector<double> sum;

  void reset(std::size_t codes) {
    count.assign(codes, 0.0);
    sum.assign(codes, 0.0);
  }
};

/// The scales, and the offset if it is asked for, of least squared error for weights of these
/// codes; bit p of a code says that plane p is +1. Uses up `sums`, whose counts are not all 0. O(b
/// * 2^b).
GroupScales fit_scales(CodeSums& sums, unsigned bits, bool offset);

/// Each scale rounded to binary16 (infinite beyond its range).
GroupScales rounded_to_half(GroupScales scales, unsigned bits);

/// The 2^bits values that the codes stand for, added up in the order of the planes.
void code_values(const GroupScales& scales, unsigned bits, std::vector<double>& values);

}  // namespace bitloom
