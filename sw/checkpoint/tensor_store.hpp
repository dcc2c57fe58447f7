// SPDX-License-Identifier: Apache-2.0
// Named tensors of a checkpoint, in whatever files they lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sw/io/safetensors.hpp"

namespace bitloom {

/// What a tensor is, row-major and little-endian. Its bytes are known to fit 64 bits.
struct StoredTensor {
  Dtype dtype{};
  Shape shape;
  [[nodiscard]] std::uint64_t bytes() const { return tensor_bytes(dtype, shape).value(); }
};

class TensorStore {
 public:
  TensorStore() = default;
  TensorStore(const TensorStore&) = delete;
  TensorStore& operator=(const TensorStore&) = delete;
  virtual ~TensorStore() = default;

  /// All tensors, whose bytes are known to be in the files.
  [[nodiscard]] const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }

  /// The file or folder that messages name.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Bytes [offset, offset + length) of a tensor of tensors(), which has as many. May be called
  /// from several threads. Throws Error io_read, or what the file format finds wrong with the data.
  [[nodiscard]] virtual std::vector<std::uint8_t> read(const std::string& name,
                                                       std::uint64_t offset,
                                                       std::size_t length) const = 0;

  /// A tensor's bytes as a whole.
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name) const {
    return read(name, 0, tensors_.at(name).bytes());
  }

 protected:
  std::filesystem::path path_;
  std::map<std::string, StoredTensor> tensors_;
};

/// One safetensors file. Throws Error as SafetensorsFile does.
std::unique_ptr<TensorStore> open_safetensors_store(const std::filesystem::path& path);

/// The tensors of a Hugging Face folder: model.safetensors, or the shards that
/// model.safetensors.index.json names, or the same of pytorch_model.bin. Throws Error
/// checkpoint_path when the folder holds none of these; checkpoint_shard when index and shards
/// contradict each other (all missing shards or tensors together); and what the files' own
/// readers throw.
std::unique_ptr<TensorStore> open_folder_store(const std::filesystem::path& folder);

}  // namespace bitloom
