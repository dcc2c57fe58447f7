// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/float_layers.hpp"

#include <array>
#include <cstddef>

#include "sw/quant/quantized.hpp"

namespace bitloom {
namespace {

constexpr std::size_t kLanes = 8;
// Below so many multiplications a thread costs more than it saves.
constexpr std::uint64_t kWorthThreads = 1U << 22;

float dot(std::span<const float> a, std::span<const float> b) {
  std::array<float, kLanes> sums{};
  const std::size_t whole = a.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (std::size_t i = whole; i < a.size(); ++i) sums[i - whole] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace

FloatLayers::FloatLayers(const FloatModel& model, std::span<const LinearId> layers) {
  for (const LinearId id : layers) {
    const FloatMatrix& matrix = model.linear(id).weights;
    Weights& weights = weights_[id];
    weights.m = matrix.m;
    weights.k = matrix.k;
    weights.values.resize(std::size_t{matrix.m} * matrix.k);
    for (std::uint32_t row = 0; row < matrix.m; ++row) {
      const auto values = std::span(weights.values).subspan(std::size_t{row} * matrix.k, matrix.k);
      matrix.read_row(row, values);
      check_finite(model.linear(id).name, values, row);
    }
  }
}

void FloatLayers::multiply(std::span<const LinearProduct> products, std::uint32_t tokens) {
  for (const LinearProduct& product : products) {
    const Weights& weights = weights_.at(product.layer);
    const bool large = std::uint64_t{weights.m} * weights.k * tokens >= kWorthThreads;
    for_each_row(weights.m, large ? 0 : 1, [&](std::uint32_t row, unsigned) {
      const auto w = std::span(weights.values).subspan(std::size_t{row} * weights.k, weights.k);
      for (std::uint32_t token = 0; token < tokens; ++token)
        product.y[std::size_t{token} * weights.m + row] =
            dot(w, product.x.subspan(std::size_t{token} * weights.k, weights.k));
    });
  }
}

}  // namespace bitloom
