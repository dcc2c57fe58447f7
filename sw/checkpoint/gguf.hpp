// SPDX-License-Identifier: Apache-2.0
// GGUF, versions 2 and 3 (github.com/ggml-org/ggml), little-endian, with
// tensors of F32, F16 and BF16.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sw/checkpoint/architecture.hpp"
#include "sw/checkpoint/tensor_store.hpp"

namespace bitloom {

struct GgufModel {
  std::unique_ptr<TensorStore> store;  ///< shapes are [rows, columns], as everywhere else
  ModelConfig config;
};

/// Throws Error io_read; checkpoint_gguf for a file that is truncated or malformed;
/// checkpoint_tensor for tensors of other types, all together; checkpoint_architecture and
/// checkpoint_config.
GgufModel open_gguf(const std::filesystem::path& path);

/// The vocabulary in a file's metadata, of a tokenizer of SentencePiece's kind.
struct GgufVocabulary {
  std::vector<std::string> tokens;
  std::vector<float> scores;         ///< of each
  std::vector<std::uint32_t> types;  ///< of each: 1 = text, 6 = a byte, others stand for no text
};

/// Throws Error io_read; checkpoint_gguf for a malformed file; tokenizer_file when the vocabulary
/// is missing, of another kind of tokenizer ("gpt2"), incomplete, or has other marks of a text's
/// begin and end than tokens 1 and 2.
GgufVocabulary read_gguf_vocabulary(const std::filesystem::path& path);

/// Whether a file begins as a GGUF file does.
bool is_gguf(const std::filesystem::path& path);

}  // namespace bitloom
