// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/group_expansion.hpp"

#include <cmath>
#include <cstddef>

namespace bitloom {

void GroupExpansion::begin(std::span<const float> weights, std::span<const double> importance,
                           std::span<const std::uint8_t> codes, const GroupScales& scales,
                           unsigned bits) {
  weights_ = weights;
  importance_ = importance;
  codes_.assign(codes.begin(), codes.end());
  scales_ = scales;
  bits_ = bits;
  error_ = error(scales_);
}

void GroupExpansion::add_plane() {
  ++bits_;
  GroupScales next = scales_;
  next.alpha[bits_ - 1] = 0;
  scales_ = next;
  assign_plane(next);
  best_codes_ = codes_;
  next.alpha[bits_ - 1] = mean_residual(next);
  next = rounded_to_half(next, bits_);
  for (unsigned round = 0;; ++round) {
    const double next_error = error(next);
    const bool better = next_error < error_;
    if (better) {
      scales_ = next;
      error_ = next_error;
      best_codes_ = codes_;
    }
    // The greedy scale may be worse than none at all: the first refit is made in any case.
    if (round == rounds_ || (round > 0 && !better)) break;
    if (round > 0) assign_plane(next);
    next = rounded_to_half(refit(), bits_);
  }
  codes_ = best_codes_;
}

// The newest plane's bits, nearest under `scales`; where both are as near, +1.
void GroupExpansion::assign_plane(const GroupScales& scales) {
  const auto plane_bit = static_cast<std::uint8_t>(1U << (bits_ - 1));
  code_values(scales, bits_ - 1, values_);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const auto frozen = static_cast<std::uint8_t>(codes_[i] & (plane_bit - 1));
    codes_[i] =
        weights_[i] >= values_[frozen] ? static_cast<std::uint8_t>(frozen | plane_bit) : frozen;
  }
}

double GroupExpansion::mean_residual(const GroupScales& scales) {
  const auto frozen = static_cast<std::uint8_t>((1U << (bits_ - 1)) - 1);
  double sum = 0;
  double count = 0;
  code_values(scales, bits_ - 1, values_);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    sum += importance_[i] * std::abs(weights_[i] - values_[codes_[i] & frozen]);
    count += importance_[i];
  }
  return sum / count;
}

GroupScales GroupExpansion::refit() {
  sums_.reset(std::size_t{1} << bits_);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    sums_.count[codes_[i]] += importance_[i];
    sums_.sum[codes_[i]] += importance_[i] * weights_[i];
  }
  return fit_scales(sums_, bits_, offset_);
}

double GroupExpansion::error(const GroupScales& scales) {
  code_values(scales, bits_, values_);
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double difference = weights_[i] - values_[codes_[i]];
    sum += importance_[i] * difference * difference;
  }
  return sum;
}

}  // namespace bitloom
