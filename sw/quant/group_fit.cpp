// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/group_fit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace bitloom {
void GroupFit::sort_weights(std::span<const float> weights, std::span<const double> importance) {
  order_.resize(weights.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return weights[a] != weights[b] ? weights[a] < weights[b] : a < b;
  });
  sorted_.resize(weights.size());
  count_.assign(weights.size() + 1, 0.0);
  sum_.assign(weights.size() + 1, 0.0);
  square_sum_.assign(weights.size() + 1, 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double value = weights[order_[i]];
    sorted_[i] = value;
    const double count = importance[order_[i]];
    count_[i + 1] = count_[i] + count;
    sum_[i + 1] = sum_[i] + count * value;
    square_sum_[i + 1] = square_sum_[i] + count * value * value;
  }
}

GroupScales GroupFit::greedy(std::span<const float> weights, std::span<const double> importance) {
  const double count = count_.back();
  GroupScales scales;
  if (offset_) scales.beta = sum_.back() / count;
  residual_.assign(weights.begin(), weights.end());
  for (double& r : residual_) r -= scales.beta;
  for (unsigned i = 0; i < bits_; ++i) {
    double magnitude = 0;
    for (std::size_t j = 0; j < residual_.size(); ++j)
      magnitude += importance[j] * std::abs(residual_[j]);
    scales.alpha[i] = magnitude / count;
    for (double& r : residual_) r -= r >= 0 ? scales.alpha[i] : -scales.alpha[i];
  }
  return scales;
}

GroupScales GroupFit::least_squares() {
  sums_.reset(std::size_t{1} << bits_);
  for (std::size_t j = 0; j < levels_.size(); ++j) {
    sums_.count[levels_[j].code] = count_[first_[j + 1]] - count_[first_[j]];
    sums_.sum[levels_[j].code] = sum_[first_[j + 1]] - sum_[first_[j]];
  }
  return fit_scales(sums_, bits_, offset_);
}

// The form in which scales are stored: binary16, alphas non-negative and descending. A sign or the
// order of planes only renames codes, and codes are assigned afterwards.
GroupScales GroupFit::stored(GroupScales scales) const {
  for (unsigned i = 0; i < bits_; ++i) scales.alpha[i] = std::abs(scales.alpha[i]);
  std::sort(scales.alpha.begin(), scales.alpha.begin() + bits_, std::greater<>());
  return rounded_to_half(scales, bits_);
}

// All 2^b sums in ascending order: each plane merges the lists shifted down and up by its alpha.
void GroupFit::build_levels(const GroupScales& scales) {
  levels_.assign(1, {scales.beta, 0});
  for (unsigned plane = bits_; plane-- > 0;) {
    const double alpha = scales.alpha[plane];
    const auto plane_bit = static_cast<std::uint8_t>(1U << plane);
    merged_.clear();
    std::size_t up = 0;
    for (const Level& down : levels_) {
      for (; levels_[up].value + alpha < down.value - alpha; ++up)
        merged_.push_back(
            {levels_[up].value + alpha, static_cast<std::uint8_t>(levels_[up].code | plane_bit)});
      merged_.push_back({down.value - alpha, down.code});
    }
    for (; up < levels_.size(); ++up)
      merged_.push_back(
          {levels_[up].value + alpha, static_cast<std::uint8_t>(levels_[up].code | plane_bit)});
    levels_.swap(merged_);
  }
}

// Gives each weight its nearest level (a tie goes up) and returns the squared error.
double GroupFit::assign(const GroupScales& scales) {
  build_levels(scales);
  first_.resize(levels_.size() + 1);
  double error = 0;
  std::size_t at = 0;
  for (std::size_t j = 0; j < levels_.size(); ++j) {
    const double level = levels_[j].value;
    const std::size_t begin = at;
    first_[j] = begin;
    if (j + 1 < levels_.size()) {
      const double middle = 0.5 * (level + levels_[j + 1].value);
      while (at < sorted_.size() && sorted_[at] < middle) ++at;
    } else {
      at = sorted_.size();
    }
    const double sum = sum_[at] - sum_[begin];
    const double squares = square_sum_[at] - square_sum_[begin];
    error += squares - level * (2 * sum - level * (count_[at] - count_[begin]));
  }
  first_.back() = at;
  return error;
}

void GroupFit::write_codes() {
  codes_.resize(sorted_.size());
  for (std::size_t j = 0; j < levels_.size(); ++j)
    for (std::size_t i = first_[j]; i < first_[j + 1]; ++i) codes_[order_[i]] = levels_[j].code;
}

void GroupFit::fit(std::span<const float> weights, std::span<const double> importance) {
  sort_weights(weights, importance);
  best_ = stored(greedy(weights, importance));
  double best_error = assign(best_);
  // Rounding to binary16 can make a step go up, so the best round counts; the first round that does
  // not improve ends the search.
  for (unsigned round = 0; round < rounds_; ++round) {
    const GroupScales next = stored(least_squares());
    const double error = assign(next);
    if (!(error < best_error)) break;
    best_ = next;
    best_error = error;
  }
  assign(best_);
  write_codes();
}

}  // namespace bitloom
