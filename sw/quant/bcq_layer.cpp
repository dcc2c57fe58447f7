// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/bcq_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// In binary16, where a finite scale may be infinite.
void check_representable(const GroupScales& scales, std::uint32_t row, std::uint32_t group) {
  const auto finite = [](double scale) { return contract::is_finite(half_from_double(scale)); };
  if (finite(scales.beta) && std::all_of(scales.alpha.begin(), scales.alpha.end(), finite)) return;
  throw Error(ErrorCode::quant_value,
              {fmt::format("row {}, group {}", row, group), "weights that need a scale above 65504",
               "scales within binary16", "Scale the weights down."});
}

}  // namespace

Layer empty_bcq_layer(std::string name, const FloatMatrix& weights, PrecisionRange precisions,
                      std::uint32_t group_size, bool offset) {
  Layer layer = empty_layer(std::move(name), Mode::bcq, weights, precisions, group_size);
  for (auto& [bits, tables] : layer.precisions) {
    tables.alpha.resize(std::size_t{layer.m} * layer.groups() * bits);
    if (offset) tables.beta.resize(std::size_t{layer.m} * layer.groups());
  }
  return layer;
}

void store_scales(Layer& layer, unsigned bits, std::uint32_t row, std::uint32_t group,
                  const GroupScales& scales) {
  check_representable(scales, row, group);
  PrecisionTables& tables = layer.precisions.at(bits);
  const std::size_t row_group = std::size_t{row} * layer.groups() + group;
  for (unsigned p = 0; p < bits; ++p)
    tables.alpha[row_group * bits + p] = half_from_double(scales.alpha[p]);
  if (!tables.beta.empty()) tables.beta[row_group] = half_from_double(scales.beta);
}

}  // namespace bitloom
