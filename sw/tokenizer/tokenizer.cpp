// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "sw/checkpoint/gguf.hpp"
#include "sw/io/file.hpp"
#include "sw/tokenizer/sentencepiece.hpp"
#include "sw/tokenizer/tokenizer_error.hpp"
#include "sw/tokenizer/tokenizer_json.hpp"

namespace bitloom {
namespace {

std::filesystem::path file_of(const std::filesystem::path& path) {
  std::error_code ignored;  // what is no folder is opened as a file, which says what is wrong
  if (!std::filesystem::is_directory(path, ignored)) return path;
  for (const char* name : {"tokenizer.json", "tokenizer.model"})
    if (std::filesystem::exists(path / name, ignored)) return path / name;
  refuse_tokenizer(path, "a folder without tokenizer.json and tokenizer.model", "one of them");
}

// A vocabulary of llama2.c begins with an int32 of at most 1024, so that its third byte is 0; that
// of the other formats is not.
bool begins_with(const std::vector<std::uint8_t>& beginning, char first) {
  return !beginning.empty() && beginning[0] == static_cast<std::uint8_t>(first) &&
         (beginning.size() < 3 || beginning[2] != 0);
}

std::unique_ptr<TokenizerScheme> read_scheme(const std::filesystem::path& path,
                                             std::uint32_t vocab_size) {
  const std::vector<std::uint8_t> beginning = [&path] {
    const InputFile file(path);
    return file.read(0, static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 3)));
  }();
  if (begins_with(beginning, '{')) return read_tokenizer_json(path, vocab_size);
  if (vocab_size < kLeastPieces)
    refuse_tokenizer(path, "a model of " + std::to_string(vocab_size) + " tokens",
                     "at least " + std::to_string(kLeastPieces) + ": three and the bytes");
  std::vector<Piece> pieces;
  bool padded = false;  // the model may have tokens that the vocabulary has not
  if (is_gguf(path)) {
    pieces = read_gguf_pieces(path);
  } else if (begins_with(beginning, '\n')) {  // field 1 of a protocol buffer, with a length
    pieces = read_sentencepiece_model(path);
    padded = true;
  } else {
    pieces = read_llama2c_vocabulary(path, vocab_size);
  }
  if (pieces.size() > vocab_size || (pieces.size() < vocab_size && !padded))
    refuse_tokenizer(path, std::to_string(pieces.size()) + " tokens",
                     std::to_string(vocab_size) + ", as many as the model has");
  pieces.resize(vocab_size, {.text = "", .score = 0, .in_texts = false});
  return sentencepiece_scheme(path, std::move(pieces));
}

}  // namespace

Tokenizer::Tokenizer(const std::filesystem::path& path, std::uint32_t vocab_size)
    : scheme_(read_scheme(file_of(path), vocab_size)) {}

}  // namespace bitloom
