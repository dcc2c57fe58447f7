// SPDX-License-Identifier: Apache-2.0
// Where the layers and activations of a simulation come from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "host/runtime/run.hpp"
#include "host/sources/quantize_cached.hpp"

namespace bitloom {

/// What a simulation asks for.
struct LayerRequest {
  std::string layer;                        ///< of a model, or of `weights`
  unsigned bits = 0;                        ///< precision, 1..8
  std::optional<Mode> mode;                 ///< empty = the layer's own, or BCQ
  std::optional<std::uint32_t> group_size;  ///< empty = the layer's own, or 128; 0 = per row
  std::uint64_t seed = 0;                   ///< of synthetic weights
  std::filesystem::path weights;            ///< a checkpoint of any format; empty = synthetic
};

/// A layer that was found, and that nothing forbids to make.
struct LayerPlan {
  Layer shape;  ///< name, sizes, mode and served precisions; no planes and tables
  /// The layer at the precision asked for. Float weights (synthetic, or of an unquantized
  /// checkpoint) are quantized by quantize_bcq with offsets or by quantize_codebook, or come from
  /// the cache of an earlier run; a quantized layer is read. Throws Error as these do.
  std::function<LayerSource(const LayerProgress&)> make;
};

/// Finds a layer by name. Throws Error as find_layer, detect_format, the readers of checkpoints and
/// check_quantizable do; layer_name when a checkpoint has no such layer; and usage when a layer
/// that is read, and so has a mode and a group size, is asked for with others.
LayerPlan plan_layer(const LayerRequest& request);

}  // namespace bitloom
