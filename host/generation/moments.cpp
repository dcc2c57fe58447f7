// SPDX-License-Identifier: Apache-2.0
#include "host/generation/moments.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace bitloom {

void MomentRecorder::multiply(std::span<const LinearProduct> products, std::uint32_t tokens) {
  for (const LinearProduct& product : products) {
    Sums& sums = sums_[product.layer];
    const std::size_t k = product.x.size() / tokens;
    sums.tokens += tokens;
    sums.squares.resize(k);
    for (std::size_t i = 0; i < product.x.size(); ++i) {
      const double value = product.x[i];
      sums.squares[i % k] += value * value;
    }
  }
  layers_.multiply(products, tokens);
}

LayerMoments MomentRecorder::moments(const FloatModel& model) const {
  LayerMoments moments;
  for (const auto& [id, sums] : sums_) {
    std::vector<double> means = sums.squares;
    for (double& mean : means) mean /= static_cast<double>(sums.tokens);
    moments[model.linear(id).name] = std::move(means);
  }
  return moments;
}

LayerMoments measure_moments(const FloatModel& model, LinearLayers& linear,
                             std::span<const Window> windows,
                             const std::function<void(std::uint64_t tokens)>& advance) {
  MomentRecorder recorder(linear);
  Transformer transformer(model);
  std::uint64_t done = 0;
  for (const Window& window : windows) {
    transformer.restart();
    const auto inputs = std::span(window).first(window.size() - 1);
    for (std::size_t i = 0; i < inputs.size(); i += kTokensAtOnce) {
      const std::size_t count = std::min<std::size_t>(kTokensAtOnce, inputs.size() - i);
      // All logits, so that the classifier sees every token as the other layers do.
      static_cast<void>(
          transformer.forward(inputs.subspan(i, count), recorder, LogitsOf::all_tokens));
      advance(done += count);
    }
  }
  return recorder.moments(model);
}

}  // namespace bitloom
