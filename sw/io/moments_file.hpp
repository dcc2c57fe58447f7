// SPDX-License-Identifier: Apache-2.0
// Activation moments (docs/formats.md): for linear layers N, the mean square of every input column
// as tensor N.moments, F32 [K], in a safetensors file. Quantizers weight the error of a column by
// them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bitloom {

/// Mean squares [K] of each layer's input columns, by the layer's name.
using LayerMoments = std::map<std::string, std::vector<double>>;

/// What moments were measured with: the file's metadata.
struct MomentsOrigin {
  std::string model;         ///< path
  std::uint64_t tokens = 0;  ///< that went through the model
};

/// Replaces `path` by a file of these moments, rounded to binary32. Throws Error model_value, with
/// the layer and column, when one is not finite there; output_path.
void write_moments(const std::filesystem::path& path, const MomentsOrigin& origin,
                   const LayerMoments& moments);

/// The moments of a layer of `k` columns, all finite and not negative; metadata is not asked for.
/// Throws Error layer_name, with the nearest names, when the file has none for the layer;
/// moments_tensor for another type or shape than F32 [k]; moments_value; and what SafetensorsFile
/// throws.
std::vector<double> read_moments(const std::filesystem::path& path, const std::string& layer,
                                 std::uint32_t k);

}  // namespace bitloom
