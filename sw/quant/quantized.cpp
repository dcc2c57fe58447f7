// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/quantized.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

void dequantize_bcq(const Layer& layer, unsigned bits, std::uint32_t row, std::span<double> out) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  for (std::uint32_t column = 0; column < layer.k; ++column) {
    const std::size_t row_group =
        std::size_t{row} * layer.groups() + column / layer.group_columns();
    double value = tables.beta.empty() ? 0.0 : to_double(tables.beta[row_group]);
    for (unsigned p = 0; p < bits; ++p) {
      const double alpha = to_double(tables.alpha[row_group * bits + p]);
      value += layer.bit(p, row, column) ? alpha : -alpha;
    }
    out[column] = value;
  }
}

void dequantize_codebook(const Layer& layer, unsigned bits, std::uint32_t row,
                         std::span<double> out) {
  const std::vector<Half>& codebook = layer.precisions.at(bits).codebook;
  for (std::uint32_t column = 0; column < layer.k; ++column) {
    std::size_t index = 0;
    for (unsigned p = 0; p < bits; ++p) index = 2 * index + (layer.bit(p, row, column) ? 1 : 0);
    out[column] = to_double(codebook[(std::size_t{row} << bits) + index]);
  }
}

}  // namespace

void dequantize_row(const Layer& layer, unsigned bits, std::uint32_t row, std::span<double> out) {
  if (layer.mode == Mode::bcq)
    dequantize_bcq(layer, bits, row, out);
  else
    dequantize_codebook(layer, bits, row, out);
}

double relative_error(const FloatMatrix& weights, const Layer& layer, unsigned bits) {
  RowErrors errors(weights.m);
  for_each_row(weights.m, 0, [&](std::uint32_t row, unsigned) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    errors.measure(layer, bits, row, values);
  });
  return errors.relative();
}

void check_quantizable(std::uint32_t m, std::uint32_t k, unsigned bits, std::uint32_t group_size) {
  const auto refuse = [](const char* place, std::uint32_t found, const char* expected) {
    throw Error(ErrorCode::quant_option,
                {place, std::to_string(found), expected, "Quantize with a value of the contract."});
  };
  if (bits < 1 || bits > kMaxBits) refuse("precision", bits, "1 to 8");
  constexpr std::array kGroupSizes = {0U, 32U, 64U, 128U, 256U};
  if (std::find(kGroupSizes.begin(), kGroupSizes.end(), group_size) == kGroupSizes.end())
    refuse("group size", group_size, "32, 64, 128, 256 or 0 (one group per row)");
  if (m == 0) refuse("rows of the weight matrix", m, "at least 1");
  if (k == 0 || k > kMaxColumns) refuse("columns of the weight matrix", k, "1 to 1048576");
}

void check_finite(std::span<const float> weights, std::uint32_t row) {
  const auto bad = std::find_if_not(weights.begin(), weights.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == weights.end()) return;
  throw Error(ErrorCode::quant_value,
              {fmt::format("weight [{}, {}]", row, bad - weights.begin()), fmt::format("{}", *bad),
               "a finite value", "Repair the weights before quantizing them."});
}

Layer unquantized_layer(std::string name, Mode mode, const FloatMatrix& weights, unsigned bits,
                        std::uint32_t group_size) {
  Layer layer;
  layer.name = std::move(name);
  layer.mode = mode;
  layer.m = weights.m;
  layer.k = weights.k;
  layer.group_size = group_size;
  layer.plane_count = bits;
  layer.planes.resize(std::size_t{bits} * layer.m * layer.row_bytes());
  layer.precisions[bits];
  return layer;
}

void RowErrors::measure(const Layer& layer, unsigned bits, std::uint32_t row,
                        std::span<const float> weights) {
  std::vector<double> dequantized(weights.size());
  dequantize_row(layer, bits, row, dequantized);
  Sums sums;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i];
    const double difference = weight - dequantized[i];
    sums.error += difference * difference;
    sums.norm += weight * weight;
  }
  rows_[row] = sums;
}

double RowErrors::relative() const {
  Sums total;
  for (const Sums& row : rows_) {
    total.error += row.error;
    total.norm += row.norm;
  }
  return total.norm > 0 ? std::sqrt(total.error / total.norm) : 0.0;
}

}  // namespace bitloom
