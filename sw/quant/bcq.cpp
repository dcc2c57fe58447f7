// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/bcq.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "sw/quant/bcq_layer.hpp"
#include "sw/quant/group_expansion.hpp"
#include "sw/quant/group_fit.hpp"

namespace bitloom {
namespace {

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
  std::vector<GroupQuantizer> quantizers(worker_count(weights.m, options.threads),
                                         GroupQuantizer(options, importance));
  return quantize_rows(
      empty_bcq_layer(std::move(name), weights, options.precisions, options.group_size,
                      options.offset),
      weights, options.threads, options.row_done,
      [&](Layer& layer, std::uint32_t row, std::span<const float> values, unsigned worker) {
        for (std::uint32_t group = 0; group < layer.groups(); ++group)
          quantizers[worker].quantize(layer, row, group, values);
      });
}

}  // namespace bitloom
