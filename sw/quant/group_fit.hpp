// SPDX-License-Identifier: Apache-2.0
// The BCQ problem of one group: scales and codes of up to 2^20 weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/quant/scale_fit.hpp"

namespace bitloom {

/// Fits one group after the other in the same workspace.
///
/// The weights are sorted once, as optimal clusters on a line are found (Wang and Song,
/// Ckmeans.1d.dp, The R Journal 2011), which also has the prefix sums. Nearest-level assignment
/// then cuts the sorted weights at the midpoints of the levels, and all that least squares needs is
/// what the weights at each level count and their sum, which prefix sums give: a round costs O(G +
/// b * 2^b) instead of O(G * b^2).
class GroupFit {
 public:
  GroupFit(unsigned bits, bool offset, unsigned rounds)
      : bits_(bits), offset_(offset), rounds_(rounds) {}

  /// Fits `weights` (all finite), with what a squared error in each counts (as many, at least 0,
  /// not all 0). Afterwards scales() are binary16 values (infinite when beyond its range), and
  /// codes()[i] has bit p set where plane p of weight i is +1: the nearest level under the rounded
  /// scales.
  void fit(std::span<const float> weights, std::span<const double> importance);

  [[nodiscard]] const GroupScales& scales() const { return best_; }
  [[nodiscard]] std::span<const std::uint8_t> codes() const { return codes_; }

 private:
  struct Level {
    double value;
    std::uint8_t code;
  };

  void sort_weights(std::span<const float> weights, std::span<const double> importance);
  [[nodiscard]] GroupScales greedy(std::span<const float> weights,
                                   std::span<const double> importance);
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
  std::vector<double> count_;         // prefix sums of what they count
  std::vector<double> sum_;           // of that times the weights
  std::vector<double> square_sum_;    // of that times their squares
  std::vector<double> residual_;      // greedy
  std::vector<Level> levels_;         // ascending by value
  std::vector<Level> merged_;         // build_levels
  std::vector<std::size_t> first_;    // [levels + 1]: first sorted weight of each level
  CodeSums sums_;                     // least_squares
  std::vector<std::uint8_t> codes_;
};

}  // namespace bitloom
