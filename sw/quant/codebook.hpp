// SPDX-License-Identifier: Apache-2.0
// Codebook quantization: each output row has 2^b centroids of its own, and each weight the index of
// one, as Any-Precision LLM (Park et al., ICML 2024) and SqueezeLLM have it. Those use k-means from
// a seeded start; here the centroids of the seed precision are optimal (line_clusters.hpp). A
// higher precision splits every cluster of the one before in two. docs/quantization.md explains the
// steps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sw/quant/float_matrix.hpp"
#include "sw/quant/quantized.hpp"

namespace bitloom {

/// Counts every change of the results for the same input: caches of older ones are not used.
inline constexpr unsigned kCodebookRevision = 1;

struct CodebookOptions {
  PrecisionRange precisions = {};
  std::uint32_t group_size = 128;  ///< of the activations only: 32, 64, 128, 256; 0 = the row
  /// [K]: what a squared error in a column counts (its sensitivity), finite and at least 0, not all
  /// of them 0; empty = 1 for all.
  std::vector<double> column_weights = {};
  unsigned threads = 0;  ///< 0 = one per core; the result is the same for any number
  /// Called after each row, from any worker thread; may be empty.
  std::function<void()> row_done = {};
};

/// Quantizes each row on its own. The centroids of the seed precision are those of least squared
/// error, rounded to binary16; they ascend with their index, and each weight has the nearest of the
/// rounded ones, the upper one on a tie. A row with fewer distinct weights than centroids has each
/// of them, and its last centroid several times. Plane 0 is the most significant bit of the index.
/// At each further precision a cluster is cut in two in the best way, and a weight takes the nearer
/// one of the two rounded means; a cluster that nothing is gained by cutting has its centroid
/// twice. So the error never rises with the precision, and indices of all precisions share their
/// planes. Throws Error quant_value when a weight is not finite or a centroid is beyond binary16,
/// and Error quant_option when an option, M or K is outside the contract.
Quantized quantize_codebook(std::string name, const FloatMatrix& weights,
                            const CodebookOptions& options);

}  // namespace bitloom
