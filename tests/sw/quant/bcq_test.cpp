// SPDX-License-Identifier: Apache-2.0
// The BCQ quantizer against properties of BCQ and against solvers that share no code with it.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/bcq.hpp"
#include "tests/sw/quant/quant_test_support.hpp"

namespace {

using namespace bitloom;
using namespace quant_test;

Quantized quantize(const std::vector<float>& weights, std::uint32_t m, std::uint32_t k,
                   const BcqOptions& options) {
  return quantize_bcq("test", matrix_of(weights, m, k), options);
}

// Least squares over the columns of `basis` (each `rows` long) by Gram-Schmidt in long double; the
// squared distance of `target` from their span.
long double distance_squared(std::vector<std::vector<long double>> basis,
                             std::vector<long double> target) {
  const auto dot = [](const auto& a, const auto& b) {
    long double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  const auto remove = [&dot](auto& from, const auto& unit) {
    const long double share = dot(from, unit);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] -= share * unit[i];
  };
  for (std::size_t j = 0; j < basis.size(); ++j) {
    const long double length = std::sqrt(dot(basis[j], basis[j]));
    if (length < 1e-9L) continue;
    for (long double& value : basis[j]) value /= length;
    for (std::size_t later = j + 1; later < basis.size(); ++later) remove(basis[later], basis[j]);
    remove(target, basis[j]);
  }
  return dot(target, target);
}

// The best squared error over all sign patterns: exponential, for tiny groups only.
double brute_force_error(const std::vector<float>& weights, unsigned bits, bool offset) {
  const std::size_t n = weights.size();
  const std::vector<long double> target(weights.begin(), weights.end());
  long double best = std::numeric_limits<long double>::infinity();
  for (std::uint64_t pattern = 0; pattern < (1ULL << (n * bits)); ++pattern) {
    std::vector<std::vector<long double>> basis;
    if (offset) basis.emplace_back(n, 1.0L);
    for (unsigned p = 0; p < bits; ++p) {
      std::vector<long double>& plane = basis.emplace_back(n);
      for (std::size_t i = 0; i < n; ++i) plane[i] = ((pattern >> (p * n + i)) & 1U) ? 1.0L : -1.0L;
    }
    best = std::min(best, distance_squared(basis, target));
  }
  return static_cast<double>(best);
}

// Greedy BCQ as it is written in the literature, with no refinement and no rounding.
double greedy_error(const std::vector<float>& weights, unsigned bits, bool offset) {
  std::vector<double> residual(weights.begin(), weights.end());
  if (offset) {
    double mean = 0;
    for (const double r : residual) mean += r / static_cast<double>(residual.size());
    for (double& r : residual) r -= mean;
  }
  for (unsigned p = 0; p < bits; ++p) {
    double alpha = 0;
    for (const double r : residual) alpha += std::abs(r) / static_cast<double>(residual.size());
    for (double& r : residual) r = r >= 0 ? r - alpha : r + alpha;
  }
  double sum = 0;
  for (const double r : residual) sum += r * r;
  return sum;
}

double norm_squared(const std::vector<float>& weights) {
  double sum = 0;
  for (const float w : weights) sum += static_cast<double>(w) * w;
  return sum;
}

TEST_CASE("A conversion to binary16 rounds to nearest even, keeps subnormals and overflows") {
  CHECK(half_from_double(1.0).bits == 0x3C00);
  CHECK(half_from_double(-2.0).bits == 0xC000);
  CHECK(half_from_double(65504.0).bits == 0x7BFF);
  CHECK(half_from_double(65519.9).bits == 0x7BFF);
  CHECK(half_from_double(65520.0).bits == 0x7C00);
  CHECK(half_from_double(1.0 + 0x1p-11).bits == 0x3C00);
  CHECK(half_from_double(1.0 + 3 * 0x1p-11).bits == 0x3C02);
  CHECK(half_from_double(2.0 - 0x1p-12).bits == 0x4000);
  CHECK(half_from_double(0x1p-24).bits == 0x0001);
  CHECK(half_from_double(0x1p-25).bits == 0x0000);
  CHECK(half_from_double(0x1p-14 - 0x1p-26).bits == 0x0400);
  CHECK(half_from_double(-0.0).bits == 0x8000);
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const Half value{static_cast<std::uint16_t>(bits)};
    REQUIRE(half_from_double(to_double(value)) == value);
  }
}

TEST_CASE("The error is never above that of unrefined greedy quantization") {
  for (const bool offset : {true, false}) {
    for (unsigned bits = 1; bits <= kMaxBits; ++bits) {
      const std::vector<float> weights = random_weights(128, 100 + bits);
      const Quantized q =
          quantize(weights, 1, 128, {.precisions = {.bits = bits}, .offset = offset});
      const double allowed = std::sqrt(greedy_error(weights, bits, offset) / norm_squared(weights));
      CAPTURE(bits, offset);
      CHECK(q.relative_error() <= allowed + kHalfStep);
      const Quantized start =
          quantize(weights, 1, 128, {.precisions = {.bits = bits}, .offset = offset, .rounds = 0});
      CHECK(q.relative_error() <= start.relative_error());
    }
  }
}

TEST_CASE("Refinement lowers the error of two bits and more") {
  for (unsigned bits = 2; bits <= 4; ++bits) {
    const std::vector<float> weights = random_weights(64 * 128, 7);
    const double refined =
        quantize(weights, 64, 128, {.precisions = {.bits = bits}}).relative_error();
    const double start =
        quantize(weights, 64, 128, {.precisions = {.bits = bits}, .rounds = 0}).relative_error();
    CAPTURE(bits);
    CHECK(refined < 0.97 * start);
  }
}

TEST_CASE("A matrix that BCQ can represent is recovered exactly") {
  // Well separated levels, so that the greedy start already has the right codes.
  for (unsigned bits = 1; bits <= 5; ++bits) {
    std::mt19937_64 random(bits);
    std::vector<float> weights(128);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      // Every code occurs equally often, so the offset is the mean and each alpha the mean
      // residual.
      float value = 0.25F;
      for (unsigned p = 0; p < bits; ++p)
        value += ((i >> p) & 1U) ? std::ldexp(1.0F, -static_cast<int>(p))
                                 : -std::ldexp(1.0F, -static_cast<int>(p));
      weights[i] = value;
    }
    std::shuffle(weights.begin(), weights.end(), random);
    const Quantized q = quantize(weights, 1, 128, {.precisions = {.bits = bits}});
    CAPTURE(bits);
    CHECK(q.relative_error() == 0.0);
    CHECK(to_double(q.layer.precisions.at(bits).beta[0]) == 0.25);
    CHECK(to_double(q.layer.precisions.at(bits).alpha[0]) == 1.0);
  }
}

TEST_CASE("The error falls with every bit") {
  const std::vector<float> weights = random_weights(32 * 256, 3);
  double previous = 1.0;
  for (unsigned bits = 1; bits <= kMaxBits; ++bits) {
    const double error =
        quantize(weights, 32, 256, {.precisions = {.bits = bits}}).relative_error();
    CAPTURE(bits);
    CHECK(error < 0.75 * previous);
    previous = error;
  }
}

TEST_CASE("One symmetric bit is the sign and the mean magnitude") {
  const std::vector<float> weights = random_weights(32, 11);
  const Quantized q =
      quantize(weights, 1, 32, {.precisions = {.bits = 1}, .group_size = 32, .offset = false});
  double magnitude = 0;
  for (const float w : weights) magnitude += std::abs(w) / 32.0;
  CHECK(q.layer.precisions.at(1).alpha[0] == half_from_double(magnitude));
  CHECK(q.layer.precisions.at(1).beta.empty());
  for (std::uint32_t i = 0; i < 32; ++i) CHECK(q.layer.bit(0, 0, i) == (weights[i] >= 0));
}

TEST_CASE("Tiny groups reach the exhaustive optimum in most cases and never go below it") {
  unsigned optimal = 0;
  constexpr unsigned kCases = 40;
  for (unsigned trial = 0; trial < kCases; ++trial) {
    const bool offset = trial % 2 == 0;
    const std::vector<float> weights = random_weights(6, 1000 + trial);
    const double best = std::sqrt(brute_force_error(weights, 2, offset) / norm_squared(weights));
    const double found =
        quantize(weights, 1, 6, {.precisions = {.bits = 2}, .group_size = 32, .offset = offset})
            .relative_error();
    CAPTURE(trial, best, found);
    CHECK(found >= best - 1e-9);
    if (found <= best + 4 * kHalfStep) ++optimal;
  }
  CHECK(optimal >= kCases / 3);
}

TEST_CASE("At the end the scales are the least-squares scales of the planes") {
  for (unsigned bits = 1; bits <= kMaxBits; ++bits) {
    const std::vector<float> weights = random_weights(128, 40 + bits);
    const Quantized q = quantize(weights, 1, 128, {.precisions = {.bits = bits}, .rounds = 1000});
    std::vector<std::vector<long double>> basis = {std::vector<long double>(128, 1.0L)};
    for (unsigned p = 0; p < bits; ++p) {
      std::vector<long double>& plane = basis.emplace_back(128);
      for (std::uint32_t i = 0; i < 128; ++i) plane[i] = q.layer.bit(p, 0, i) ? 1.0L : -1.0L;
    }
    const auto distance = static_cast<double>(
        distance_squared(basis, std::vector<long double>(weights.begin(), weights.end())));
    const double best = std::sqrt(distance / norm_squared(weights));
    CAPTURE(bits, best);
    CHECK(q.relative_error() >= best - 1e-9);
    CHECK(q.relative_error() <= best + kHalfStep);
  }
}

TEST_CASE("Every weight has its nearest level") {
  const std::vector<float> weights = random_weights(128, 77);
  const Quantized q = quantize(weights, 1, 128, {.precisions = {.bits = 3}});
  const PrecisionTables& tables = q.layer.precisions.at(3);
  std::vector<double> dequantized(128);
  dequantize_row(q.layer, 3, 0, dequantized);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    double nearest = std::numeric_limits<double>::infinity();
    for (unsigned code = 0; code < 8; ++code) {
      double level = to_double(tables.beta[0]);
      for (unsigned p = 0; p < 3; ++p)
        level += ((code >> p) & 1U) ? to_double(tables.alpha[p]) : -to_double(tables.alpha[p]);
      nearest = std::min(nearest, std::abs(weights[i] - level));
    }
    CHECK(std::abs(weights[i] - dequantized[i]) == Approx(nearest).margin(1e-12));
  }
}

TEST_CASE("Ragged columns, whole-row groups and all group sizes keep the layer's shape") {
  constexpr std::uint32_t kM = 3;
  constexpr std::uint32_t kK = 172;
  const std::vector<float> weights = random_weights(kM * kK, 5);
  for (const std::uint32_t group_size : {0U, 32U, 64U, 128U, 256U}) {
    const Quantized q =
        quantize(weights, kM, kK, {.precisions = {.bits = 2}, .group_size = group_size});
    CAPTURE(group_size);
    const std::uint32_t groups = group_size == 0 ? 1 : (kK + group_size - 1) / group_size;
    CHECK(q.layer.groups() == groups);
    CHECK(q.layer.planes.size() == 2 * kM * 22);
    CHECK(q.layer.precisions.at(2).alpha.size() == kM * groups * 2);
    CHECK(q.layer.precisions.at(2).beta.size() == kM * groups);
    CHECK(q.relative_error() < 0.5);
    CHECK(relative_error(matrix_of(weights, kM, kK), q.layer, 2) == q.relative_error());
    // Columns 172..175 of the last byte do not exist: written 0.
    for (std::size_t byte = 21; byte < q.layer.planes.size(); byte += 22)
      CHECK((q.layer.planes[byte] & 0xF0) == 0);
  }
}

TEST_CASE("A ragged last group is fitted to its own columns only") {
  std::vector<float> weights = random_weights(160, 6);
  const std::vector<float> tail(weights.begin() + 128, weights.end());
  const Quantized whole = quantize(weights, 1, 160, {.precisions = {.bits = 3}});
  const Quantized alone = quantize(tail, 1, 32, {.precisions = {.bits = 3}});
  const auto& alphas = whole.layer.precisions.at(3).alpha;
  CHECK(std::vector<Half>(alphas.begin() + 3, alphas.end()) == alone.layer.precisions.at(3).alpha);
}

TEST_CASE("Constant, zero and two-valued groups are exact at any precision") {
  for (unsigned bits = 1; bits <= kMaxBits; ++bits) {
    CAPTURE(bits);
    CHECK(quantize(std::vector<float>(128, 0.0F), 1, 128, {.precisions = {.bits = bits}})
              .relative_error() == 0.0);
    CHECK(quantize(std::vector<float>(128, 0.75F), 1, 128, {.precisions = {.bits = bits}})
              .relative_error() == 0.0);
    std::vector<float> two(128, -1.0F);
    for (std::size_t i = 0; i < 40; ++i) two[3 * i] = 2.0F;
    CHECK(quantize(two, 1, 128, {.precisions = {.bits = bits}}).relative_error() == 0.0);
  }
}

TEST_CASE("The result does not depend on the number of threads") {
  const std::vector<float> weights = random_weights(50 * 300, 9);
  const Quantized one = quantize(weights, 50, 300, {.precisions = {.bits = 3}, .threads = 1});
  for (const unsigned threads : {2U, 5U, 64U}) {
    const Quantized many =
        quantize(weights, 50, 300, {.precisions = {.bits = 3}, .threads = threads});
    CHECK(many.layer.planes == one.layer.planes);
    CHECK(many.layer.precisions.at(3).alpha == one.layer.precisions.at(3).alpha);
    CHECK(many.layer.precisions.at(3).beta == one.layer.precisions.at(3).beta);
    CHECK(many.relative_error() == one.relative_error());
  }
}

TEST_CASE("Weights that binary16 scales cannot serve are refused by position") {
  std::vector<float> weights = random_weights(2 * 128, 1);
  weights[130] = std::numeric_limits<float>::quiet_NaN();
  try {
    quantize(weights, 2, 128, {});
    FAIL("a NaN was accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::quant_value);
    CHECK(error.parts().place == "layer test, weight [1, 2]");
  }
  weights[130] = 1e9F;
  weights[131] = -1e9F;
  CHECK(code_of([&] { quantize(weights, 2, 128, {}); }) == ErrorCode::quant_value);
}

TEST_CASE("Options outside the contract are refused") {
  const std::vector<float> weights = random_weights(128, 1);
  CHECK(code_of([&] { quantize(weights, 1, 128, {.precisions = {.bits = 0}}); }) ==
        ErrorCode::quant_option);
  CHECK(code_of([&] { quantize(weights, 1, 128, {.precisions = {.bits = 9}}); }) ==
        ErrorCode::quant_option);
  CHECK(code_of([&] { quantize(weights, 1, 128, {.group_size = 48}); }) == ErrorCode::quant_option);
  CHECK(code_of([&] { quantize({}, 0, 128, {}); }) == ErrorCode::quant_option);
  CHECK(code_of([&] { quantize({}, 1, kMaxColumns + 1, {}); }) == ErrorCode::quant_option);
}

}  // namespace
