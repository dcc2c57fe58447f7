// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/group_fit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "sw/contract/half_value.hpp"

namespace bitloom {
namespace {

constexpr unsigned kMaxUnknowns = kMaxBits + 1;
using Vector = std::array<double, kMaxUnknowns>;
using Matrix = std::array<Vector, kMaxUnknowns>;

double round_to_half(double value) { return to_double(half_from_double(value)); }

// In place: out[mask] = sum over c of in[c] * (-1)^popcount(c & mask).
void walsh_hadamard(std::vector<double>& values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t block = 0; block < values.size(); block += 2 * half) {
      for (std::size_t i = block; i < block + half; ++i) {
        const double low = values[i];
        const double high = values[i + half];
        values[i] = low + high;
        values[i + half] = low - high;
      }
    }
  }
}

// Solves the symmetric positive semidefinite system a * x = rhs of size n by LDL^T. An unknown
// whose column depends on earlier ones (pivot below `tolerance`) is left out, that is 0: what
// remains is still a least-squares solution.
Vector solve(Matrix a, Vector rhs, unsigned n, double tolerance) {
  Vector inverse_pivot{};
  for (unsigned j = 0; j < n; ++j) {
    inverse_pivot[j] = a[j][j] > tolerance ? 1.0 / a[j][j] : 0.0;
    for (unsigned i = j + 1; i < n; ++i) {
      const double factor = a[i][j] * inverse_pivot[j];
      for (unsigned c = j + 1; c <= i; ++c) a[i][c] -= factor * a[c][j];
      rhs[i] -= factor * rhs[j];
    }
  }
  Vector x{};
  for (unsigned j = n; j-- > 0;) {
    double right = rhs[j];
    for (unsigned i = j + 1; i < n; ++i) right -= a[i][j] * x[i];
    x[j] = right * inverse_pivot[j];
  }
  return x;
}

}  // namespace

void GroupFit::sort_weights(std::span<const float> weights) {
  order_.resize(weights.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return weights[a] != weights[b] ? weights[a] < weights[b] : a < b;
  });
  sorted_.resize(weights.size());
  sum_.assign(weights.size() + 1, 0.0);
  square_sum_.assign(weights.size() + 1, 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double value = weights[order_[i]];
    sorted_[i] = value;
    sum_[i + 1] = sum_[i] + value;
    square_sum_[i + 1] = square_sum_[i] + value * value;
  }
}

GroupScales GroupFit::greedy(std::span<const float> weights) {
  const auto count = static_cast<double>(weights.size());
  GroupScales scales;
  if (offset_) scales.beta = sum_.back() / count;
  residual_.assign(weights.begin(), weights.end());
  for (double& r : residual_) r -= scales.beta;
  for (unsigned i = 0; i < bits_; ++i) {
    double magnitude = 0;
    for (const double r : residual_) magnitude += std::abs(r);
    scales.alpha[i] = magnitude / count;
    for (double& r : residual_) r -= r >= 0 ? scales.alpha[i] : -scales.alpha[i];
  }
  return scales;
}

// With sign(b, c) = +1 where code c has bit b, the normal equations hold sum_c count(c) * sign(i,
// c)
// * sign(j, c) and sum_c sum(c) * sign(i, c): Walsh-Hadamard coefficients of count and sum over
// inverted codes, where a set bit is -1 as the transform has it.
GroupScales GroupFit::least_squares() {
  const std::size_t code_count = std::size_t{1} << bits_;
  level_counts_.assign(code_count, 0.0);
  level_sums_.assign(code_count, 0.0);
  for (std::size_t j = 0; j < levels_.size(); ++j) {
    const std::size_t inverted = code_count - 1 - levels_[j].code;
    level_counts_[inverted] = static_cast<double>(first_[j + 1] - first_[j]);
    level_sums_[inverted] = sum_[first_[j + 1]] - sum_[first_[j]];
  }
  walsh_hadamard(level_counts_);
  walsh_hadamard(level_sums_);

  // The offset comes first: its pivot is the number of weights, never 0.
  std::array<std::size_t, kMaxUnknowns> mask{};
  unsigned unknowns = 0;
  if (offset_) mask[unknowns++] = 0;
  for (unsigned i = 0; i < bits_; ++i) mask[unknowns++] = std::size_t{1} << i;
  Matrix a{};
  Vector rhs{};
  for (unsigned i = 0; i < unknowns; ++i) {
    for (unsigned j = 0; j <= i; ++j) a[i][j] = level_counts_[mask[i] ^ mask[j]];
    rhs[i] = level_sums_[mask[i]];
  }
  // A pivot is a ratio of small integers: far above this, or 0 but for rounding.
  const double tolerance = 1e-9 * static_cast<double>(sorted_.size());
  const Vector x = solve(a, rhs, unknowns, tolerance);
  GroupScales scales;
  if (offset_) scales.beta = x[0];
  for (unsigned i = 0; i < bits_; ++i) scales.alpha[i] = x[(offset_ ? 1 : 0) + i];
  return scales;
}

// The form in which scales are stored: binary16, alphas non-negative and descending. A sign or the
// order of planes only renames codes, and codes are assigned afterwards.
GroupScales GroupFit::stored(GroupScales scales) const {
  for (unsigned i = 0; i < bits_; ++i) scales.alpha[i] = round_to_half(std::abs(scales.alpha[i]));
  std::sort(scales.alpha.begin(), scales.alpha.begin() + bits_, std::greater<>());
  scales.beta = round_to_half(scales.beta);
  return scales;
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
    error += squares - level * (2 * sum - level * static_cast<double>(at - begin));
  }
  first_.back() = at;
  return error;
}

void GroupFit::write_codes() {
  codes_.resize(sorted_.size());
  for (std::size_t j = 0; j < levels_.size(); ++j)
    for (std::size_t i = first_[j]; i < first_[j + 1]; ++i) codes_[order_[i]] = levels_[j].code;
}

void GroupFit::fit(std::span<const float> weights) {
  sort_weights(weights);
  best_ = stored(greedy(weights));
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
