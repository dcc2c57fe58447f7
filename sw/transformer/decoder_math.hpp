// SPDX-License-Identifier: Apache-2.0
// What a decoder computes besides its linear layers. All values are binary32, and every sum runs
// over its terms in ascending order, one after the other, so that results do not depend on threads
// or on how many tokens are computed at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// out_i = x_i / sqrt(mean(x^2) + epsilon) * weight_i (Zhang and Sennrich, Root Mean Square Layer
/// Normalization, NeurIPS 2019). All spans have the same size; `out` may be `x`.
void rms_norm(std::span<const float> x, std::span<const float> weight, float epsilon,
              std::span<float> out);

/// Rotary position embedding (Su et al., RoFormer, 2021): turns each head of `heads` (a multiple of
/// head_dim values) in place by the angles of `position`. Angles, sines and cosines are binary64,
/// rounded to binary32 before they are used.
void rotate_heads(std::span<float> heads, std::uint32_t position, const TransformerShape& shape);

/// Adds `bias` to every vector of its size in `x`; nothing when it is empty.
void add_bias(std::span<float> x, std::span<const float> bias);

/// Normalizes every vector of the size of `weight` in `x` in place; nothing when it is empty.
void norm_heads(std::span<float> x, std::span<const float> weight, float epsilon);

/// x_i = exp(x_i - max x) / sum of these.
void softmax(std::span<float> x);

/// gate_i = gate_i * sigmoid(gate_i) * up_i (SwiGLU; Shazeer, GLU Variants Improve Transformer,
/// 2020).
void swiglu(std::span<float> gate, std::span<const float> up);

/// Keys and values of one block, [positions, kv_dim] each.
struct BlockCache {
  std::vector<float> keys;
  std::vector<float> values;
};

/// Grouped-query attention of one token (Ainslie et al., GQA, EMNLP 2023): `q` is [q_dim], head h
/// reads key and value head h * kv_heads / heads of the first `positions` positions. Scores are
/// scaled by 1 / sqrt(head_dim). `out` is [q_dim].
void attend(std::span<const float> q, const BlockCache& cache, std::uint32_t positions,
            const TransformerShape& shape, std::span<float> out);

}  // namespace bitloom
