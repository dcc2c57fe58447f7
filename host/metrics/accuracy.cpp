// SPDX-License-Identifier: Apache-2.0
#include "host/metrics/accuracy.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "sw/contract/half_value.hpp"

namespace bitloom {

std::vector<double> float_outputs(const FloatMatrix& weights, const Activations& acts) {
  std::vector<double> x(acts.x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = to_double(acts.x[i]);
  std::vector<double> y(std::size_t{acts.tokens} * weights.m);
  for_each_row(weights.m, 0, [&](std::uint32_t row, unsigned) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    for (std::uint32_t token = 0; token < acts.tokens; ++token) {
      const double* token_x = &x[std::size_t{token} * acts.k];
      double sum = 0;
      for (std::uint32_t i = 0; i < weights.k; ++i) sum += values[i] * token_x[i];
      y[std::size_t{token} * weights.m + row] = sum;
    }
  });
  return y;
}

std::vector<double> output_values(const Outputs& outputs) {
  std::vector<double> values;
  values.reserve(outputs.bits.size());
  for (const std::uint32_t bits : outputs.bits)
    values.push_back(outputs.format == OutputFormat::binary32
                         ? static_cast<double>(std::bit_cast<float>(bits))
                         : to_double(Half{static_cast<std::uint16_t>(bits)}));
  return values;
}

double signal_to_noise_db(std::span<const double> expected, std::span<const double> found) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(expected[i]) || !std::isfinite(found[i])) continue;
    const double difference = expected[i] - found[i];
    signal += expected[i] * expected[i];
    noise += difference * difference;
  }
  if (signal == 0) return std::numeric_limits<double>::quiet_NaN();
  return 10 * std::log10(signal / noise);
}

}  // namespace bitloom
