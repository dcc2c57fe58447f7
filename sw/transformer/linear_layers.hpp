// SPDX-License-Identifier: Apache-2.0
// The seam between a model's inference and whatever multiplies by its weights.
#pragma once

#include <cstdint>
#include <span>

#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// y = W x of one linear layer for some tokens: x is [tokens, K], y is [tokens, M].
struct LinearProduct {
  LinearId layer;
  std::span<const float> x;
  std::span<float> y;
};

class LinearLayers {
 public:
  LinearLayers() = default;
  LinearLayers(const LinearLayers&) = delete;
  LinearLayers& operator=(const LinearLayers&) = delete;
  virtual ~LinearLayers() = default;

  /// Computes products that do not depend on each other, in any order or at once; returns when all
  /// are done. Each x and y holds `tokens` token vectors.
  virtual void multiply(std::span<const LinearProduct> products, std::uint32_t tokens) = 0;
};

}  // namespace bitloom
