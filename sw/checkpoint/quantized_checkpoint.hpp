// SPDX-License-Identifier: Apache-2.0
// A checkpoint of quantized layers, in any of the three formats: what they have in common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sw/checkpoint/tensor_store.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

class QuantizedCheckpoint {
 public:
  QuantizedCheckpoint() = default;
  QuantizedCheckpoint(const QuantizedCheckpoint&) = delete;
  QuantizedCheckpoint& operator=(const QuantizedCheckpoint&) = delete;
  virtual ~QuantizedCheckpoint() = default;

  /// All layers without their bits, in the order of their names (numbers in names count as such).
  [[nodiscard]] const std::vector<LayerOutline>& layers() const { return layers_; }

  /// Layer number `index` of layers(). Throws Error layer_not_finite, io_read, and what the file
  /// format finds wrong with the data.
  [[nodiscard]] virtual Layer read(std::size_t index) const = 0;

  /// The tensors that belong to no quantized layer: embeddings, norms, biases.
  [[nodiscard]] const std::map<std::string, StoredTensor>& other_tensors() const { return others_; }
  /// Bytes [offset, offset + length) of one of them, which has as many. Throws Error io_read.
  [[nodiscard]] virtual std::vector<std::uint8_t> read_other(const std::string& name,
                                                             std::uint64_t offset,
                                                             std::size_t length) const = 0;

  /// The model's config.json without the section of the quantizer; empty when there is none.
  [[nodiscard]] const std::string& config() const { return config_; }

 protected:
  std::vector<LayerOutline> layers_;
  std::map<std::string, StoredTensor> others_;
  std::string config_;
};

/// Our own files (docs/formats.md): layers, other tensors, and the configuration as metadata entry
/// "bitloom.config". Throws Error as LayerFile does.
std::unique_ptr<QuantizedCheckpoint> open_bitloom_checkpoint(const std::filesystem::path& path);

/// A folder of AnyBCQ (docs/checkpoints.md). Throws Error checkpoint_config, checkpoint_missing
/// (all missing tensors together), checkpoint_tensor for a type or shape that contradicts the rest,
/// and what open_folder_store throws.
std::unique_ptr<QuantizedCheckpoint> open_anybcq_checkpoint(const std::filesystem::path& folder);

/// A folder of Any-Precision LLM. Throws Error as open_anybcq_checkpoint does.
std::unique_ptr<QuantizedCheckpoint> open_anyprec_checkpoint(const std::filesystem::path& folder);

/// Any of these. Throws Error as they do, as detect_format() does, and checkpoint_path for a
/// checkpoint of unquantized weights.
std::unique_ptr<QuantizedCheckpoint> open_quantized_checkpoint(const std::filesystem::path& path);

/// What is written of a checkpoint, and what is told meanwhile.
struct Selection {
  std::vector<std::size_t> layers;   ///< indices of layers(), ascending
  std::function<void()> layer_done;  ///< after each; may be empty
};

/// Replaces a file by one of our format. Throws Error output_path and what reading throws.
void write_bitloom_checkpoint(const std::filesystem::path& path, const QuantizedCheckpoint& source,
                              const Selection& selection);

/// Writes a folder (config.json, then the weights) that AnyBCQ or Any-Precision LLM reads. Throws
/// Error checkpoint_unstorable when the format cannot hold a layer, before anything is written;
/// output_path; and what reading throws.
void write_anybcq_checkpoint(const std::filesystem::path& folder, const QuantizedCheckpoint& source,
                             const Selection& selection);
void write_anyprec_checkpoint(const std::filesystem::path& folder,
                              const QuantizedCheckpoint& source, const Selection& selection);

}  // namespace bitloom
