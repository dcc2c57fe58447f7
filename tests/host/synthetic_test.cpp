// SPDX-License-Identifier: Apache-2.0
// Synthetic data: the statistics that docs/synthetic.md promises, and the same bits everywhere.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "host/synthetic/random.hpp"
#include "host/synthetic/synthetic.hpp"
#include "sw/contract/half_value.hpp"

namespace {

using namespace bitloom;

struct Moments {
  double mean = 0;
  double deviation = 0;
  double kurtosis = 0;  ///< 3 for a normal distribution
};

template <class Values>
Moments moments_of(const Values& values) {
  const auto count = static_cast<double>(values.size());
  Moments m;
  for (const auto value : values) m.mean += value / count;
  double second = 0;
  double fourth = 0;
  for (const auto value : values) {
    const double square = (value - m.mean) * (value - m.mean);
    second += square / count;
    fourth += square * square / count;
  }
  m.deviation = std::sqrt(second);
  m.kurtosis = fourth / (second * second);
  return m;
}

TEST_CASE("The generator is SplitMix64") {
  // First outputs for the seeds 0 and 1234567, as published with the algorithm.
  SplitMix64 zero(0);
  CHECK(zero.next() == 0xE220A8397B1DCDAFU);
  CHECK(zero.next() == 0x6E789E6AA1B965F4U);
  SplitMix64 other(1234567);
  CHECK(other.next() == 6457827717110365317U);
  CHECK(other.next() == 3203168211198807973U);
}

TEST_CASE("The logarithm agrees with the library's to two units in the last place") {
  for (double x = 1e-300; x < 1e300; x *= 1.7)
    CHECK(std::abs(fixed_log(x) - std::log(x)) <= 0x1p-51 * std::max(1.0, std::abs(std::log(x))));
  for (double x = 0.5; x < 1.5; x += 0x1p-9) CHECK(std::abs(fixed_log(x) - std::log(x)) <= 0x1p-52);
}

TEST_CASE("Normal values have the moments of the normal distribution") {
  NormalStream normal(7);
  std::vector<double> values(1 << 20);
  for (double& value : values) value = normal.next();
  const Moments m = moments_of(values);
  CHECK(std::abs(m.mean) < 0.005);
  CHECK(std::abs(m.deviation - 1) < 0.005);
  CHECK(std::abs(m.kurtosis - 3) < 0.03);
  const auto beyond =
      std::count_if(values.begin(), values.end(), [](double value) { return std::abs(value) > 3; });
  CHECK(static_cast<double>(beyond) / (1 << 20) == Approx(0.0027).epsilon(0.1));
}

TEST_CASE("Weights have per-row scales and slightly heavy tails within a row") {
  constexpr std::uint32_t kM = 256;
  constexpr std::uint32_t kK = 4096;
  const FloatMatrix weights = synthetic_weights("llama7b.q_proj", kM, kK, 1);
  std::vector<double> deviations;
  double kurtosis = 0;
  for (std::uint32_t row = 0; row < kM; ++row) {
    std::vector<float> values(kK);
    weights.read_row(row, values);
    const Moments m = moments_of(values);
    deviations.push_back(m.deviation * std::sqrt(static_cast<double>(kK)));
    kurtosis += m.kurtosis / kM;
  }
  // Mixture: E z^4 / (E z^2)^2 = 3 * (63/64 + 16/64) / (63/64 + 4/64)^2 = 3.379.
  CHECK(kurtosis == Approx(3.379).margin(0.03));
  const auto [low, high] = std::minmax_element(deviations.begin(), deviations.end());
  CHECK(*low > 0.45);
  CHECK(*low < 0.6);
  CHECK(*high > 1.4);
  CHECK(*high < 1.65);
}

TEST_CASE("About one channel in a thousand is an outlier channel, for every token") {
  constexpr std::uint32_t kTokens = 64;
  for (const std::uint32_t k : {768U, 4096U, 11008U}) {
    const Activations acts = synthetic_activations("layer", k, kTokens, 3);
    std::vector<double> rms(k, 0.0);
    for (std::uint32_t token = 0; token < kTokens; ++token)
      for (std::uint32_t i = 0; i < k; ++i) {
        const double x = to_double(acts.x[std::size_t{token} * k + i]);
        rms[i] += x * x / kTokens;
      }
    std::vector<double> sorted = rms;
    std::nth_element(sorted.begin(), sorted.begin() + k / 2, sorted.end());
    const double median = std::sqrt(sorted[k / 2]);
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = 0; i < k; ++i)
      if (std::sqrt(rms[i]) > 6 * median) found.push_back(i);
    CAPTURE(k);
    CHECK(found == outlier_channels("layer", k, 3));
    CHECK(found.size() == std::max<std::size_t>(1, (k + 512) / 1024));
  }
}

TEST_CASE("Outlier channels make activations far heavier-tailed than a normal distribution") {
  constexpr std::uint32_t kK = 4096;
  const Activations acts = synthetic_activations("layer", kK, 64, 3);
  const std::vector<std::uint32_t> outliers = outlier_channels("layer", kK, 3);
  std::vector<double> all;
  std::vector<double> ordinary;
  for (std::size_t i = 0; i < acts.x.size(); ++i) {
    const double x = to_double(acts.x[i]);
    all.push_back(x);
    if (!std::binary_search(outliers.begin(), outliers.end(), i % kK)) ordinary.push_back(x);
  }
  CHECK(moments_of(all).kurtosis > 200);
  // Uniform gains in [0.5, 1.5]: 3 * E g^4 / (E g^2)^2 = 3 * 1.5125 / 1.08333^2 = 3.866.
  CHECK(moments_of(ordinary).kurtosis == Approx(3.866).margin(0.1));
}

TEST_CASE("A seed gives the same bits, another seed or name others") {
  const auto x = [](const char* name, std::uint64_t seed) {
    return synthetic_activations(name, 256, 2, seed).x;
  };
  CHECK(x("a", 1) == x("a", 1));
  CHECK(x("a", 1) != x("a", 2));
  CHECK(x("a", 1) != x("b", 1));
  std::vector<float> row(64);
  std::vector<float> again(64);
  const FloatMatrix weights = synthetic_weights("a", 4, 64, 1);
  weights.read_row(3, row);
  weights.read_row(2, again);
  CHECK(row != again);
  weights.read_row(3, again);
  CHECK(row == again);
}

}  // namespace
