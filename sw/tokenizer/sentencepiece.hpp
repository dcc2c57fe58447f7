// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding as SentencePiece does it, with byte fallback (Kudo and Richardson, EMNLP
// 2018): token 0 is unknown, 1 begins and 2 ends a text, and 3 to 258 are the bytes, written <0x00>
// to <0xFF>.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sw/tokenizer/characters.hpp"
#include "sw/tokenizer/tokenizer.hpp"

namespace bitloom {

inline constexpr Token kFirstByteToken = 3;
inline constexpr Token kLeastPieces = kFirstByteToken + kByteCount;

/// A token of a vocabulary.
struct Piece {
  std::string text;  ///< with spaces as such
  float score = 0;
  bool in_texts = true;  ///< stands for its text where a text holds it
};

/// A text gets a space in front of it (unless it is empty). It starts from its characters, one
/// without a token as its bytes; then, as long as there is one, the pair of neighbours whose joint
/// token has the highest score is merged, the leftmost of several. There are at least kLeastPieces
/// tokens; `path` is for messages. Throws Error tokenizer_file when tokens 3 to 258 are not the
/// bytes, or a score is not finite.
std::unique_ptr<TokenizerScheme> sentencepiece_scheme(const std::filesystem::path& path,
                                                      std::vector<Piece> pieces);

/// The vocabulary file of llama2.c (github.com/karpathy/llama2.c): int32 longest token in bytes,
/// then for each token float32 score, int32 length and the bytes, little-endian. Throws Error
/// io_read, and tokenizer_file when it is truncated, longer than `vocab_size` tokens, or holds a
/// length out of range.
std::vector<Piece> read_llama2c_vocabulary(const std::filesystem::path& path,
                                           std::uint32_t vocab_size);

/// The vocabulary in a GGUF file. Throws Error as read_gguf_vocabulary does.
std::vector<Piece> read_gguf_pieces(const std::filesystem::path& path);

/// The vocabulary in a tokenizer.model, which is a protocol buffer: message ModelProto of
/// src/sentencepiece_model.proto in github.com/google/sentencepiece. Throws Error io_read, and
/// tokenizer_file when it is malformed or asks for anything but byte-pair encoding with byte
/// fallback, unchanged texts and a space in front of them.
std::vector<Piece> read_sentencepiece_model(const std::filesystem::path& path);

}  // namespace bitloom
