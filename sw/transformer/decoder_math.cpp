// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/decoder_math.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace bitloom {
namespace {

float dot(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

}  // namespace

void rms_norm(std::span<const float> x, std::span<const float> weight, float epsilon,
              std::span<float> out) {
  const float mean_square = dot(x, x) / static_cast<float>(x.size());
  const float scale = 1.0F / std::sqrt(mean_square + epsilon);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = x[i] * scale * weight[i];
}

void rotate_heads(std::span<float> heads, std::uint32_t position, const TransformerShape& shape) {
  const std::size_t half = shape.head_dim / 2;
  const bool adjacent = shape.rotary_pairs == RotaryPairs::adjacent;
  for (std::size_t pair = 0; pair < half; ++pair) {
    const double angle = position * shape.rotation[pair];
    const auto cosine = static_cast<float>(std::cos(angle));
    const auto sine = static_cast<float>(std::sin(angle));
    const std::size_t first = adjacent ? 2 * pair : pair;
    const std::size_t second = adjacent ? 2 * pair + 1 : pair + half;
    for (std::size_t head = 0; head < heads.size(); head += shape.head_dim) {
      const float a = heads[head + first];
      const float b = heads[head + second];
      heads[head + first] = a * cosine - b * sine;
      heads[head + second] = a * sine + b * cosine;
    }
  }
}

void add_bias(std::span<float> x, std::span<const float> bias) {
  if (bias.empty()) return;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += bias[i % bias.size()];
}

void norm_heads(std::span<float> x, std::span<const float> weight, float epsilon) {
  if (weight.empty()) return;
  for (std::size_t i = 0; i < x.size(); i += weight.size()) {
    const auto head = x.subspan(i, weight.size());
    rms_norm(head, weight, epsilon, head);
  }
}

void softmax(std::span<float> x) {
  const float largest = *std::max_element(x.begin(), x.end());
  float sum = 0;
  for (float& value : x) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (float& value : x) value /= sum;
}

void swiglu(std::span<float> gate, std::span<const float> up) {
  for (std::size_t i = 0; i < gate.size(); ++i)
    gate[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
}

void attend(std::span<const float> q, const BlockCache& cache, std::uint32_t positions,
            const TransformerShape& shape, std::span<float> out) {
  const std::size_t head_dim = shape.head_dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  std::vector<float> weights(positions);
  for (std::uint32_t head = 0; head < shape.heads; ++head) {
    const std::size_t kv_head = std::size_t{head} / (shape.heads / shape.kv_heads);
    const auto of_head = [&](const std::vector<float>& cached, std::size_t position) {
      return std::span(cached).subspan(position * shape.kv_dim() + kv_head * head_dim, head_dim);
    };
    const auto q_head = q.subspan(head * head_dim, head_dim);
    for (std::uint32_t position = 0; position < positions; ++position)
      weights[position] = dot(q_head, of_head(cache.keys, position)) * scale;
    softmax(weights);
    const auto result = out.subspan(head * head_dim, head_dim);
    std::fill(result.begin(), result.end(), 0.0F);
    for (std::uint32_t position = 0; position < positions; ++position) {
      const auto value = of_head(cache.values, position);
      for (std::size_t i = 0; i < head_dim; ++i) result[i] += weights[position] * value[i];
    }
  }
}

}  // namespace bitloom
