// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/little_endian.hpp"
#include "sw/tokenizer/characters.hpp"
#include "sw/tokenizer/sentencepiece.hpp"
#include "sw/tokenizer/tokenizer_error.hpp"

namespace bitloom {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kMaxModelBytes = std::uint64_t{64} << 20U;

// A field of a message, as it lies in the file. Numbers are in `number`; texts and messages are in
// `bytes`.
struct Field {
  std::uint32_t id = 0;
  std::uint64_t number = 0;
  Bytes bytes;
};

// The wire format (protobuf.dev, Encoding): what is understood without knowing the message.
class Wire {
 public:
  Wire(const std::filesystem::path& path, Bytes bytes) : path_(path), bytes_(bytes) {}

  // Tells `take` of every field.
  void each(const std::function<void(const Field&)>& take) {
    while (next_ != bytes_.size()) {
      const std::uint64_t tag = varint();
      Field field;
      field.id = static_cast<std::uint32_t>(tag >> 3U);
      switch (tag & 7U) {
        case 0:
          field.number = varint();
          break;
        case 1:
          field.number = little_endian_word<std::uint64_t>(chunk(8), 0);
          break;
        case 2:
          field.bytes = chunk(varint());
          break;
        case 5:
          field.number = little_endian_word<std::uint32_t>(chunk(4), 0);
          break;
        default:
          refuse("a field of type " + std::to_string(tag & 7U), "0, 1, 2 or 5");
      }
      take(field);
    }
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = chunk(1).front();
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80U) return value;
    }
    refuse("a number of more than 10 bytes", "at most 10");
  }

  Bytes chunk(std::uint64_t size) {
    if (size > bytes_.size() - next_)
      refuse("a field of " + std::to_string(size) + " bytes",
             "at most " + std::to_string(bytes_.size() - next_) + ", to the end of its message");
    next_ += static_cast<std::size_t>(size);
    return bytes_.subspan(next_ - static_cast<std::size_t>(size), static_cast<std::size_t>(size));
  }

  [[noreturn]] void refuse(std::string found, std::string expected) const {
    refuse_tokenizer(path_, std::move(found), std::move(expected));
  }

  const std::filesystem::path& path_;
  Bytes bytes_;
  std::size_t next_ = 0;
};

// ModelProto.SentencePiece.Type. An unknown, control or unused piece stands for no text.
enum PieceType : std::uint64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

Piece read_piece(const std::filesystem::path& path, Bytes bytes, std::size_t token) {
  Piece piece;
  std::uint64_t type = kNormal;
  Wire(path, bytes).each([&](const Field& field) {
    if (field.id == 1) piece.text.assign(field.bytes.begin(), field.bytes.end());
    if (field.id == 2) piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.number));
    if (field.id == 3) type = field.number;
  });
  if (type < kNormal || type > kByte || type == kUserDefined || type == kUnused)
    refuse_tokenizer(path,
                     "token " + std::to_string(token) + " " + quotation(piece.text) + " of type " +
                         std::to_string(type),
                     "a normal, unknown, control or byte piece (1, 2, 3 or 6)");
  piece.in_texts = type == kNormal || type == kByte;
  piece.text = replaced(piece.text, kSpaceMark, " ");
  return piece;
}

// What must be as it is in the models that are known; a field that is missing has its default.
struct Setting {
  std::uint32_t id;
  const char* name;
  std::uint64_t value;  // at first the default, then the file's
  std::uint64_t expected;
};

void check_settings(const std::filesystem::path& path, Bytes bytes, std::vector<Setting> settings) {
  Wire(path, bytes).each([&](const Field& field) {
    for (Setting& setting : settings)
      if (setting.id == field.id) setting.value = field.number + field.bytes.size();
  });
  for (const Setting& setting : settings)
    if (setting.value != setting.expected)
      refuse_tokenizer(path, std::string(setting.name) + " " + std::to_string(setting.value),
                       std::to_string(setting.expected));
}

}  // namespace

std::vector<Piece> read_sentencepiece_model(const std::filesystem::path& path) {
  const InputFile file(path);
  if (file.size() > kMaxModelBytes)
    refuse_tokenizer(path, std::to_string(file.size()) + " bytes",
                     "at most " + std::to_string(kMaxModelBytes));
  const std::vector<std::uint8_t> bytes = file.read(0, static_cast<std::size_t>(file.size()));
  std::vector<Piece> pieces;
  Bytes trainer;
  Bytes normalizer;
  Wire(path, bytes).each([&](const Field& field) {
    if (field.id == 1) pieces.push_back(read_piece(path, field.bytes, pieces.size()));
    if (field.id == 2) trainer = field.bytes;
    if (field.id == 3) normalizer = field.bytes;
  });
  check_settings(path, trainer,
                 {{3, "model_type (2 = BPE)", 1, 2},
                  {24, "treat_whitespace_as_suffix", 0, 0},
                  {35, "byte_fallback", 0, 1},
                  {40, "unk_id", 0, 0},
                  {41, "bos_id", 1, kBeginToken},
                  {42, "eos_id", 2, kEndToken}});
  check_settings(path, normalizer,
                 {{2, "bytes of precompiled_charsmap", 0, 0},
                  {3, "add_dummy_prefix", 1, 1},
                  {4, "remove_extra_whitespaces", 1, 0},
                  {5, "escape_whitespaces", 1, 1}});
  return pieces;
}

}  // namespace bitloom
