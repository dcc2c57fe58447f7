// SPDX-License-Identifier: Apache-2.0
#include "host/synthetic/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "host/synthetic/random.hpp"
#include "sw/contract/half_value.hpp"

namespace bitloom {
namespace {

double between(double low, double high, double uniform) { return low + (high - low) * uniform; }

std::vector<double> channel_gains(std::string_view name, std::uint32_t k, std::uint64_t seed) {
  SplitMix64 random(stream_seed(seed, "gains " + std::string(name), 0));
  std::vector<double> gains(k);
  for (double& gain : gains) gain = between(kGainLow, kGainHigh, random.uniform());
  for (const std::uint32_t channel : outlier_channels(name, k, seed))
    gains[channel] *= between(kOutlierLow, kOutlierHigh, random.uniform());
  return gains;
}

}  // namespace

FloatMatrix synthetic_weights(std::string_view name, std::uint32_t m, std::uint32_t k,
                              std::uint64_t seed) {
  const auto read_row = [purpose = "weights " + std::string(name), k, seed](std::uint32_t row,
                                                                            std::span<float> out) {
    NormalStream random(stream_seed(seed, purpose, row));
    const double scale =
        between(kRowScaleLow, kRowScaleHigh, random.uniform()) / std::sqrt(static_cast<double>(k));
    for (float& weight : out) {
      const double gain = random.uniform() < kWeightTailShare ? kWeightTailGain : 1.0;
      weight = static_cast<float>(scale * gain * random.next());
    }
  };
  return {m, k, read_row};
}

std::vector<std::uint32_t> outlier_channels(std::string_view name, std::uint32_t k,
                                            std::uint64_t seed) {
  SplitMix64 random(stream_seed(seed, "outliers " + std::string(name), 0));
  const std::uint32_t count = std::max(1U, (k + kChannelsPerOutlier / 2) / kChannelsPerOutlier);
  std::set<std::uint32_t> channels;
  while (channels.size() < count) channels.insert(static_cast<std::uint32_t>(random.next() % k));
  return {channels.begin(), channels.end()};
}

Activations synthetic_activations(std::string_view name, std::uint32_t k, std::uint32_t tokens,
                                  std::uint64_t seed) {
  const std::vector<double> gains = channel_gains(name, k, seed);
  Activations acts{tokens, k, {}};
  acts.x.reserve(std::size_t{tokens} * k);
  for (std::uint32_t token = 0; token < tokens; ++token) {
    NormalStream random(stream_seed(seed, "activations " + std::string(name), token));
    for (const double gain : gains) acts.x.push_back(half_from_double(gain * random.next()));
  }
  return acts;
}

}  // namespace bitloom
