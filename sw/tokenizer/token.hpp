// SPDX-License-Identifier: Apache-2.0
// Tokens as numbers, for what needs to know nothing of their texts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace bitloom {

/// A token: its number in the vocabulary.
using Token = std::uint32_t;

// Of SentencePiece's vocabularies.
inline constexpr Token kBeginToken = 1;  ///< of a text, BOS
inline constexpr Token kEndToken = 2;    ///< of a text, EOS

/// Tokens that stand for the ends of a text.
struct TextMarks {
  std::optional<Token> begin = kBeginToken;  ///< stands in front of every text, if there is one
  std::vector<Token> ends = {kEndToken};     ///< with any of these a model ends a text

  /// Whether a model that writes `token` has ended its text.
  [[nodiscard]] bool ended_by(Token token) const {
    return token == begin || std::find(ends.begin(), ends.end(), token) != ends.end();
  }
};

}  // namespace bitloom
