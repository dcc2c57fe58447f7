// SPDX-License-Identifier: Apache-2.0
// A decoder of the LLaMA family as every checkpoint format can describe it. The weights stay where
// they are: matrices are read row by row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sw/quant/float_matrix.hpp"

namespace bitloom {

/// The linear layers of a model, in the order in which a token passes them; all but the classifier
/// are there once per block.
enum class LinearKind : std::uint8_t { q, k, v, o, gate, up, down, classifier };
inline constexpr std::array<std::string_view, 8> kLinearKindNames = {
    "q", "k", "v", "o", "gate", "up", "down", "classifier"};
inline constexpr std::size_t kBlockLinears = 7;

struct LinearId {
  LinearKind kind{};
  std::uint32_t block = 0;  ///< 0 for the classifier
  friend bool operator==(const LinearId&, const LinearId&) = default;
  friend bool operator<(const LinearId& a, const LinearId& b) {
    return a.block != b.block ? a.block < b.block : a.kind < b.kind;
  }
};

/// Which elements of a head the rotary embedding turns together. Checkpoints in one order become
/// the other by permuting the rows of q and k within each head.
enum class RotaryPairs : std::uint8_t {
  adjacent,  ///< 2i and 2i + 1: llama2.c, LLaMA as published and in GGUF
  halves     ///< i and i + head_dim / 2: Hugging Face, and Qwen in GGUF
};

struct TransformerShape {
  std::uint32_t dim = 0;
  std::uint32_t hidden_dim = 0;
  std::uint32_t blocks = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;  ///< divides heads
  std::uint32_t head_dim = 0;  ///< even
  std::uint32_t vocab_size = 0;
  std::uint32_t context = 0;  ///< most tokens of a text, the begin token included
  float norm_epsilon = 1e-5F;
  RotaryPairs rotary_pairs = RotaryPairs::adjacent;
  std::vector<double> rotation;  ///< [head_dim / 2]: radians that pair i turns by per position
  bool tied_classifier = false;  ///< the classifier is the embedding

  [[nodiscard]] std::uint32_t q_dim() const { return heads * head_dim; }
  [[nodiscard]] std::uint32_t kv_dim() const { return kv_heads * head_dim; }
};

/// A weight matrix [out, in] and its name in the checkpoint.
struct NamedLinear {
  std::string name;
  FloatMatrix weights;
};

struct DecoderBlock {
  std::vector<float> attention_norm;               ///< [dim]
  std::vector<float> ffn_norm;                     ///< [dim]
  std::array<NamedLinear, kBlockLinears> linears;  ///< by LinearKind
  std::vector<float> q_bias;  ///< [q_dim], added to what q gives; empty = none. Qwen 2 has biases
  std::vector<float> k_bias;  ///< [kv_dim]
  std::vector<float> v_bias;  ///< [kv_dim]
  std::vector<float> q_norm;  ///< [head_dim], of every head; empty = none. Qwen 3 has these norms
  std::vector<float> k_norm;  ///< [head_dim]
};

struct FloatModel {
  TransformerShape shape;
  FloatMatrix embedding;  ///< [vocab_size, dim]; a row per token
  std::vector<DecoderBlock> blocks;
  std::vector<float> final_norm;  ///< [dim]
  NamedLinear classifier;         ///< [vocab_size, dim]

  [[nodiscard]] const NamedLinear& linear(LinearId id) const;
  /// All linear layers in the order of the data path.
  [[nodiscard]] std::vector<LinearId> linears() const;
};

}  // namespace bitloom
