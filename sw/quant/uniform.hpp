// SPDX-License-Identifier: Apache-2.0
// Rounding to nearest: 2^b levels at equal distances from the least weight of a group to the
// largest. The baseline that other quantizers are measured against; b binary planes with scales
// that halve from one to the next are such levels.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sw/quant/float_matrix.hpp"
#include "sw/quant/quantized.hpp"

namespace bitloom {

/// Counts every change of the results for the same input: caches of older ones are not used.
inline constexpr unsigned kUniformRevision = 1;

struct UniformOptions {
  unsigned bits = 2;               ///< planes, 1..8
  std::uint32_t group_size = 128;  ///< 32, 64, 128, 256; 0 = one group per row
  unsigned threads = 0;            ///< 0 = one per core; the result is the same for any number
  /// Called after each row, from any worker thread; may be empty.
  std::function<void()> row_done = {};
};

/// Quantizes each (row, group) on its own to a BCQ layer of one precision. The smallest scale and
/// the offset are rounded to binary16, and each weight takes its nearest level under the rounded
/// values, the upper one on a tie. Throws Error quant_value when a weight is not finite or a scale
/// or offset is beyond binary16, and Error quant_option when an option, M or K is outside the
/// contract.
Quantized quantize_uniform(std::string name, const FloatMatrix& weights,
                           const UniformOptions& options);

}  // namespace bitloom
