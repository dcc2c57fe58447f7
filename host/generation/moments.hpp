// SPDX-License-Identifier: Apache-2.0
// What goes into the linear layers of a model that reads a text.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "host/generation/perplexity.hpp"
#include "sw/io/moments_file.hpp"
#include "sw/transformer/linear_layers.hpp"

namespace bitloom {

/// Passes products on and adds up the squares of their inputs, in binary64, token after token.
class MomentRecorder final : public LinearLayers {
 public:
  /// `layers` outlives the object.
  explicit MomentRecorder(LinearLayers& layers) : layers_(layers) {}

  void multiply(std::span<const LinearProduct> products, std::uint32_t tokens) override;

  /// The mean square of every input column of every layer that has been used, under its name in
  /// `model`.
  [[nodiscard]] LayerMoments moments(const FloatModel& model) const;

 private:
  struct Sums {
    std::uint64_t tokens = 0;
    std::vector<double> squares;  // [K]
  };

  LinearLayers& layers_;
  std::map<LinearId, Sums> sums_;
};

/// The moments of all linear layers over the tokens of `windows` that others are predicted from:
/// all but the last of each. `linear` are the layers at kFloatBits; `advance` is told the tokens so
/// far. Throws what Transformer::forward throws.
LayerMoments measure_moments(const FloatModel& model, LinearLayers& linear,
                             std::span<const Window> windows,
                             const std::function<void(std::uint64_t tokens)>& advance);

}  // namespace bitloom
