// SPDX-License-Identifier: Apache-2.0
// A small random LLaMA model as llama2.c files, written from the format's description without any
// code of bitloom, and its outputs by the textbook in binary64.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/model_files.hpp"

namespace bitloom {

/// Every size differs from the others, so that none can stand for another.
struct SmallModel {
  static constexpr std::size_t kDim = 24;
  static constexpr std::size_t kHidden = 40;
  static constexpr std::size_t kBlocks = 2;
  static constexpr std::size_t kHeads = 6;
  static constexpr std::size_t kKvHeads = 2;
  static constexpr std::size_t kHeadDim = 4;
  static constexpr std::size_t kVocab = 270;
  static constexpr std::size_t kContext = 48;
  static constexpr std::size_t kKvDim = kKvHeads * kHeadDim;

  using Vector = std::vector<float>;

  Vector embedding;              ///< [kVocab, kDim]
  std::vector<Vector> att_norm;  ///< by block
  std::vector<Vector> wq, wk, wv, wo;
  std::vector<Vector> ffn_norm;
  std::vector<Vector> w1, w2, w3;
  Vector final_norm;
  Vector classifier;  ///< [kVocab, kDim], of its own

  // What other models of the family have besides, which file() does not write.
  std::vector<Vector> q_bias, k_bias, v_bias;  ///< by block; empty = none
  std::vector<Vector> q_norm, k_norm;          ///< [kHeadDim] by block; empty = none
  double epsilon = 1e-5;
  double theta = 10000;
  std::vector<double> divisors = std::vector<double>(kHeadDim / 2, 1);  ///< of the rotary angles

  /// Gives it random biases of q, k and v, or norms of the heads of q and k.
  void add_biases(std::uint32_t seed);
  void add_head_norms(std::uint32_t seed);

  explicit SmallModel(std::uint32_t seed);

  /// The model file: seven int32, then the tensors.
  [[nodiscard]] std::string file() const;

  /// All of it, for the other formats.
  [[nodiscard]] PlainModel plain() const;

  /// A tokenizer for it: three marks, the bytes, then " a", "b", " ab", "ba", ... of made-up
  /// scores.
  static std::string tokenizer_file();

  /// Is told the input of a linear layer, by its name in a llama2.c file.
  using Watch = std::function<void(const std::string& layer, const std::vector<double>& input)>;

  /// Logits behind every token of a text, [tokens][kVocab].
  [[nodiscard]] std::vector<std::vector<double>> logits(
      const std::vector<std::uint32_t>& tokens, const Watch& watch = [](auto&, auto&) {}) const;
};

}  // namespace bitloom
