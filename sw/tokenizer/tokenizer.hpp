// SPDX-License-Identifier: Apache-2.0
// Text to tokens and back, with the vocabulary file of llama2.c (github.com/karpathy/llama2.c):
// int32 longest token in bytes, then for each token float32 score, int32 length and the bytes,
// little-endian. It is an export of a SentencePiece byte-pair encoding.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sw/tokenizer/token.hpp"

namespace bitloom {

/// A vocabulary of SentencePiece's kind: token 0 is unknown, 1 begins and 2 ends a text, and 3 to
/// 258 are the bytes, written <0x00> to <0xFF>.
class Tokenizer {
 public:
  struct Piece {
    std::string text;
    float score = 0;
    bool in_texts = true;  ///< stands for its text where a text holds it
  };

  /// Reads the vocabulary of a model with `vocab_size` tokens from a llama2.c or a GGUF file.
  /// Throws Error io_read; tokenizer_file when a llama2.c file is truncated, is longer than its
  /// tokens, or holds a length or score out of range, or when there are other than `vocab_size`
  /// tokens, or tokens 3 to 258 are not the bytes; and what read_gguf_vocabulary throws.
  Tokenizer(const std::filesystem::path& path, std::uint32_t vocab_size);

  /// kBeginToken, then the tokens of `text` with a space in front of it (nothing for an empty
  /// text). Starts from the characters of UTF-8, a character without a token as its bytes; then
  /// merges, as long as there is one, the pair of neighbours whose joint token has the highest
  /// score, the leftmost of several. Takes O(n log n).
  [[nodiscard]] std::vector<Token> encode(std::string_view text) const;

  /// The text that `token` adds behind `previous`: behind kBeginToken without its leading space.
  /// `token` is below vocab_size.
  [[nodiscard]] std::string decode(Token previous, Token token) const;

 private:
  void append_character(std::string_view character, std::vector<Token>& tokens) const;
  [[nodiscard]] std::vector<Token> merged(const std::vector<Token>& tokens) const;

  std::vector<Piece> pieces_;
  std::unordered_map<std::string, Token> tokens_;  // by text; the lowest of equal ones
};

}  // namespace bitloom
