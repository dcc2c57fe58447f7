// SPDX-License-Identifier: Apache-2.0
// Weights and activations with the statistics of language models, for runs without a checkpoint.
// docs/synthetic.md names the sources of the constants. The same seed gives the same bits on every
// machine and for any number of threads.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sw/layer/layer.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

/// Counts every change of the values that a seed gives, so that caches of older ones are not used.
inline constexpr unsigned kSyntheticRevision = 1;

/// A weight is row scale * normal / sqrt(K), and kWeightTailGain times that with probability
/// kWeightTailShare. Row scales are uniform in [kRowScaleLow, kRowScaleHigh].
inline constexpr double kRowScaleLow = 0.5;
inline constexpr double kRowScaleHigh = 1.5;
inline constexpr double kWeightTailShare = 1.0 / 64;
inline constexpr double kWeightTailGain = 2.0;

/// An activation is channel gain * normal. Gains are uniform in [kGainLow, kGainHigh]; one channel
/// in kChannelsPerOutlier, at least one, is an outlier channel for all tokens, with its gain times
/// a factor uniform in [kOutlierLow, kOutlierHigh].
inline constexpr double kGainLow = 0.5;
inline constexpr double kGainHigh = 1.5;
inline constexpr std::uint32_t kChannelsPerOutlier = 1024;
inline constexpr double kOutlierLow = 20;
inline constexpr double kOutlierHigh = 100;

/// The weights [m, k] of the layer called `name`; rows are made when they are read.
FloatMatrix synthetic_weights(std::string_view name, std::uint32_t m, std::uint32_t k,
                              std::uint64_t seed);

/// The channels whose activations are outliers: ascending, distinct.
std::vector<std::uint32_t> outlier_channels(std::string_view name, std::uint32_t k,
                                            std::uint64_t seed);

/// `tokens` activations for the layer called `name`.
Activations synthetic_activations(std::string_view name, std::uint32_t k, std::uint32_t tokens,
                                  std::uint64_t seed);

}  // namespace bitloom
