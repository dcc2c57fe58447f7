// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/uniform.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "sw/contract/half_value.hpp"
#include "sw/quant/bcq_layer.hpp"

namespace bitloom {
namespace {

// Scales of 2^bits levels from the least weight to the largest. A level is beta + sum of +/-alpha_i
// with alpha_i = step / 2 * 2^(bits-1-i): the smallest scale is rounded, and the others are exact
// multiples of it.
GroupScales uniform_scales(std::span<const float> weights, unsigned bits) {
  const auto [least, largest] = std::minmax_element(weights.begin(), weights.end());
  const double range = static_cast<double>(*largest) - *least;
  const auto levels = static_cast<double>((1U << bits) - 1);
  GroupScales scales;
  scales.beta = to_double(half_from_double(0.5 * (static_cast<double>(*largest) + *least)));
  scales.alpha[bits - 1] = to_double(half_from_double(range / levels / 2));
  for (unsigned i = bits - 1; i-- > 0;) scales.alpha[i] = 2 * scales.alpha[i + 1];
  return scales;
}

// The nearest level's code.
std::uint8_t nearest_code(double weight, const GroupScales& scales, unsigned bits) {
  const double step = 2 * scales.alpha[bits - 1];
  const auto most = static_cast<double>((1U << bits) - 1);
  const double place = step > 0 ? (weight - scales.beta) / step + most / 2 : 0.0;
  const auto level = static_cast<unsigned>(std::clamp(std::floor(place + 0.5), 0.0, most));
  return code_of(level, bits);
}

}  // namespace

Quantized quantize_uniform(std::string name, const FloatMatrix& weights,
                           const UniformOptions& options) {
  const PrecisionRange precisions{.bits = options.bits};
  check_quantizable(weights.m, weights.k, precisions, options.group_size);
  return quantize_rows(
      empty_bcq_layer(std::move(name), weights, precisions, options.group_size, true), weights,
      options.threads, options.row_done,
      [bits = options.bits](Layer& layer, std::uint32_t row, std::span<const float> values,
                            unsigned) {
        std::vector<std::uint8_t> codes(layer.group_columns());
        for (std::uint32_t group = 0; group < layer.groups(); ++group) {
          const std::size_t begin = std::size_t{group} * layer.group_columns();
          const std::span<const float> own =
              values.subspan(begin, std::min<std::size_t>(layer.group_columns(), layer.k - begin));
          const GroupScales scales = uniform_scales(own, bits);
          codes.clear();
          for (const float weight : own) codes.push_back(nearest_code(weight, scales, bits));
          store_scales(layer, bits, row, group, scales);
          store_codes(layer, row, begin, codes);
        }
      });
}

}  // namespace bitloom
