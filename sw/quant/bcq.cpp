// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/bcq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/group_expansion.hpp"
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

// Bytes of different rows are distinct, so rows may be written from several threads.
void store_scales(Layer& layer, unsigned bits, std::uint32_t row, std::uint32_t group,
                  const GroupScales& scales) {
  check_representable(scales, row, group);
  PrecisionTables& tables = layer.precisions.at(bits);
  const std::size_t row_group = std::size_t{row} * layer.groups() + group;
  for (unsigned p = 0; p < bits; ++p)
    tables.alpha[row_group * bits + p] = half_from_double(scales.alpha[p]);
  if (!tables.beta.empty()) tables.beta[row_group] = half_from_double(scales.beta);
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

// Quantizes groups one after the other in the same workspace.
class GroupQuantizer {
 public:
  GroupQuantizer(const BcqOptions& options, std::span<const double> importance)
      : precisions_(options.precisions),
        importance_(importance),
        fit_(options.precisions.first(), options.offset, options.rounds),
        expansion_(options.offset, options.rounds) {}

  void quantize(Layer& layer, std::uint32_t row, std::uint32_t group,
                std::span<const float> row_weights) {
    const std::size_t begin = std::size_t{group} * layer.group_columns();
    const std::size_t count = std::min<std::size_t>(layer.group_columns(), layer.k - begin);
    const std::span<const float> weights = row_weights.subspan(begin, count);
    const std::span<const double> importance = importance_of(begin, count);
    fit_.fit(weights, importance);
    store_scales(layer, precisions_.first(), row, group, fit_.scales());
    if (precisions_.first() == precisions_.bits)
      return store_codes(layer, row, begin, fit_.codes());
    expansion_.begin(weights, importance, fit_.codes(), fit_.scales(), precisions_.first());
    for (unsigned bits = precisions_.first() + 1; bits <= precisions_.bits; ++bits) {
      expansion_.add_plane();
      store_scales(layer, bits, row, group, expansion_.scales());
    }
    store_codes(layer, row, begin, expansion_.codes());
  }

 private:
  std::span<const double> importance_of(std::size_t begin, std::size_t count) {
    const std::span<const double> importance = importance_.subspan(begin, count);
    if (std::any_of(importance.begin(), importance.end(), [](double value) { return value > 0; }))
      return importance;
    ones_.assign(count, 1.0);
    return ones_;
  }

  PrecisionRange precisions_;
  std::span<const double> importance_;  // of all columns
  std::vector<double> ones_;
  GroupFit fit_;
  GroupExpansion expansion_;
};

}  // namespace

Quantized quantize_bcq(std::string name, const FloatMatrix& weights, const BcqOptions& options) {
  check_quantizable(weights.m, weights.k, options.precisions, options.group_size);
  const std::vector<double> importance = column_importance(options.column_weights, weights.k);
  Layer layer = unquantized_layer(std::move(name), Mode::bcq, weights, options.precisions,
                                  options.group_size);
  for (auto& [bits, tables] : layer.precisions) {
    tables.alpha.resize(std::size_t{layer.m} * layer.groups() * bits);
    if (options.offset) tables.beta.resize(std::size_t{layer.m} * layer.groups());
  }
  RowErrors errors(layer, layer.served());
  std::vector<GroupQuantizer> quantizers(worker_count(weights.m, options.threads),
                                         GroupQuantizer(options, importance));

  for_each_row(weights.m, options.threads, [&](std::uint32_t row, unsigned worker) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    check_finite(values, row);
    for (std::uint32_t group = 0; group < layer.groups(); ++group)
      quantizers[worker].quantize(layer, row, group, values);
    errors.measure(row, values);
    if (options.row_done) options.row_done();
  });
  const std::map<unsigned, double> relative = errors.relative();
  return {std::move(layer), relative};
}

}  // namespace bitloom
