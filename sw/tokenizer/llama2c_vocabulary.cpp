// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>
#include <utility>

#include "sw/io/file.hpp"
#include "sw/io/little_endian.hpp"
#include "sw/tokenizer/sentencepiece.hpp"
#include "sw/tokenizer/tokenizer_error.hpp"

namespace bitloom {
namespace {

constexpr std::uint64_t kHeaderBytes = 4;
constexpr std::uint64_t kEntryBytes = 8;  // score and length
constexpr std::int64_t kMaxTokenBytes = 1024;

// One more than a file of that many tokens can have, so that a longer one is refused unread.
std::uint64_t most_bytes(std::uint32_t vocab_size) {
  return kHeaderBytes + vocab_size * (kEntryBytes + kMaxTokenBytes) + 1;
}

// Takes the fields of the file one after the other.
class Reader {
 public:
  Reader(std::filesystem::path path, std::vector<std::uint8_t> bytes)
      : path_(std::move(path)), bytes_(std::move(bytes)) {}

  std::uint32_t word(const std::string& what) {
    return little_endian_word<std::uint32_t>(take(4, what), 0);
  }

  // An int32 in [0, limit].
  std::uint32_t length(const std::string& what, std::int64_t limit) {
    const std::int64_t value = static_cast<std::int32_t>(word(what));
    if (value < 0 || value > limit)
      refuse_tokenizer(path_, what + " " + std::to_string(value), "0 to " + std::to_string(limit));
    return static_cast<std::uint32_t>(value);
  }

  std::span<const std::uint8_t> take(std::size_t count, const std::string& what) {
    if (count > bytes_.size() - next_)
      refuse_tokenizer(path_, std::to_string(bytes_.size()) + " bytes",
                       std::to_string(next_ + count) + " or more, to the end of " + what);
    next_ += count;
    return std::span(bytes_).subspan(next_ - count, count);
  }

  void finish(std::uint32_t vocab_size) const {
    if (next_ != bytes_.size())
      refuse_tokenizer(path_, std::to_string(bytes_.size()) + " bytes",
                       std::to_string(next_) + " for the " + std::to_string(vocab_size) +
                           " tokens of the model");
  }

 private:
  std::filesystem::path path_;
  std::vector<std::uint8_t> bytes_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<Piece> read_llama2c_vocabulary(const std::filesystem::path& path,
                                           std::uint32_t vocab_size) {
  const InputFile file(path);
  Reader reader(path, file.read(0, std::min(file.size(), most_bytes(vocab_size))));
  const std::uint32_t longest = reader.length("the longest token's length", kMaxTokenBytes);
  std::vector<Piece> pieces;
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

}  // namespace bitloom
