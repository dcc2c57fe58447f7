// SPDX-License-Identifier: Apache-2.0
// A checkpoint of unquantized weights, in any of the formats that are read.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sw/checkpoint/architecture.hpp"
#include "sw/checkpoint/tensor_store.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

class FloatCheckpoint {
 public:
  /// Layers and tensors of `store` in which nothing is missing; `naming` is that of `config`.
  FloatCheckpoint(std::shared_ptr<const TensorStore> store, std::vector<LinearLayer> layers,
                  std::optional<ModelConfig> config, Naming naming);

  [[nodiscard]] const TensorStore& store() const { return *store_; }

  /// The linear layers: those of the architecture, or where a file does not say what it is (a
  /// single safetensors file), every matrix of floats.
  [[nodiscard]] const std::vector<LinearLayer>& layers() const { return layers_; }

  /// The model, where the files say what it is, and whose names its tensors have.
  [[nodiscard]] const std::optional<ModelConfig>& config() const { return config_; }
  [[nodiscard]] Naming naming() const { return naming_; }

  /// The layer of that name. Throws Error layer_name with the nearest names.
  [[nodiscard]] const LinearLayer& layer(const std::string& name) const;

  /// The weights of a layer, read row by row from the file: nothing large stands in memory. Its
  /// read_row throws Error io_read and what the file format finds.
  [[nodiscard]] FloatMatrix matrix(const LinearLayer& layer) const;

  /// All values of a tensor: a norm, a bias. Throws Error layer_name, and checkpoint_tensor when it
  /// does not hold floats.
  [[nodiscard]] std::vector<float> values(const std::string& tensor) const;

 private:
  std::shared_ptr<const TensorStore> store_;
  std::vector<LinearLayer> layers_;
  std::optional<ModelConfig> config_;
  Naming naming_;
};

/// Whether tensors of the type are read as floats: F32, F16 and BF16.
bool is_float(Dtype dtype);

/// A Hugging Face folder, a .safetensors file, a GGUF file or a llama2.c .bin file. Throws Error
/// checkpoint_path for anything else; checkpoint_missing, for all of them, when tensors of the
/// architecture are not there; checkpoint_tensor when one has another type or shape; and what the
/// formats' readers throw.
FloatCheckpoint open_float_checkpoint(const std::filesystem::path& path);

}  // namespace bitloom
