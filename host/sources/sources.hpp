// SPDX-License-Identifier: Apache-2.0
// Where the layers and activations of a simulation come from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "host/runtime/run.hpp"

namespace bitloom {

/// What a simulation asks for.
struct LayerRequest {
  std::string layer;              ///< of a model, or of `weights`
  unsigned bits = 0;              ///< precision, 1..8
  std::uint64_t seed = 0;         ///< of synthetic weights
  std::filesystem::path weights;  ///< .safetensors or llama2.c .bin; empty = synthetic
  std::function<void(std::uint32_t row_count)> quantizing;  ///< told before quantization begins
  std::function<void()> row_done;                           ///< after each row, from any thread
  std::function<void(const std::string&)> note;  ///< told of a cache that cannot be written
};

/// The layer at the precision asked for. Float weights (synthetic, llama2.c) are quantized by
/// quantize_bcq with groups of 128 and offsets, or come from the cache of an earlier run. Throws
/// Error as find_layer, read_layer, Llama2cFile and quantize_bcq do.
LayerSource layer_source(const LayerRequest& request);

}  // namespace bitloom
