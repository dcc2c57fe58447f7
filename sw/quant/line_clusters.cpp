// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/line_clusters.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace bitloom {

// A cluster's squared error is the sum of its weight * value^2 less gain = sum^2 / weight, its two
// sums. The first term is the same for all cuts, so the least error is the largest total gain.
// Distances from a middle point stand for values, so that a common offset costs no precision.
void LineClusters::sum_up(std::span<const WeightedPoint> points) {
  origin_ = points[points.size() / 2].value;
  weight_sum_.assign(points.size() + 1, 0.0);
  value_sum_.assign(points.size() + 1, 0.0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    weight_sum_[i + 1] = weight_sum_[i] + points[i].weight;
    value_sum_[i + 1] = value_sum_[i] + points[i].weight * (points[i].value - origin_);
  }
}

void LineClusters::first_row(std::uint32_t last) {
  for (std::uint32_t end = 1; end <= last; ++end)
    gain_[end] = value_sum_[end] * value_sum_[end] / weight_sum_[end];
}

// The first begin in [low, high] with which a last cluster [begin, end) gains most in all; the gain
// goes to next_gain_[end]. Written without branches: most are in doubt, and a division costs less
// than one that is predicted wrongly.
std::uint32_t LineClusters::best_begin(std::uint32_t end, std::uint32_t low, std::uint32_t high) {
  const double weight_end = weight_sum_[end];
  const double value_end = value_sum_[end];
  double best = -std::numeric_limits<double>::infinity();
  std::uint32_t best_begin = low;
  for (std::uint32_t begin = low; begin <= high; ++begin) {
    const double value = value_end - value_sum_[begin];
    const double weight = weight_end - weight_sum_[begin];
    const double gain = gain_[begin] + value * value / weight;
    best_begin = gain > best ? begin : best_begin;
    best = gain > best ? gain : best;
  }
  next_gain_[end] = best;
  return best_begin;
}

// Fills row[end] and next_gain_[end] of so many clusters, for ends in [first, last]. Ends are taken
// in the order of a binary search, each one between two that are known already: row[end] lies
// between theirs, and not below above[end], that of one cluster less.
void LineClusters::next_row(std::uint32_t clusters, std::uint32_t first, std::uint32_t last) {
  const std::size_t width = weight_sum_.size();
  const std::span<std::uint32_t> row = std::span(cuts_).subspan((clusters - 1) * width, width);
  const std::span<const std::uint32_t> above =
      std::span(cuts_).subspan((clusters - 2) * width, width);
  const std::uint32_t count = last - first + 1;
  const auto least = clusters - 1;  // each cluster has a point
  for (std::uint32_t step = std::bit_floor(count); step > 0; step /= 2) {
    for (std::uint32_t place = step; place <= count; place += 2 * step) {
      const std::uint32_t end = first - 1 + place;
      std::uint32_t low = std::max(least, above[end]);
      std::uint32_t high = end - 1;
      if (place > step) low = std::max(low, row[end - step]);
      if (place + step <= count) high = std::min(high, row[end + step]);
      row[end] = best_begin(end, low, high);
    }
  }
}

void LineClusters::trace_back(std::uint32_t clusters) {
  const std::size_t width = weight_sum_.size();
  begins_.assign(clusters + 1, static_cast<std::uint32_t>(width - 1));
  means_.assign(clusters, 0.0);
  for (std::uint32_t last = clusters; last-- > 0;) {
    const std::uint32_t end = begins_[last + 1];
    const std::uint32_t begin = cuts_[last * width + end];
    begins_[last] = begin;
    means_[last] =
        origin_ + (value_sum_[end] - value_sum_[begin]) / (weight_sum_[end] - weight_sum_[begin]);
  }
}

void LineClusters::fit(std::span<const WeightedPoint> points) {
  const auto count = static_cast<std::uint32_t>(points.size());
  const std::uint32_t most = std::min(clusters_, count);
  sum_up(points);
  gain_.resize(points.size() + 1);
  next_gain_.resize(points.size() + 1);
  cuts_.assign(most * (points.size() + 1), 0);
  // Points enough for the clusters so far, and one left for each to come: no other end is asked
  // for. Of the last row only the whole set counts.
  first_row(count - most + 1);
  for (std::uint32_t clusters = 2; clusters <= most; ++clusters) {
    const std::uint32_t last = count - (most - clusters);
    next_row(clusters, clusters < most ? clusters : last, last);
    gain_.swap(next_gain_);
  }
  trace_back(most);
}

}  // namespace bitloom
