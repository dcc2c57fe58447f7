// SPDX-License-Identifier: Apache-2.0
// Binary-coded quantization (BCQ): a group of weights w is written as beta + sum_i alpha_i * B_i
// with B_i in {-1, +1}. Greedy start (Guo et al., Network Sketching, CVPR 2017), then alternating
// least squares and nearest-level reassignment (Xu et al., Alternating Multi-bit Quantization, ICLR
// 2018), with an offset as AnyBCQ uses it. docs/quantization.md explains the steps.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sw/layer/layer.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

/// Counts every change of the results for the same input: caches of older ones are not used.
inline constexpr unsigned kQuantizerRevision = 1;

struct BcqOptions {
  unsigned bits = 2;               ///< planes, 1..8
  std::uint32_t group_size = 128;  ///< 32, 64, 128, 256; 0 = one group per row
  bool offset = true;              ///< fit beta; false leaves it out of the layer
  unsigned rounds = 20;            ///< most rounds of refinement; 0 = greedy scales only
  unsigned threads = 0;            ///< 0 = one per core; the result is the same for any number
  /// Called after each row, from any worker thread; may be empty.
  std::function<void()> row_done = {};
};

struct Quantized {
  Layer layer;                ///< planes 0..bits-1 and the tables of that one precision
  double relative_error = 0;  ///< see relative_error()
};

/// Throws Error quant_option when bits, group_size, M or K are outside the contract: what
/// quantize_bcq would refuse, before there are weights.
void check_quantizable(std::uint32_t m, std::uint32_t k, const BcqOptions& options);

/// Quantizes each (row, group) on its own. Scales and offsets are binary16 values and the planes
/// are nearest-level for those rounded values; alphas are non-negative and descending.
/// Throws Error quant_value when a weight is not finite or needs a scale beyond binary16, and Error
/// quant_option when bits, group_size, M or K are outside the contract.
Quantized quantize_bcq(std::string name, const FloatMatrix& weights, const BcqOptions& options);

/// The dequantized row of a BCQ layer at a served precision; `out` holds K values.
void dequantize_row(const Layer& layer, unsigned bits, std::uint32_t row, std::span<double> out);

/// Relative Frobenius error |W - dequantized| / |W| (0 for an all-zero W).
double relative_error(const FloatMatrix& weights, const Layer& layer, unsigned bits);

}  // namespace bitloom
