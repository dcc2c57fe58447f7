// SPDX-License-Identifier: Apache-2.0
// Inference of a decoder of the LLaMA family (Touvron et al., 2023): everything but the linear
// layers, on the host.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/tokenizer/token.hpp"
#include "sw/transformer/decoder_math.hpp"
#include "sw/transformer/float_model.hpp"
#include "sw/transformer/linear_layers.hpp"

namespace bitloom {

/// The tokens of a call that logits are wanted of.
enum class LogitsOf : std::uint8_t { last_token, all_tokens };

/// One text under way: its keys and values. The same tokens through the same linear layers give
/// the same bits, however they are divided into calls.
class Transformer {
 public:
  /// `model` outlives the object.
  explicit Transformer(const FloatModel& model) : model_(model), cache_(model.shape.blocks) {}

  /// Appends `tokens` (at least one; each below vocab_size; position() + their number at most the
  /// context) and returns logits [1 or tokens, vocab_size]. Throws Error model_value when a logit
  /// is not finite, and what `linear` throws; the text cannot be continued after that.
  std::vector<float> forward(std::span<const Token> tokens, LinearLayers& linear, LogitsOf which);

  /// The number of tokens so far.
  [[nodiscard]] std::uint32_t position() const { return position_; }

  /// Begins another text.
  void restart();

 private:
  [[nodiscard]] std::vector<float> embeddings(std::span<const Token> tokens) const;
  void add_attention(std::uint32_t block, std::span<float> x, LinearLayers& linear,
                     std::uint32_t tokens);
  void add_feed_forward(std::uint32_t block, std::span<float> x, LinearLayers& linear,
                        std::uint32_t tokens) const;
  [[nodiscard]] std::vector<float> normalized(std::span<const float> x,
                                              std::span<const float> weight) const;

  const FloatModel& model_;
  std::vector<BlockCache> cache_;
  std::uint32_t position_ = 0;
};

}  // namespace bitloom
