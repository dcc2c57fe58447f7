// SPDX-License-Identifier: Apache-2.0
// What all quantizers share: their result, its error, and what they refuse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sw/layer/layer.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

struct Quantized {
  Layer layer;
  std::map<unsigned, double> relative_errors;  ///< see relative_error(), by precision served

  /// At the highest precision.
  [[nodiscard]] double relative_error() const { return relative_errors.rbegin()->second; }
};

/// The precisions that a quantizer makes a layer for: it starts at `seed` and adds a plane for each
/// further one, up to `bits`, which is also the number of planes. 1 <= seed <= bits <= 8.
struct PrecisionRange {
  unsigned seed = 0;  ///< 0 stands for `bits`: one precision
  unsigned bits = 2;
  [[nodiscard]] unsigned first() const { return seed == 0 ? bits : seed; }
};

/// The dequantized row of a layer at a served precision; `out` holds K values.
void dequantize_row(const Layer& layer, unsigned bits, std::uint32_t row, std::span<double> out);

/// Relative Frobenius error |W - dequantized| / |W| (0 for an all-zero W).
double relative_error(const FloatMatrix& weights, const Layer& layer, unsigned bits);

/// Throws Error quant_option when precisions, group size, M or K are outside the contract.
void check_quantizable(std::uint32_t m, std::uint32_t k, PrecisionRange precisions,
                       std::uint32_t group_size);

/// What a squared error in a column counts, for all columns: `weights` if there are any, else 1.
/// Throws Error quant_option unless there is one per column, finite, not negative, not all 0.
std::vector<double> column_importance(std::span<const double> weights, std::uint32_t k);

/// Throws Error quant_value when one of a row's weights is not finite.
void check_finite(const std::string& layer, std::span<const float> weights, std::uint32_t row);

/// A layer of these precisions with its planes at 0 and empty tables.
Layer empty_layer(std::string name, Mode mode, const FloatMatrix& weights,
                  PrecisionRange precisions, std::uint32_t group_size);

/// The code of an index or level whose most significant of `bits` bits is plane 0.
std::uint8_t code_of(unsigned index, unsigned bits);

/// Sets the planes of columns first_column and on, which are at 0: bit p of a code is that of plane
/// p. Bytes of different rows are distinct, so rows may be written from several threads.
void store_codes(Layer& layer, std::uint32_t row, std::size_t first_column,
                 std::span<const std::uint8_t> codes);

/// Quantizes one row of a layer, whose weights are finite; called from several threads.
using QuantizeRow = std::function<void(Layer& layer, std::uint32_t row,
                                       std::span<const float> weights, unsigned worker)>;

/// Fills an empty layer row by row on `threads` threads (0 = one per core) and measures its errors.
/// `row_done`, which may be empty, is called after each row. Throws Error quant_value when a weight
/// is not finite, and what `quantize_row` throws.
Quantized quantize_rows(Layer layer, const FloatMatrix& weights, unsigned threads,
                        const std::function<void()>& row_done, const QuantizeRow& quantize_row);

/// Errors of a layer's rows, from several threads: row by row, and then added up in row order, so
/// that the sum does not depend on the number of threads.
class RowErrors {
 public:
  RowErrors(const Layer& layer, std::vector<unsigned> precisions)
      : layer_(layer), precisions_(std::move(precisions)), rows_(layer.m * precisions_.size()) {}

  /// Compares a row's weights with the layer's, at each precision.
  void measure(std::uint32_t row, std::span<const float> weights);

  /// By precision.
  [[nodiscard]] std::map<unsigned, double> relative() const;

 private:
  struct Sums {
    double error = 0;  ///< of squared errors
    double norm = 0;   ///< of squared weights
  };

  const Layer& layer_;
  std::vector<unsigned> precisions_;
  std::vector<Sums> rows_;  // [rows, precisions]
};

}  // namespace bitloom
