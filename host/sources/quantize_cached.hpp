// SPDX-License-Identifier: Apache-2.0
// Float weights to a layer, once: by a quantizer, or from the cache of an earlier run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/cache/layer_cache.hpp"
#include "sw/quant/quantized.hpp"

namespace bitloom {

/// Columns per group where nothing else is asked for.
inline constexpr std::uint32_t kDefaultGroupSize = 128;

/// A quantizer; rtn rounds to the nearest of levels at equal distances, which are BCQ planes.
enum class Method : std::uint8_t { bcq, codebook, rtn };

/// The mode of the layers that a quantizer makes, and the one that is usual for a mode.
constexpr Mode mode_of(Method method) {
  return method == Method::codebook ? Mode::codebook : Mode::bcq;
}
constexpr Method method_of(Mode mode) {
  return mode == Mode::codebook ? Method::codebook : Method::bcq;
}

/// How float weights become a layer.
struct Recipe {
  Method method = Method::bcq;
  PrecisionRange precisions = {};
  std::uint32_t group_size = kDefaultGroupSize;
  bool offset = true;                       ///< bcq: fit offsets
  std::vector<double> column_weights = {};  ///< what errors in the columns count; empty = the same
  unsigned threads = 0;                     ///< 0 = one per core; the result does not depend on it
};

/// What is told while a layer is made; each may be empty.
struct LayerProgress {
  std::function<void(std::uint32_t row_count)> quantizing;  ///< before quantization begins
  std::function<void()> row_done;                           ///< after each row, from any thread
  std::function<void(const std::string&)> note;             ///< of a cache that cannot be written
};

/// A text that two matrices with different values never share.
std::string matrix_identity(const FloatMatrix& weights);

/// `weights` by the quantizer that the recipe asks for, or from the cache. `identity` stands for
/// the weights in the key. Throws Error as the quantizers do.
Quantized quantize_cached(const LayerCache& cache, const std::string& name,
                          const FloatMatrix& weights, const std::string& identity,
                          const Recipe& recipe, const LayerProgress& progress);

}  // namespace bitloom
