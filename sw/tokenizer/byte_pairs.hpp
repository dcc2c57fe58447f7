// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding by a list of merges, as Hugging Face's tokenizers do it
// (github.com/huggingface/tokenizers): added tokens are cut out, the text between is normalized and
// split into pieces, and within a piece the pair of neighbours that comes first in the list is
// merged, the leftmost of several, as long as there is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sw/tokenizer/tokenizer.hpp"

namespace bitloom {

/// A token that a text names by its whole content, before anything else is done with the text.
struct AddedToken {
  std::string text;
  Token token = 0;
  bool normalized = false;  ///< is looked for in the normalized text, in its own normalized form
};

/// Throws Error tokenizer_file rather than make a text of more than `most` bytes of a short one.
using Normalization = std::function<std::string(const std::string& text, std::size_t most)>;
/// The pieces of a piece; the first of a text may differ from others.
using PieceSplit = std::function<std::vector<std::string>(const std::string& piece, bool first)>;

struct BytePairs {
  /// From where merging starts.
  enum class Start : std::uint8_t {
    bytes,      ///< byte level (GPT-2): bytes, all of which are tokens
    characters  ///< byte fallback: characters, one without a token as the tokens of its bytes
  };

  struct Pair {
    Token left = 0;
    Token right = 0;
    Token joint = 0;
  };

  Start start = Start::bytes;
  /// What each token stands for in a normalized text; empty for numbers that are no token.
  std::vector<std::string> texts;
  std::vector<Token> bytes;                       ///< [256], the token of each
  std::unordered_map<std::string, Token> tokens;  ///< that stand for texts
  std::vector<Pair> merges;                       ///< best first
  std::vector<AddedToken> added;
  std::vector<Normalization> normalizations;
  std::vector<PieceSplit> splits;
  bool whole_pieces = false;    ///< a piece that is a token is not divided
  bool space_in_front = false;  ///< a text's first space is not its own
  TextMarks marks;
};

std::unique_ptr<TokenizerScheme> byte_pair_scheme(BytePairs description);

}  // namespace bitloom
