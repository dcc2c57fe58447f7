// SPDX-License-Identifier: Apache-2.0
// Linear layers with the unquantized weights, in binary32.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "sw/transformer/linear_layers.hpp"

namespace bitloom {

/// Holds a copy of the weights, 4 bytes each. A dot product has eight partial sums, partial sum j
/// of the elements j, j + 8, ..., which are then added as ((0+4)+(2+6))+((1+5)+(3+7)): the result
/// does not depend on the number of threads.
class FloatLayers final : public LinearLayers {
 public:
  /// Takes these layers of the model. Throws Error quant_value when a weight is not finite.
  FloatLayers(const FloatModel& model, std::span<const LinearId> layers);

  void multiply(std::span<const LinearProduct> products, std::uint32_t tokens) override;

 private:
  struct Weights {
    std::uint32_t m = 0;
    std::uint32_t k = 0;
    std::vector<float> values;  // [m, k]
  };

  std::map<LinearId, Weights> weights_;
};

}  // namespace bitloom
