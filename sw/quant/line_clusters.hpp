// SPDX-License-Identifier: Apache-2.0
// Optimal clusters of points on a line: exact one-dimensional k-means.
//
// Clusters of an optimum are intervals of the sorted points, so dynamic programming over the sorted
// points finds one (Wang and Song, Ckmeans.1d.dp, The R Journal 2011). The last cluster's optimal
// begin grows with the number of points and with the number of clusters, which is what makes
// divide and conquer possible: O(k n log n) at most (Groenlund et al., Fast Exact k-Means,
// k-Medians and Bregman Divergence Clustering in 1D, 2017).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitloom {

/// Points with the same value, and their total weight.
struct WeightedPoint {
  double value = 0;
  double weight = 0;  ///< above 0
};

/// Clusters one set of points after the other in the same workspace, which holds 4 bytes per point
/// and cluster.
class LineClusters {
 public:
  /// `clusters` >= 1.
  explicit LineClusters(std::uint32_t clusters) : clusters_(clusters) {}

  /// Cuts `points` (at least one; values strictly ascending) into intervals with as little sum of
  /// weight * (value - mean of its interval)^2 as possible, up to the rounding of binary64: as many
  /// intervals as clusters, or one per point when there are fewer points.
  void fit(std::span<const WeightedPoint> points);

  /// The weighted mean of each interval, ascending.
  [[nodiscard]] std::span<const double> means() const { return means_; }
  /// The first point of each interval, and the number of points at the end.
  [[nodiscard]] std::span<const std::uint32_t> begins() const { return begins_; }

 private:
  void sum_up(std::span<const WeightedPoint> points);
  void first_row(std::uint32_t last);
  void next_row(std::uint32_t clusters, std::uint32_t first, std::uint32_t last);
  std::uint32_t best_begin(std::uint32_t end, std::uint32_t low, std::uint32_t high);
  void trace_back(std::uint32_t clusters);

  std::uint32_t clusters_;
  double origin_ = 0;
  std::vector<double> weight_sum_;   // [n + 1]: of the points before
  std::vector<double> value_sum_;    // likewise, of weight * (value - origin)
  std::vector<double> gain_;         // [n + 1]: of the best clusters of the points before
  std::vector<double> next_gain_;    // the same with one cluster more
  std::vector<std::uint32_t> cuts_;  // [clusters][n + 1]: begin of the last cluster
  std::vector<std::uint32_t> begins_;
  std::vector<double> means_;
};

}  // namespace bitloom
