// SPDX-License-Identifier: Apache-2.0
// Float weights to a layer, once: by a quantizer, or from the cache of an earlier run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sw/quant/quantized.hpp"

namespace bitloom {

/// Columns per group where nothing else is asked for.
inline constexpr std::uint32_t kDefaultGroupSize = 128;

/// How float weights become a layer.
struct Recipe {
  Mode mode = Mode::bcq;
  PrecisionRange precisions = {};
  std::uint32_t group_size = kDefaultGroupSize;
};

/// What is told while a layer is made; each may be empty.
struct LayerProgress {
  std::function<void(std::uint32_t row_count)> quantizing;  ///< before quantization begins
  std::function<void()> row_done;                           ///< after each row, from any thread
  std::function<void(const std::string&)> note;             ///< of a cache that cannot be written
};

/// A text that two matrices with different values never share.
std::string matrix_identity(const FloatMatrix& weights);

/// `weights` by quantize_bcq with offsets or by quantize_codebook. `identity` stands for the
/// weights in the key of the cache. Throws Error as the quantizers do.
Quantized quantize_cached(const std::string& name, const FloatMatrix& weights,
                          const std::string& identity, const Recipe& recipe,
                          const LayerProgress& progress);

}  // namespace bitloom
