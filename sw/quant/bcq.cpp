// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/bcq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/group_fit.hpp"

namespace bitloom {
void check_quantizable(std::uint32_t m, std::uint32_t k, const BcqOptions& options) {
  const auto refuse = [](const char* place, std::uint32_t found, const char* expected) {
    throw Error(ErrorCode::quant_option,
                {place, std::to_string(found), expected, "Quantize with a value of the contract."});
  };
  if (options.bits < 1 || options.bits > kMaxBits) refuse("precision", options.bits, "1 to 8");
  constexpr std::array kGroupSizes = {0U, 32U, 64U, 128U, 256U};
  if (std::find(kGroupSizes.begin(), kGroupSizes.end(), options.group_size) == kGroupSizes.end())
    refuse("group size", options.group_size, "32, 64, 128, 256 or 0 (one group per row)");
  if (m == 0) refuse("rows of the weight matrix", m, "at least 1");
  if (k == 0 || k > kMaxColumns) refuse("columns of the weight matrix", k, "1 to 1048576");
}

namespace {

void check_finite(std::span<const float> values, std::uint32_t row) {
  const auto bad = std::find_if_not(values.begin(), values.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == values.end()) return;
  throw Error(ErrorCode::quant_value,
              {fmt::format("weight [{}, {}]", row, bad - values.begin()), fmt::format("{}", *bad),
               "a finite value", "Repair the weights before quantizing them."});
}

void check_representable(const GroupScales& scales, std::uint32_t row, std::uint32_t group) {
  const bool finite =
      std::isfinite(scales.beta) && std::all_of(scales.alpha.begin(), scales.alpha.end(),
                                                [](double alpha) { return std::isfinite(alpha); });
  if (finite) return;
  throw Error(ErrorCode::quant_value,
              {fmt::format("row {}, group {}", row, group), "weights that need a scale above 65504",
               "scales within binary16", "Scale the weights down."});
}

Layer empty_layer(std::string name, const FloatMatrix& weights, const BcqOptions& options) {
  Layer layer;
  layer.name = std::move(name);
  layer.m = weights.m;
  layer.k = weights.k;
  layer.group_size = options.group_size;
  layer.plane_count = options.bits;
  layer.planes.resize(std::size_t{options.bits} * layer.m * layer.row_bytes());
  PrecisionTables& tables = layer.precisions[options.bits];
  tables.alpha.resize(std::size_t{layer.m} * layer.groups() * options.bits);
  if (options.offset) tables.beta.resize(std::size_t{layer.m} * layer.groups());
  return layer;
}

// Writes one fitted group into the layer. Bytes of different rows are distinct, so rows may be
// written from several threads.
void store_group(Layer& layer, unsigned bits, std::uint32_t row, std::uint32_t group,
                 const GroupFit& fit) {
  PrecisionTables& tables = layer.precisions.at(bits);
  const std::size_t row_group = std::size_t{row} * layer.groups() + group;
  for (unsigned p = 0; p < bits; ++p)
    tables.alpha[row_group * bits + p] = half_from_double(fit.scales().alpha[p]);
  if (!tables.beta.empty()) tables.beta[row_group] = half_from_double(fit.scales().beta);

  const std::size_t first_column = std::size_t{group} * layer.group_columns();
  for (std::size_t i = 0; i < fit.codes().size(); ++i) {
    const std::size_t column = first_column + i;
    for (unsigned p = 0; p < bits; ++p) {
      const unsigned bit = (fit.codes()[i] >> p) & 1U;
      layer.planes[(std::size_t{p} * layer.m + row) * layer.row_bytes() + column / 8] |=
          static_cast<std::uint8_t>(bit << (column % 8));
    }
  }
}

struct RowError {
  double error = 0;  ///< sum of squared errors
  double norm = 0;   ///< sum of squared weights
};

RowError row_error(std::span<const float> weights, std::span<const double> dequantized) {
  RowError sums;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i];
    const double difference = weight - dequantized[i];
    sums.error += difference * difference;
    sums.norm += weight * weight;
  }
  return sums;
}

// Summed in row order, so that the result does not depend on the number of threads.
double relative_error(const std::vector<RowError>& rows) {
  RowError total;
  for (const RowError& row : rows) {
    total.error += row.error;
    total.norm += row.norm;
  }
  return total.norm > 0 ? std::sqrt(total.error / total.norm) : 0.0;
}

}  // namespace

void dequantize_row(const Layer& layer, unsigned bits, std::uint32_t row, std::span<double> out) {
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

double relative_error(const FloatMatrix& weights, const Layer& layer, unsigned bits) {
  std::vector<RowError> rows(weights.m);
  for_each_row(weights.m, 0, [&](std::uint32_t row, unsigned) {
    std::vector<float> values(weights.k);
    std::vector<double> dequantized(weights.k);
    weights.read_row(row, values);
    dequantize_row(layer, bits, row, dequantized);
    rows[row] = row_error(values, dequantized);
  });
  return relative_error(rows);
}

Quantized quantize_bcq(std::string name, const FloatMatrix& weights, const BcqOptions& options) {
  check_quantizable(weights.m, weights.k, options);
  Layer layer = empty_layer(std::move(name), weights, options);
  std::vector<RowError> errors(weights.m);
  std::vector<GroupFit> fits(worker_count(weights.m, options.threads),
                             GroupFit(options.bits, options.offset, options.rounds));

  for_each_row(weights.m, options.threads, [&](std::uint32_t row, unsigned worker) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    check_finite(values, row);
    GroupFit& fit = fits[worker];
    for (std::uint32_t group = 0; group < layer.groups(); ++group) {
      const std::size_t begin = std::size_t{group} * layer.group_columns();
      const std::size_t count = std::min<std::size_t>(layer.group_columns(), layer.k - begin);
      fit.fit(std::span(values).subspan(begin, count));
      check_representable(fit.scales(), row, group);
      store_group(layer, options.bits, row, group, fit);
    }
    std::vector<double> dequantized(weights.k);
    dequantize_row(layer, options.bits, row, dequantized);
    errors[row] = row_error(values, dequantized);
    if (options.row_done) options.row_done();
  });
  return {std::move(layer), relative_error(errors)};
}

}  // namespace bitloom
