// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <queue>
#include <span>
#include <utility>

#include "sw/checkpoint/gguf.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/little_endian.hpp"

namespace bitloom {
namespace {

constexpr const char* kAdvice = "Give the vocabulary that the model was trained with.";
constexpr Token kFirstByteToken = 3;
constexpr unsigned kByteCount = 256;
constexpr std::uint64_t kHeaderBytes = 4;
constexpr std::uint64_t kEntryBytes = 8;  // score and length
constexpr std::int64_t kMaxTokenBytes = 1024;
constexpr std::size_t kMaxCharacterBytes = 4;

// One more than a file of that many tokens can have, so that a longer one is refused unread.
std::uint64_t most_bytes(std::uint32_t vocab_size) {
  return kHeaderBytes + vocab_size * (kEntryBytes + kMaxTokenBytes) + 1;
}

std::string byte_text(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4U] + kDigits[byte & 15U] + ">";
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Takes the fields of the file one after the other.
class Reader {
 public:
  Reader(std::string path, std::vector<std::uint8_t> bytes)
      : path_(std::move(path)), bytes_(std::move(bytes)) {}

  std::uint32_t word(const std::string& what) {
    return little_endian_word<std::uint32_t>(take(4, what), 0);
  }

  // An int32 in [0, limit].
  std::uint32_t length(const std::string& what, std::int64_t limit) {
    const std::int64_t value = static_cast<std::int32_t>(word(what));
    if (value < 0 || value > limit)
      refuse(what + " " + std::to_string(value), "0 to " + std::to_string(limit));
    return static_cast<std::uint32_t>(value);
  }

  std::span<const std::uint8_t> take(std::size_t count, const std::string& what) {
    if (count > bytes_.size() - next_)
      refuse(std::to_string(bytes_.size()) + " bytes",
             std::to_string(next_ + count) + " or more, to the end of " + what);
    next_ += count;
    return std::span(bytes_).subspan(next_ - count, count);
  }

  void finish(std::uint32_t vocab_size) const {
    if (next_ != bytes_.size())
      refuse(std::to_string(bytes_.size()) + " bytes", std::to_string(next_) + " for the " +
                                                           std::to_string(vocab_size) +
                                                           " tokens of the model");
  }

  [[noreturn]] void refuse(std::string found, std::string expected) const {
    throw Error(ErrorCode::tokenizer_file, {path_, std::move(found), std::move(expected), kAdvice});
  }

 private:
  std::string path_;
  std::vector<std::uint8_t> bytes_;
  std::size_t next_ = 0;
};

// A pair of neighbours that could become one token. The queue yields the highest score, the
// leftmost first.
struct Merge {
  float score;
  std::size_t left;
  std::size_t right;
  Token right_token;  // when it was offered: a neighbour that has grown since is another one
  Token joint;

  friend bool operator<(const Merge& a, const Merge& b) {
    return a.score != b.score ? a.score < b.score : a.left > b.left;
  }
};

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

// A token in a doubly linked list over a vector.
struct Link {
  Token token;
  std::size_t previous;
  std::size_t next;
  bool alive = true;
};

[[noreturn]] void refuse(const std::filesystem::path& path, std::string found,
                         std::string expected) {
  throw Error(ErrorCode::tokenizer_file,
              {path.string(), std::move(found), std::move(expected), kAdvice});
}

std::vector<Tokenizer::Piece> read_llama2c(const std::filesystem::path& path,
                                           std::uint32_t vocab_size) {
  const InputFile file(path);
  Reader reader(path.string(), file.read(0, std::min(file.size(), most_bytes(vocab_size))));
  const std::uint32_t longest = reader.length("the longest token's length", kMaxTokenBytes);
  std::vector<Tokenizer::Piece> pieces;
  for (Token token = 0; token < vocab_size; ++token) {
    const std::string name = "token " + std::to_string(token);
    const auto score = std::bit_cast<float>(reader.word(name));
    const std::uint32_t length = reader.length("length of " + name, longest);
    const std::span<const std::uint8_t> bytes = reader.take(length, name);
    pieces.push_back({std::string(bytes.begin(), bytes.end()), score});
  }
  reader.finish(vocab_size);
  return pieces;
}

// SentencePiece writes spaces as U+2581.
std::string with_spaces(const std::string& text) {
  constexpr std::string_view kSpace = "\xE2\x96\x81";
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const bool space = text.compare(at, kSpace.size(), kSpace) == 0;
    result += space ? ' ' : text[at];
    at += space ? kSpace.size() : 1;
  }
  return result;
}

std::vector<Tokenizer::Piece> read_gguf(const std::filesystem::path& path) {
  constexpr std::uint32_t kText = 1;
  constexpr std::uint32_t kByte = 6;
  const GgufVocabulary vocabulary = read_gguf_vocabulary(path);
  std::vector<Tokenizer::Piece> pieces;
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const std::uint32_t type = vocabulary.types[i];
    pieces.push_back(
        {with_spaces(vocabulary.tokens[i]), vocabulary.scores[i], type == kText || type == kByte});
  }
  return pieces;
}

std::vector<Tokenizer::Piece> read_pieces(const std::filesystem::path& path,
                                          std::uint32_t vocab_size) {
  if (vocab_size < kFirstByteToken + kByteCount)
    refuse(path, "a model of " + std::to_string(vocab_size) + " tokens",
           "at least 259: three and the bytes");
  return is_gguf(path) ? read_gguf(path) : read_llama2c(path, vocab_size);
}

}  // namespace

Tokenizer::Tokenizer(const std::filesystem::path& path, std::uint32_t vocab_size)
    : pieces_(read_pieces(path, vocab_size)) {
  const auto refuse_here = [&path](std::string found, std::string expected) {
    refuse(path, std::move(found), std::move(expected));
  };
  if (pieces_.size() != vocab_size)
    refuse_here(std::to_string(pieces_.size()) + " tokens",
                std::to_string(vocab_size) + ", as many as the model has");
  for (Token token = 0; token < vocab_size; ++token) {
    const Piece& piece = pieces_[token];
    if (!std::isfinite(piece.score))
      refuse_here("token " + std::to_string(token) + " with a score that is not finite",
                  "a number");
    if (piece.in_texts) tokens_.try_emplace(piece.text, token);
  }
  for (unsigned byte = 0; byte < kByteCount; ++byte) {
    const std::string& text = pieces_[kFirstByteToken + byte].text;
    if (text != byte_text(byte))
      refuse_here("token " + std::to_string(kFirstByteToken + byte) + " " + quotation(text),
                  byte_text(byte));
  }
}

void Tokenizer::append_character(std::string_view character, std::vector<Token>& tokens) const {
  const auto found = tokens_.find(std::string(character));
  if (found != tokens_.end()) {
    tokens.push_back(found->second);
    return;
  }
  for (const char c : character) tokens.push_back(kFirstByteToken + static_cast<unsigned char>(c));
}

std::vector<Token> Tokenizer::encode(std::string_view text) const {
  if (text.empty()) return {kBeginToken};
  std::vector<Token> characters;
  append_character(" ", characters);
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + 1;
    while (end < text.size() && end - begin < kMaxCharacterBytes && continues_character(text[end]))
      ++end;
    append_character(text.substr(begin, end - begin), characters);
    begin = end;
  }
  std::vector<Token> tokens = merged(characters);
  tokens.insert(tokens.begin(), kBeginToken);
  return tokens;
}

std::vector<Token> Tokenizer::merged(const std::vector<Token>& tokens) const {
  std::vector<Link> links;
  links.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    links.push_back({tokens[i], i == 0 ? kNone : i - 1, i + 1 < tokens.size() ? i + 1 : kNone});
  std::priority_queue<Merge> merges;
  const auto offer = [&](std::size_t left, std::size_t right) {
    if (left == kNone || right == kNone) return;
    const auto joint =
        tokens_.find(pieces_[links[left].token].text + pieces_[links[right].token].text);
    if (joint != tokens_.end())
      merges.push({pieces_[joint->second].score, left, right, links[right].token, joint->second});
  };
  for (std::size_t i = 1; i < links.size(); ++i) offer(i - 1, i);
  while (!merges.empty()) {
    const Merge merge = merges.top();
    merges.pop();
    Link& left = links[merge.left];
    Link& right = links[merge.right];
    if (!left.alive || left.next != merge.right || right.token != merge.right_token) continue;
    left.token = merge.joint;
    left.next = right.next;
    right.alive = false;
    if (left.next != kNone) links[left.next].previous = merge.left;
    offer(left.previous, merge.left);
    offer(merge.left, left.next);
  }
  std::vector<Token> result;
  for (const Link& link : links)
    if (link.alive) result.push_back(link.token);
  return result;
}

std::string Tokenizer::decode(Token previous, Token token) const {
  if (token >= kFirstByteToken && token < kFirstByteToken + kByteCount)
    return {static_cast<char>(token - kFirstByteToken)};
  std::string text = pieces_.at(token).text;
  if (previous == kBeginToken && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

}  // namespace bitloom
