// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/transformer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

void append(std::vector<float>& to, std::span<const float> values) {
  to.insert(to.end(), values.begin(), values.end());
}

void add(std::span<float> to, std::span<const float> values) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += values[i];
}

void check_logits(std::span<const float> logits, std::uint32_t vocab_size, std::uint32_t position) {
  const auto bad = std::find_if_not(logits.begin(), logits.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == logits.end()) return;
  const auto index = static_cast<std::size_t>(bad - logits.begin());
  throw Error(ErrorCode::model_value,
              {"logit of token " + std::to_string(index % vocab_size) + " near position " +
                   std::to_string(position),
               std::to_string(*bad), "a finite value",
               "Check the model's embedding and norms: a value of them may not be finite."});
}

}  // namespace

std::vector<float> Transformer::embeddings(std::span<const Token> tokens) const {
  const std::size_t dim = model_.shape.dim;
  std::vector<float> x(tokens.size() * dim);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    model_.embedding.read_row(tokens[i], std::span(x).subspan(i * dim, dim));
  return x;
}

std::vector<float> Transformer::normalized(std::span<const float> x,
                                           std::span<const float> weight) const {
  std::vector<float> result(x.size());
  for (std::size_t i = 0; i < x.size(); i += weight.size())
    rms_norm(x.subspan(i, weight.size()), weight, model_.shape.norm_epsilon,
             std::span(result).subspan(i, weight.size()));
  return result;
}

void Transformer::add_attention(std::uint32_t block, std::span<float> x, LinearLayers& linear,
                                std::uint32_t tokens) {
  const TransformerShape& shape = model_.shape;
  const std::size_t q_dim = shape.q_dim();
  const std::size_t kv_dim = shape.kv_dim();
  const DecoderBlock& weights = model_.blocks[block];
  const std::vector<float> input = normalized(x, weights.attention_norm);
  std::vector<float> q(tokens * q_dim);
  std::vector<float> k(tokens * kv_dim);
  std::vector<float> v(tokens * kv_dim);
  linear.multiply(std::array{LinearProduct{{LinearKind::q, block}, input, q},
                             LinearProduct{{LinearKind::k, block}, input, k},
                             LinearProduct{{LinearKind::v, block}, input, v}},
                  tokens);
  add_bias(q, weights.q_bias);
  add_bias(k, weights.k_bias);
  add_bias(v, weights.v_bias);
  norm_heads(q, weights.q_norm, shape.norm_epsilon);
  norm_heads(k, weights.k_norm, shape.norm_epsilon);
  for (std::uint32_t token = 0; token < tokens; ++token) {
    rotate_heads(std::span(q).subspan(token * q_dim, q_dim), position_ + token, shape);
    rotate_heads(std::span(k).subspan(token * kv_dim, kv_dim), position_ + token, shape);
  }
  BlockCache& cache = cache_[block];
  append(cache.keys, k);
  append(cache.values, v);
  std::vector<float> attended(tokens * q_dim);
  for (std::uint32_t token = 0; token < tokens; ++token)
    attend(std::span(q).subspan(token * q_dim, q_dim), cache, position_ + token + 1, shape,
           std::span(attended).subspan(token * q_dim, q_dim));
  std::vector<float> y(x.size());
  linear.multiply(std::array{LinearProduct{{LinearKind::o, block}, attended, y}}, tokens);
  add(x, y);
}

void Transformer::add_feed_forward(std::uint32_t block, std::span<float> x, LinearLayers& linear,
                                   std::uint32_t tokens) const {
  const std::vector<float> input = normalized(x, model_.blocks[block].ffn_norm);
  std::vector<float> gate(std::size_t{tokens} * model_.shape.hidden_dim);
  std::vector<float> up(gate.size());
  linear.multiply(std::array{LinearProduct{{LinearKind::gate, block}, input, gate},
                             LinearProduct{{LinearKind::up, block}, input, up}},
                  tokens);
  swiglu(gate, up);
  std::vector<float> y(x.size());
  linear.multiply(std::array{LinearProduct{{LinearKind::down, block}, gate, y}}, tokens);
  add(x, y);
}

std::vector<float> Transformer::forward(std::span<const Token> tokens, LinearLayers& linear,
                                        LogitsOf which) {
  const TransformerShape& shape = model_.shape;
  if (tokens.empty() || tokens.size() > shape.context - position_)
    throw std::invalid_argument("a call needs a token and must end within the context");
  const auto count = static_cast<std::uint32_t>(tokens.size());
  std::vector<float> x = embeddings(tokens);
  for (std::uint32_t block = 0; block < shape.blocks; ++block) {
    add_attention(block, x, linear, count);
    add_feed_forward(block, x, linear, count);
  }
  position_ += count;
  const std::uint32_t wanted = which == LogitsOf::all_tokens ? count : 1;
  const auto last = std::span(x).last(std::size_t{wanted} * shape.dim);
  const std::vector<float> output = normalized(last, model_.final_norm);
  std::vector<float> logits(std::size_t{wanted} * shape.vocab_size);
  linear.multiply(std::array{LinearProduct{{LinearKind::classifier, 0}, output, logits}}, wanted);
  check_logits(logits, shape.vocab_size, position_ - 1);
  return logits;
}

void Transformer::restart() {
  cache_.assign(model_.shape.blocks, {});
  position_ = 0;
}

}  // namespace bitloom
