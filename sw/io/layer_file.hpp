// SPDX-License-Identifier: Apache-2.0
// The interchange files (docs/formats.md): layers, activations and outputs in safetensors files
// with the metadata entry bitloom.format = "1".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sw/io/safetensors.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// An open file of layers.
class LayerFile {
 public:
  /// Throws Error file_format, and what SafetensorsFile throws.
  explicit LayerFile(const std::filesystem::path& path);

  [[nodiscard]] const SafetensorsFile& container() const { return file_; }
  /// The names of the layers, sorted: every N that has a tensor N.planes.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Whether a tensor belongs to a layer of names().
  [[nodiscard]] bool is_layer_tensor(const std::string& tensor) const;
  /// Layer `name` without its bits. Throws Error layer_name, layer_metadata, layer_tensor (a tensor
  /// missing or out of place), layer_dtype, layer_shape.
  [[nodiscard]] LayerOutline outline(const std::string& name) const;
  /// Layer `name` with all precisions that the file serves. Plane bits at k >= K come back 0.
  /// Throws Error as outline() does, layer_not_finite, and io_read.
  [[nodiscard]] Layer read(const std::string& name) const;

 private:
  void require(const std::string& name) const;

  SafetensorsFile file_;
};

/// The names of the layers in a file, sorted. Throws Error as LayerFile does.
std::vector<std::string> list_layers(const std::filesystem::path& path);

/// Layer `name` of a file. Throws Error as LayerFile and its read() do.
Layer read_layer(const std::filesystem::path& path, const std::string& name);

/// Replaces a file by one whose layers come one at a time, so that they never stand in memory
/// together. Other tensors and metadata may travel with them. All members throw Error output_path.
class LayerFileWriter {
 public:
  /// Writes the header. Names differ, and no other tensor is named as one of a layer.
  LayerFileWriter(const std::filesystem::path& path, std::span<const LayerOutline> layers,
                  std::map<std::string, std::string> metadata = {},
                  std::vector<TensorSpec> other_tensors = {});

  /// A layer of one of the outlines, each once, in any order. Plane bits at k >= K are written 0.
  void write(const Layer& layer);
  /// The bytes of one of the other tensors, part by part.
  void write(const std::string& tensor, const ReadPart& read) { writer_.write(tensor, read); }
  /// Puts the file in place. Everything has been written.
  void commit() { writer_.commit(); }

 private:
  SafetensorsWriter writer_;
};

/// Replaces `path` by a file of these layers, whose names differ. Plane bits at k >= K are written
/// 0. Throws Error output_path.
void write_layers(const std::filesystem::path& path, std::span<const Layer> layers);

/// Tensor `x` [T, K]. F16 is taken as it is; BF16, F32 and F64 are rounded to nearest, ties to
/// even. Throws Error file_format, acts_tensor, acts_dtype, acts_shape, acts_overflow (a finite
/// value beyond binary16, by index), and what SafetensorsFile throws.
Activations read_activations(const std::filesystem::path& path);

/// Replaces `path` by a file with tensor `x` as F16 [T, K]. Throws Error output_path.
void write_activations(const std::filesystem::path& path, const Activations& acts);

/// Tensor `y`, F32 or F16 [T, M]. Throws Error file_format, outputs_tensor, and what
/// SafetensorsFile throws.
Outputs read_outputs(const std::filesystem::path& path);

/// Replaces `path` by a file with tensor `y` [T, M] in the outputs' format. Throws Error
/// output_path.
void write_outputs(const std::filesystem::path& path, const Outputs& outputs);

/// The little-endian bytes of tensor `y`: what a run's output_sha256 is taken of.
std::vector<std::uint8_t> output_bytes(const Outputs& outputs);

}  // namespace bitloom
