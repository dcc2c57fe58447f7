// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/byte_pairs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "sw/tokenizer/characters.hpp"
#include "sw/tokenizer/merging.hpp"

namespace bitloom {
namespace {

// What normalizers may make of a text, in bytes and as a multiple: a space becomes three bytes.
constexpr std::size_t kLeastRoom = 1 << 16;
constexpr std::size_t kMostGrowth = 16;

// A part of a text: a token that it names, or what lies between two of these.
struct Segment {
  std::string text;
  std::optional<Token> token;
};

// Finds added tokens: the leftmost, and the longest of those that begin there.
class AddedTokens {
 public:
  void add(std::string text, Token token) {
    if (text.empty()) return;
    auto& bucket = by_first_byte_.at(static_cast<unsigned char>(text.front()));
    const auto longer = [&text](const Entry& entry) { return entry.text.size() >= text.size(); };
    const auto place = std::find_if_not(bucket.begin(), bucket.end(), longer);
    bucket.insert(place, {std::move(text), token});
  }

  [[nodiscard]] std::vector<Segment> cut(std::string_view text) const {
    std::vector<Segment> segments;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Entry* found = at_front(text.substr(at));
      if (found == nullptr) {
        ++at;
        continue;
      }
      if (at > begin) segments.push_back({std::string(text.substr(begin, at - begin)), {}});
      segments.push_back({found->text, found->token});
      begin = at += found->text.size();
    }
    if (begin < text.size()) segments.push_back({std::string(text.substr(begin)), {}});
    return segments;
  }

 private:
  struct Entry {
    std::string text;
    Token token;
  };

  [[nodiscard]] const Entry* at_front(std::string_view text) const {
    for (const Entry& entry : by_first_byte_.at(static_cast<unsigned char>(text.front())))
      if (text.starts_with(entry.text)) return &entry;
    return nullptr;
  }

  std::array<std::vector<Entry>, kByteCount> by_first_byte_;  // the longest first
};

class BytePairScheme final : public TokenizerScheme {
 public:
  explicit BytePairScheme(BytePairs description) : description_(std::move(description)) {
    for (std::size_t rank = 0; rank < description_.merges.size(); ++rank) {
      const BytePairs::Pair& pair = description_.merges[rank];
      // A pair that is there twice has its last place, as in a dictionary that is filled in order.
      joints_[key(pair.left, pair.right)] = {-static_cast<double>(rank), pair.joint};
    }
    for (const AddedToken& added : description_.added)
      (added.normalized ? in_normalized_ : in_texts_)
          .add(added.normalized ? normalized(added.text) : added.text, added.token);
  }

  [[nodiscard]] std::vector<Token> encode(std::string_view text) const override {
    std::vector<Token> tokens;
    if (description_.marks.begin) tokens.push_back(*description_.marks.begin);
    bool first = true;
    for (const Segment& segment : in_texts_.cut(text)) {
      if (segment.token)
        tokens.push_back(*segment.token);
      else
        append_segment(segment.text, first, tokens);
      first = false;
    }
    return tokens;
  }

  [[nodiscard]] std::string decode(Token previous, Token token) const override {
    std::string text = description_.texts.at(token);
    if (description_.start == BytePairs::Start::characters) text = replaced(text, kSpaceMark, " ");
    if (description_.space_in_front && previous == description_.marks.begin &&
        text.starts_with(' '))
      text.erase(0, 1);
    return text;
  }

  [[nodiscard]] const TextMarks& marks() const override { return description_.marks; }

 private:
  static std::uint64_t key(Token left, Token right) { return (std::uint64_t{left} << 32U) | right; }

  [[nodiscard]] std::string normalized(std::string text) const {
    const std::size_t most = kLeastRoom + kMostGrowth * text.size();
    for (const Normalization& normalize : description_.normalizations) text = normalize(text, most);
    return text;
  }

  void append_segment(const std::string& text, bool first, std::vector<Token>& tokens) const {
    for (const Segment& segment : in_normalized_.cut(normalized(text))) {
      if (segment.token)
        tokens.push_back(*segment.token);
      else
        for (const std::string& piece : pieces(segment.text, first)) append_piece(piece, tokens);
      first = false;
    }
  }

  [[nodiscard]] std::vector<std::string> pieces(const std::string& text, bool first) const {
    std::vector<std::string> result = {text};
    for (const PieceSplit& split : description_.splits) {
      std::vector<std::string> finer;
      for (std::size_t i = 0; i < result.size(); ++i)
        std::ranges::move(split(result[i], first && i == 0), std::back_inserter(finer));
      result = std::move(finer);
    }
    return result;
  }

  void append_piece(const std::string& piece, std::vector<Token>& tokens) const {
    if (description_.whole_pieces) {
      const auto found = description_.tokens.find(piece);
      if (found != description_.tokens.end()) {
        tokens.push_back(found->second);
        return;
      }
    }
    const std::vector<Token> merged =
        merge_neighbours(start_of(piece), [this](Token left, Token right) {
          const auto found = joints_.find(key(left, right));
          return found == joints_.end() ? std::nullopt : std::optional<Joint>(found->second);
        });
    tokens.insert(tokens.end(), merged.begin(), merged.end());
  }

  [[nodiscard]] std::vector<Token> start_of(std::string_view piece) const {
    std::vector<Token> tokens;
    while (!piece.empty()) {
      const bool by_bytes = description_.start == BytePairs::Start::bytes;
      const std::string_view part = piece.substr(0, by_bytes ? 1 : character_length(piece));
      piece.remove_prefix(part.size());
      const auto found =
          by_bytes ? description_.tokens.end() : description_.tokens.find(std::string(part));
      if (found != description_.tokens.end())
        tokens.push_back(found->second);
      else
        for (const char c : part)
          tokens.push_back(description_.bytes.at(static_cast<unsigned char>(c)));
    }
    return tokens;
  }

  BytePairs description_;
  std::unordered_map<std::uint64_t, Joint> joints_;
  AddedTokens in_texts_;
  AddedTokens in_normalized_;
};

}  // namespace

std::unique_ptr<TokenizerScheme> byte_pair_scheme(BytePairs description) {
  return std::make_unique<BytePairScheme>(std::move(description));
}

}  // namespace bitloom
