// SPDX-License-Identifier: Apache-2.0
// GGUF, versions 2 and 3 (github.com/ggml-org/ggml), little-endian, with
// tensors of F32, F16 and BF16.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "sw/checkpoint/architecture.hpp"
#include "sw/checkpoint/tensor_store.hpp"

namespace bitloom {

struct GgufModel {
  std::unique_ptr<TensorStore> store;  ///< shapes are [rows, columns], as everywhere else
  ModelConfig config;
};

/// Throws Error io_read; checkpoint_gguf for a file that is truncated or malformed;
/// checkpoint_tensor for tensors of other types, all named at once; checkpoint_architecture and
/// checkpoint_config.
GgufModel open_gguf(const std::filesystem::path& path);

/// Whether a file begins as a GGUF file does.
bool is_gguf(const std::filesystem::path& path);

}  // namespace bitloom
