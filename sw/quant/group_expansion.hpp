// SPDX-License-Identifier: Apache-2.0
// Planes added to a group one at a time, those that are there staying as they are: progressive
// precision expansion (AnyBCQ, Park et al., ICLR 2026, algorithm 1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/quant/scale_fit.hpp"

namespace bitloom {

/// Expands one group after the other in the same workspace. O(rounds * (G + b * 2^b)) per plane.
class GroupExpansion {
 public:
  GroupExpansion(bool offset, unsigned rounds) : offset_(offset), rounds_(rounds) {}

  /// Begins with a group: its weights, what an error in each counts (as many, not all 0), and the
  /// codes and binary16 scales of its first `bits` planes. The spans are used until the next begin.
  void begin(std::span<const float> weights, std::span<const double> importance,
             std::span<const std::uint8_t> codes, const GroupScales& scales, unsigned bits);

  /// Adds a plane: it starts as the sign of what is left of each weight; then all scales are fitted
  /// to the planes and the new plane to the scales, as long as the error of the scales' binary16
  /// values falls. If it never does, the scales stay and that of the new plane is 0: the error does
  /// not rise.
  void add_plane();

  [[nodiscard]] const GroupScales& scales() const { return scales_; }
  /// Bit p of codes()[i] is set where plane p of weight i is +1.
  [[nodiscard]] std::span<const std::uint8_t> codes() const { return codes_; }

 private:
  void assign_plane(const GroupScales& scales);
  [[nodiscard]] double mean_residual(const GroupScales& scales);
  [[nodiscard]] GroupScales refit();
  [[nodiscard]] double error(const GroupScales& scales);

  bool offset_;
  unsigned rounds_;
  unsigned bits_ = 0;
  std::span<const float> weights_;
  std::span<const double> importance_;
  GroupScales scales_;
  double error_ = 0;  // of scales_
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint8_t> best_codes_;  // add_plane
  std::vector<double> values_;            // of codes
  CodeSums sums_;
};

}  // namespace bitloom
