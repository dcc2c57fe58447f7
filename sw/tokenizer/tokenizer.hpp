// SPDX-License-Identifier: Apache-2.0
// Text to tokens and back, with the vocabulary of any file format that is known
// (docs/generate.md, Tokenizers).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sw/tokenizer/token.hpp"

namespace bitloom {

/// What a kind of tokenizer does.
class TokenizerScheme {
 public:
  TokenizerScheme() = default;
  TokenizerScheme(const TokenizerScheme&) = delete;
  TokenizerScheme& operator=(const TokenizerScheme&) = delete;
  virtual ~TokenizerScheme() = default;

  [[nodiscard]] virtual std::vector<Token> encode(std::string_view text) const = 0;
  [[nodiscard]] virtual std::string decode(Token previous, Token token) const = 0;
  [[nodiscard]] virtual const TextMarks& marks() const = 0;
};

class Tokenizer {
 public:
  /// Reads the vocabulary of a model with `vocab_size` tokens: a llama2.c, GGUF, tokenizer.model or
  /// tokenizer.json file, told apart by what it holds, or a folder with one of the last two, the
  /// latter first. Throws Error io_read; checkpoint_config for malformed JSON; tokenizer_file for
  /// other malformed files, for more tokens than `vocab_size` (or fewer, where a format has no
  /// place for that), and for anything that is not known how to do, by name; and what
  /// read_gguf_vocabulary throws.
  Tokenizer(const std::filesystem::path& path, std::uint32_t vocab_size);

  /// The begin token, if there is one, then the tokens of `text`. Throws Error tokenizer_file when
  /// a regular expression of the tokenizer takes longer on it than on texts of that length, or its
  /// normalizers make it much longer.
  [[nodiscard]] std::vector<Token> encode(std::string_view text) const {
    return scheme_->encode(text);
  }

  /// The text that `token` adds behind `previous`: behind the begin token without the space that
  /// encode() puts in front. `token` is below vocab_size.
  [[nodiscard]] std::string decode(Token previous, Token token) const {
    return scheme_->decode(previous, token);
  }

  [[nodiscard]] const TextMarks& marks() const { return scheme_->marks(); }

 private:
  std::shared_ptr<const TokenizerScheme> scheme_;
};

}  // namespace bitloom
