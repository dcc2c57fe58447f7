// SPDX-License-Identifier: Apache-2.0
// The interchange files (docs/formats.md): layers, activations and outputs in safetensors files
// with the metadata entry bitloom.format = "1".
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom {

/// The names of the layers in a file, sorted: every N that has a tensor N.planes.
/// Throws Error file_format, and what SafetensorsFile throws.
std::vector<std::string> list_layers(const std::filesystem::path& path);

/// Layer `name` with all precisions that the file serves. Plane bits at k >= K come back 0.
/// Throws Error file_format, layer_name, layer_metadata, layer_tensor (a tensor missing or out of
/// place), layer_dtype, layer_shape, layer_not_finite, and what SafetensorsFile throws.
Layer read_layer(const std::filesystem::path& path, const std::string& name);

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
