// SPDX-License-Identifier: Apache-2.0
// Models in the llama2.c format, version 0 (github.com/karpathy/llama2.c): seven int32 and the
// float32 tensors of a LLaMA-2 model, little-endian, without names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "sw/io/file.hpp"

namespace bitloom {

/// The header, checked: all sizes positive and within their limits.
struct Llama2cShape {
  std::uint32_t dim = 0;
  std::uint32_t hidden_dim = 0;
  std::uint32_t n_layers = 0;
  std::uint32_t n_heads = 0;     ///< divides dim
  std::uint32_t n_kv_heads = 0;  ///< divides n_heads
  std::uint32_t vocab_size = 0;
  std::uint32_t seq_len = 0;
  bool shared_classifier = false;  ///< the classifier is the token embedding
};

/// A tensor of the file: row-major [rows, columns]; rows is 1 for the norms.
struct Llama2cTensor {
  std::string name;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint64_t offset = 0;  ///< of the first byte in the file
};

/// An open model. Its tensors:
///   token_embedding [vocab_size, dim], classifier of the same shape (at the same place when
///   shared), layers.{i}.attention_norm and .ffn_norm [1, dim], final_norm [1, dim], layers.{i}.wq,
///   .wo [dim, dim], .wk, .wv [n_kv_heads * dim / n_heads, dim], layers.{i}.w1, .w3 [hidden_dim,
///   dim], .w2 [dim, hidden_dim];
/// a matrix is [out, in]. The file's two tables of rotary embeddings are not listed.
class Llama2cFile {
 public:
  /// Throws Error io_read; llama2c_header when the header is truncated or out of range;
  /// llama2c_size when the file has another size than its header asks for.
  explicit Llama2cFile(const std::filesystem::path& path);

  [[nodiscard]] const Llama2cShape& shape() const { return shape_; }
  [[nodiscard]] const std::vector<Llama2cTensor>& tensors() const { return tensors_; }

  /// The tensor of that name. Throws Error layer_name with the nearest names.
  [[nodiscard]] const Llama2cTensor& tensor(const std::string& name) const;

  /// All values of a tensor.
  [[nodiscard]] std::vector<float> read(const Llama2cTensor& tensor) const;

  /// One row of a tensor into `out`, which holds its columns. From any thread.
  void read_row(const Llama2cTensor& tensor, std::uint32_t row, std::span<float> out) const;

  /// Bytes [offset, offset + length) of a tensor that has as many: little-endian binary32. May be
  /// called from several threads.
  [[nodiscard]] std::vector<std::uint8_t> read_bytes(const Llama2cTensor& tensor,
                                                     std::uint64_t offset,
                                                     std::size_t length) const {
    return file_.read(tensor.offset + offset, length);
  }

 private:
  void read_values(std::uint64_t offset, std::span<float> out) const;

  InputFile file_;
  Llama2cShape shape_;
  std::vector<Llama2cTensor> tensors_;
};

}  // namespace bitloom
