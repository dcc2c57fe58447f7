// SPDX-License-Identifier: Apache-2.0
// The BCQ problem of one group: scales and codes of up to 2^20 weights.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom {

/// The scales of one group, in real numbers; only the first `bits` alphas count.
struct GroupScales {
  std::array<double, kMaxBits> alpha{};
  double beta = 0;
};

/// Fits one group after the other in the same workspace.
///
/// The weights are sorted once. Nearest-level assignment then cuts the sorted weights at the
/// midpoints of the levels, and all that least squares needs is the number and the sum of the
/// weights at each level, which prefix sums give: a round costs O(G + b * 2^b) instead of
/// O(G * b^2).
class GroupFit {
 public:
  GroupFit(unsigned bits, bool offset, unsigned rounds)
      : bits_(bits), offset_(offset), rounds_(rounds) {}

  /// Fits `weights` (all finite). Afterwards scales() are binary16 values (infinite when beyond
  /// its range), and codes()[i] has bit p set where plane p of weight i is +1: the nearest level
  /// under the rounded scales.
  void fit(std::span<const float> weights);

  [[nodiscard]] const GroupScales& scales() const { return best_; }
  [[nodiscard]] std::span<const std::uint8_t> codes() const { return codes_; }

 private:
  struct Level {
    double value;
    std::uint8_t code;
  };

  void sort_weights(std::span<const float> weights);
  [[nodiscard]] GroupScales greedy(std::span<const float> weights);
  [[nodiscard]] GroupScales least_squares();
  [[nodiscard]] GroupScales stored(GroupScales scales) const;
  void build_levels(const GroupScales& scales);
  double assign(const GroupScales& scales);
  void write_codes();

  unsigned bits_;
  bool offset_;
  unsigned rounds_;
  GroupScales best_;
  std::vector<std::uint32_t> order_;  // weight indices, ascending by value
  std::vector<double> sorted_;        // weights, ascending
  std::vector<double> sum_;           // prefix sums of sorted_
  std::vector<double> square_sum_;    // prefix sums of its squares
  std::vector<double> residual_;      // greedy
  std::vector<Level> levels_;         // ascending by value
  std::vector<Level> merged_;         // build_levels
  std::vector<std::size_t> first_;    // [levels + 1]: first sorted weight of each level
  std::vector<double> level_counts_;  // least_squares, by inverted code
  std::vector<double> level_sums_;    // likewise
  std::vector<std::uint8_t> codes_;
};

}  // namespace bitloom
