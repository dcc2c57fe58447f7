// SPDX-License-Identifier: Apache-2.0
// Binary-coded quantization (BCQ): a group of weights w is written as beta + sum_i alpha_i * B_i
// with B_i in {-1, +1}. Greedy start (Guo et al., Network Sketching, CVPR 2017), then alternating
// least squares and nearest-level reassignment (Xu et al., Alternating Multi-bit Quantization, ICLR
// 2018), with an offset as AnyBCQ uses it, and further planes for higher precisions that share the
// lower ones' (Park et al., AnyBCQ, ICLR 2026). docs/quantization.md explains the steps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sw/quant/float_matrix.hpp"
#include "sw/quant/quantized.hpp"

namespace bitloom {

/// Counts every change of the results for the same input: caches of older ones are not used.
inline constexpr unsigned kBcqRevision = 1;

struct BcqOptions {
  PrecisionRange precisions = {};
  std::uint32_t group_size = 128;  ///< 32, 64, 128, 256; 0 = one group per row
  bool offset = true;              ///< fit beta; false leaves it out of the layer
  unsigned rounds = 20;            ///< most rounds of refinement per precision; 0 = greedy scales
  /// [K]: what a squared error in a column counts (its activations' mean square, for example),
  /// finite, at least 0, not all of them 0; empty = 1 for all.
  std::vector<double> column_weights = {};
  unsigned threads = 0;  ///< 0 = one per core; the result is the same for any number
  /// Called after each row, from any worker thread; may be empty.
  std::function<void()> row_done = {};
};

/// Quantizes each (row, group) on its own. Scales and offsets are binary16 values. At the seed
/// precision the planes are nearest-level for those rounded values, and alphas are non-negative and
/// descending; above it every plane is added to those before it, and no group's error (as the
/// columns count) is above that of the precision before. A group in which no column counts is
/// fitted as if all did.
/// Throws Error quant_value when a weight is not finite or needs a scale beyond binary16, and Error
/// quant_option when an option, M or K is outside the contract.
Quantized quantize_bcq(std::string name, const FloatMatrix& weights, const BcqOptions& options);

}  // namespace bitloom
