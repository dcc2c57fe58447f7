// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/bcq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/group_fit.hpp"

namespace bitloom {
namespace {

void check_representable(const GroupScales& scales, std::uint32_t row, std::uint32_t group) {
  const bool finite =
      std::isfinite(scales.beta) && std::all_of(scales.alpha.begin(), scales.alpha.end(),
                                                [](double alpha) { return std::isfinite(alpha); });
  if (finite) return;
  throw Error(ErrorCode::quant_value,
              {fmt::format("row {}, group {}", row, group), "weights that need a scale above 65504",
               "scales within binary16", "Scale the weights down."});
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

}  // namespace

Quantized quantize_bcq(std::string name, const FloatMatrix& weights, const BcqOptions& options) {
  check_quantizable(weights.m, weights.k, options.bits, options.group_size);
  Layer layer =
      unquantized_layer(std::move(name), Mode::bcq, weights, options.bits, options.group_size);
  PrecisionTables& tables = layer.precisions.at(options.bits);
  tables.alpha.resize(std::size_t{layer.m} * layer.groups() * options.bits);
  if (options.offset) tables.beta.resize(std::size_t{layer.m} * layer.groups());
  RowErrors errors(weights.m);
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
    errors.measure(layer, options.bits, row, values);
    if (options.row_done) options.row_done();
  });
  return {std::move(layer), errors.relative()};
}

}  // namespace bitloom
