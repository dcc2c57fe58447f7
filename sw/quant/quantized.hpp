// SPDX-License-Identifier: Apache-2.0
// What all quantizers share: their result, its error, and what they refuse.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sw/layer/layer.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

struct Quantized {
  Layer layer;                ///< planes 0..bits-1 and the tables of that one precision
  double relative_error = 0;  ///< see relative_error()
};

/// The dequantized row of a layer at a served precision; `out` holds K values.
void dequantize_row(const Layer& layer, unsigned bits, std::uint32_t row, std::span<double> out);

/// Relative Frobenius error |W - dequantized| / |W| (0 for an all-zero W).
double relative_error(const FloatMatrix& weights, const Layer& layer, unsigned bits);

/// Throws Error quant_option when precision, group size, M or K are outside the contract.
void check_quantizable(std::uint32_t m, std::uint32_t k, unsigned bits, std::uint32_t group_size);

/// Throws Error quant_value when one of a row's weights is not finite.
void check_finite(std::span<const float> weights, std::uint32_t row);

/// A layer of one precision with its planes at 0 and no tables yet.
Layer unquantized_layer(std::string name, Mode mode, const FloatMatrix& weights, unsigned bits,
                        std::uint32_t group_size);

/// Errors of a layer's rows, from several threads: row by row, and then added up in row order, so
/// that the sum does not depend on the number of threads.
class RowErrors {
 public:
  explicit RowErrors(std::uint32_t rows) : rows_(rows) {}

  /// Compares a row's weights with the layer's.
  void measure(const Layer& layer, unsigned bits, std::uint32_t row,
               std::span<const float> weights);

  [[nodiscard]] double relative() const;

 private:
  struct Sums {
    double error = 0;  ///< of squared errors
    double norm = 0;   ///< of squared weights
  };

  std::vector<Sums> rows_;
};

}  // namespace bitloom
