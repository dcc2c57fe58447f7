// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/sentencepiece.hpp"

#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sw/checkpoint/gguf.hpp"
#include "sw/error/error.hpp"
#include "sw/tokenizer/characters.hpp"
#include "sw/tokenizer/merging.hpp"
#include "sw/tokenizer/tokenizer_error.hpp"

namespace bitloom {
namespace {

class SentencePiece final : public TokenizerScheme {
 public:
  explicit SentencePiece(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {
    for (Token token = 0; token < pieces_.size(); ++token)
      if (pieces_[token].in_texts) tokens_.try_emplace(pieces_[token].text, token);
    // SentencePiece cannot tell the mark in a text from a space.
    const auto space = tokens_.find(" ");
    if (space != tokens_.end()) tokens_.try_emplace(std::string(kSpaceMark), space->second);
  }

  [[nodiscard]] std::vector<Token> encode(std::string_view text) const override {
    if (text.empty()) return {kBeginToken};
    std::vector<Token> characters;
    append_character(" ", characters);
    while (!text.empty()) {
      const std::size_t length = character_length(text);
      append_character(text.substr(0, length), characters);
      text.remove_prefix(length);
    }
    std::vector<Token> tokens = merge_neighbours(
        characters, [this](Token left, Token right) { return joint_of(left, right); });
    tokens.insert(tokens.begin(), kBeginToken);
    return tokens;
  }

  [[nodiscard]] std::string decode(Token previous, Token token) const override {
    if (token >= kFirstByteToken && token < kFirstByteToken + kByteCount)
      return {static_cast<char>(token - kFirstByteToken)};
    std::string text = pieces_.at(token).text;
    if (previous == kBeginToken && text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

  [[nodiscard]] const TextMarks& marks() const override { return marks_; }

 private:
  void append_character(std::string_view character, std::vector<Token>& tokens) const {
    const auto found = tokens_.find(std::string(character));
    if (found != tokens_.end()) {
      tokens.push_back(found->second);
      return;
    }
    for (const char c : character)
      tokens.push_back(kFirstByteToken + static_cast<unsigned char>(c));
  }

  [[nodiscard]] std::optional<Joint> joint_of(Token left, Token right) const {
    const auto found = tokens_.find(pieces_[left].text + pieces_[right].text);
    if (found == tokens_.end()) return std::nullopt;
    return Joint{pieces_[found->second].score, found->second};
  }

  std::vector<Piece> pieces_;
  std::unordered_map<std::string, Token> tokens_;  // by text; the lowest of equal ones
  TextMarks marks_;
};

}  // namespace

std::unique_ptr<TokenizerScheme> sentencepiece_scheme(const std::filesystem::path& path,
                                                      std::vector<Piece> pieces) {
  for (Token token = 0; token < pieces.size(); ++token)
    if (!std::isfinite(pieces[token].score))
      refuse_tokenizer(path, "token " + std::to_string(token) + " with a score that is not finite",
                       "a number");
  for (unsigned byte = 0; byte < kByteCount; ++byte) {
    const std::string& text = pieces[kFirstByteToken + byte].text;
    if (text != byte_name(byte))
      refuse_tokenizer(path,
                       "token " + std::to_string(kFirstByteToken + byte) + " " + quotation(text),
                       byte_name(byte));
  }
  return std::make_unique<SentencePiece>(std::move(pieces));
}

std::vector<Piece> read_gguf_pieces(const std::filesystem::path& path) {
  constexpr std::uint32_t kText = 1;
  constexpr std::uint32_t kByte = 6;
  const GgufVocabulary vocabulary = read_gguf_vocabulary(path);
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const std::uint32_t type = vocabulary.types[i];
    pieces.push_back({replaced(vocabulary.tokens[i], kSpaceMark, " "), vocabulary.scores[i],
                      type == kText || type == kByte});
  }
  return pieces;
}

}  // namespace bitloom
