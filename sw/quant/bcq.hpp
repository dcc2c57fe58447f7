// SPDX-License-Identifier: Apache-2.0
// Binary-coded quantization (BCQ): a group of weights w is written as beta + sum_i alpha_i * B_i
// with B_i in {-1, +1}. Greedy start (Guo et al., Network Sketching, CVPR 2017), then alternating
// least squares and nearest-level reassignment (Xu et al., Alternating Multi-bit Quantization, ICLR
// 2018), with an offset as AnyBCQ uses it. docs/quantization.md explains the steps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sw/quant/float_matrix.hpp"
#include "sw/quant/quantized.hpp"

namespace bitloom {

/// Counts every change of the results for the same input: caches of older ones are not used.
inline constexpr unsigned kBcqRevision = 1;

struct BcqOptions {
  unsigned bits = 2;               ///< planes, 1..8
  std::uint32_t group_size = 128;  ///< 32, 64, 128, 256; 0 = one group per row
  bool offset = true;              ///< fit beta; false leaves it out of the layer
  unsigned rounds = 20;            ///< most rounds of refinement; 0 = greedy scales only
  unsigned threads = 0;            ///< 0 = one per core; the result is the same for any number
  /// Called after each row, from any worker thread; may be empty.
  std::function<void()> row_done = {};
};

/// Quantizes each (row, group) on its own. Scales and offsets are binary16 values and the planes
/// are nearest-level for those rounded values; alphas are non-negative and descending.
/// Throws Error quant_value when a weight is not finite or needs a scale beyond binary16, and Error
/// quant_option when bits, group_size, M or K are outside the contract.
Quantized quantize_bcq(std::string name, const FloatMatrix& weights, const BcqOptions& options);

}  // namespace bitloom
