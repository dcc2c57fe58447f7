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
  RowErrors errors(layer, {bits});
  for_each_row(weights.m, 0, [&](std::uint32_t row, unsigned) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    errors.measure(row, values);
  });
  return errors.relative().at(bits);
}

void check_quantizable(std::uint32_t m, std::uint32_t k, PrecisionRange precisions,
                       std::uint32_t group_size) {
  const auto refuse = [](const char* place, std::uint32_t found, const char* expected) {
    throw Error(ErrorCode::quant_option,
                {place, std::to_string(found), expected, "Quantize with a value of the contract."});
  };
  if (precisions.bits < 1 || precisions.bits > kMaxBits)
    refuse("precision", precisions.bits, "1 to 8");
  if (precisions.seed > precisions.bits)
    refuse("seed precision", precisions.seed, "at most the highest precision");
  constexpr std::array kGroupSizes = {0U, 32U, 64U, 128U, 256U};
  if (std::find(kGroupSizes.begin(), kGroupSizes.end(), group_size) == kGroupSizes.end())
    refuse("group size", group_size, "32, 64, 128, 256 or 0 (one group per row)");
  if (m == 0) refuse("rows of the weight matrix", m, "at least 1");
  if (k == 0 || k > kMaxColumns) refuse("columns of the weight matrix", k, "1 to 1048576");
}

void check_finite(const std::string& layer, std::span<const float> weights, std::uint32_t row) {
  const auto bad = std::find_if_not(weights.begin(), weights.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == weights.end()) return;
  throw Error(
      ErrorCode::quant_value,
      {fmt::format("layer {}, weight [{}, {}]", layer, row, bad - weights.begin()),
       fmt::format("{}", *bad), "a finite value", "Repair the weights before quantizing them."});
}

std::vector<double> column_importance(std::span<const double> weights, std::uint32_t k) {
  if (weights.empty()) {
    std::vector<double> ones(k, 1.0);
    return ones;
  }
  const auto refuse = [](std::string place, std::string found, const char* expected) {
    throw Error(ErrorCode::quant_option, {std::move(place), std::move(found), expected,
                                          "Give every column a weight, or none any."});
  };
  if (weights.size() != k)
    refuse("column weights", std::to_string(weights.size()), "one per column of the matrix");
  const auto bad = std::find_if_not(weights.begin(), weights.end(), [](double weight) {
    return std::isfinite(weight) && weight >= 0;
  });
  if (bad != weights.end())
    refuse(fmt::format("weight of column {}", bad - weights.begin()), fmt::format("{}", *bad),
           "a finite number that is not negative");
  if (std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0; }))
    refuse("column weights", "0 for every column", "a column that counts");
  return {weights.begin(), weights.end()};
}

Layer empty_layer(std::string name, Mode mode, const FloatMatrix& weights,
                  PrecisionRange precisions, std::uint32_t group_size) {
  Layer layer;
  layer.name = std::move(name);
  layer.mode = mode;
  layer.m = weights.m;
  layer.k = weights.k;
  layer.group_size = group_size;
  layer.plane_count = precisions.bits;
  layer.planes.resize(std::size_t{precisions.bits} * layer.m * layer.row_bytes());
  for (unsigned bits = precisions.first(); bits <= precisions.bits; ++bits) layer.precisions[bits];
  return layer;
}

void RowErrors::measure(std::uint32_t row, std::span<const float> weights) {
  std::vector<double> dequantized(weights.size());
  for (std::size_t i = 0; i < precisions_.size(); ++i) {
    dequantize_row(layer_, precisions_[i], row, dequantized);
    Sums sums;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const double weight = weights[k];
      const double difference = weight - dequantized[k];
      sums.error += difference * difference;
      sums.norm += weight * weight;
    }
    rows_[row * precisions_.size() + i] = sums;
  }
}

std::map<unsigned, double> RowErrors::relative() const {
  std::map<unsigned, double> errors;
  for (std::size_t i = 0; i < precisions_.size(); ++i) {
    Sums total;
    for (std::size_t at = i; at < rows_.size(); at += precisions_.size()) {
      total.error += rows_[at].error;
      total.norm += rows_[at].norm;
    }
    errors[precisions_[i]] = total.norm > 0 ? std::sqrt(total.error / total.norm) : 0.0;
  }
  return errors;
}

std::uint8_t code_of(unsigned index, unsigned bits) {
  unsigned code = 0;
  for (unsigned p = 0; p < bits; ++p) code |= ((index >> (bits - 1 - p)) & 1U) << p;
  return static_cast<std::uint8_t>(code);
}

void store_codes(Layer& layer, std::uint32_t row, std::size_t first_column,
                 std::span<const std::uint8_t> codes) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t column = first_column + i;
    for (unsigned p = 0; p < layer.plane_count; ++p) {
      const unsigned bit = (codes[i] >> p) & 1U;
      layer.planes[(std::size_t{p} * layer.m + row) * layer.row_bytes() + column / 8] |=
          static_cast<std::uint8_t>(bit << (column % 8));
    }
  }
}

Quantized quantize_rows(Layer layer, const FloatMatrix& weights, unsigned threads,
                        const std::function<void()>& row_done, const QuantizeRow& quantize_row) {
  RowErrors errors(layer, layer.served());
  for_each_row(weights.m, threads, [&](std::uint32_t row, unsigned worker) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    check_finite(layer.name, values, row);
    quantize_row(layer, row, values, worker);
    errors.measure(row, values);
    if (row_done) row_done();
  });
  std::map<unsigned, double> relative = errors.relative();
  return {std::move(layer), std::move(relative)};
}

}  // namespace bitloom
