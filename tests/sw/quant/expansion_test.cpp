// SPDX-License-Identifier: Apache-2.0
// Layers of several precisions that share planes: what their definition promises, computed from the
// layer itself, bit by bit.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/bcq.hpp"
#include "sw/quant/codebook.hpp"
#include "tests/sw/quant/quant_test_support.hpp"

namespace {

using namespace bitloom;
using namespace quant_test;

constexpr std::uint32_t kM = 12;
constexpr std::uint32_t kK = 200;  // the last group of 64 is ragged

Quantized bcq(const std::vector<float>& weights, const BcqOptions& options) {
  return quantize_bcq("test", matrix_of(weights, kM, kK), options);
}

Quantized codebook(const std::vector<float>& weights, const CodebookOptions& options) {
  return quantize_codebook("test", matrix_of(weights, kM, kK), options);
}

/// Squared error of each (row, block of `columns`) at a precision, each column's times
/// `importance`.
std::vector<double> block_errors(const Layer& layer, unsigned bits,
                                 const std::vector<float>& weights, std::uint32_t columns,
                                 const std::vector<double>& importance) {
  std::vector<double> errors;
  for (std::uint32_t row = 0; row < layer.m; ++row) {
    for (std::uint32_t begin = 0; begin < layer.k; begin += columns) {
      double error = 0;
      for (std::uint32_t k = begin; k < std::min(layer.k, begin + columns); ++k) {
        double value = 0;
        const PrecisionTables& tables = layer.precisions.at(bits);
        if (layer.mode == Mode::bcq) {
          const std::size_t group = std::size_t{row} * layer.groups() + k / layer.group_columns();
          value = tables.beta.empty() ? 0 : to_double(tables.beta[group]);
          for (unsigned p = 0; p < bits; ++p)
            value += (layer.bit(p, row, k) ? 1 : -1) * to_double(tables.alpha[group * bits + p]);
        } else {
          std::size_t index = 0;
          for (unsigned p = 0; p < bits; ++p) index = 2 * index + (layer.bit(p, row, k) ? 1 : 0);
          value = to_double(tables.codebook[(std::size_t{row} << bits) + index]);
        }
        const double difference = weights[std::size_t{row} * layer.k + k] - value;
        error += importance[k] * difference * difference;
      }
      errors.push_back(error);
    }
  }
  return errors;
}

/// Weights of several kinds: normal ones, groups of few values, constant ones, large and tiny ones.
std::vector<float> odd_weights(std::uint64_t seed) {
  std::vector<float> weights = random_weights(kM * kK, seed);
  for (std::uint32_t k = 0; k < kK; ++k) {
    weights[1 * kK + k] = 0.25F;
    weights[2 * kK + k] = static_cast<float>(k % 3) - 1.0F;
    weights[3 * kK + k] *= 1e-7F;  // below binary16's subnormals, most of them
    weights[4 * kK + k] *= 3000.0F;
    weights[5 * kK + k] = k == 77 ? 100.0F : weights[5 * kK + k];
  }
  return weights;
}

TEST_CASE("A further plane never raises the error of any group") {
  const std::vector<double> ones(kK, 1.0);
  for (const std::uint32_t group_size : {32U, 64U, 0U}) {
    for (const bool offset : {true, false}) {
      for (const unsigned seed : {1U, 2U, 4U}) {
        const std::vector<float> weights = odd_weights(group_size + seed);
        const Quantized q = bcq(
            weights,
            {.precisions = {.seed = seed, .bits = 8}, .group_size = group_size, .offset = offset});
        REQUIRE(q.layer.plane_count == 8);
        const std::uint32_t columns = q.layer.group_columns();
        std::vector<double> before = block_errors(q.layer, seed, weights, columns, ones);
        for (unsigned bits = seed + 1; bits <= 8; ++bits) {
          const std::vector<double> now = block_errors(q.layer, bits, weights, columns, ones);
          for (std::size_t i = 0; i < now.size(); ++i) {
            CAPTURE(group_size, offset, seed, bits, i);
            REQUIRE(now[i] <= before[i]);
          }
          before = now;
        }
      }
    }
  }
}

TEST_CASE("The seed precision is that of a layer of one precision, planes included") {
  const std::vector<float> weights = random_weights(kM * kK, 11);
  const Quantized alone = bcq(weights, {.precisions = {.bits = 2}});
  const Quantized nested = bcq(weights, {.precisions = {.seed = 2, .bits = 5}});
  CHECK(nested.layer.served() == std::vector<unsigned>{2, 3, 4, 5});
  CHECK(nested.layer.precisions.at(2).alpha == alone.layer.precisions.at(2).alpha);
  CHECK(nested.layer.precisions.at(2).beta == alone.layer.precisions.at(2).beta);
  CHECK(std::equal(alone.layer.planes.begin(), alone.layer.planes.end(),
                   nested.layer.planes.begin()));
  CHECK(nested.relative_errors.at(2) == alone.relative_errors.at(2));

  const Quantized one = codebook(weights, {.precisions = {.bits = 3}});
  const Quantized several = codebook(weights, {.precisions = {.seed = 3, .bits = 6}});
  CHECK(several.layer.precisions.at(3).codebook == one.layer.precisions.at(3).codebook);
  CHECK(std::equal(one.layer.planes.begin(), one.layer.planes.end(), several.layer.planes.begin()));
}

TEST_CASE("Expansion costs little against quantizing each precision on its own") {
  const std::vector<float> weights = random_weights(kM * kK, 12);
  const Quantized nested = bcq(weights, {.precisions = {.seed = 2, .bits = 4}});
  for (unsigned bits = 3; bits <= 4; ++bits) {
    const double alone = bcq(weights, {.precisions = {.bits = bits}}).relative_error();
    CAPTURE(bits);
    CHECK(nested.relative_errors.at(bits) >= 0.98 * alone);
    CHECK(nested.relative_errors.at(bits) <= 1.25 * alone);
  }
}

TEST_CASE("With the planes given, no scales are better than those of a precision") {
  // Random changes of a group's scales: none lowers the error by more than rounding accounts for.
  const std::vector<float> weights = random_weights(kM * kK, 13);
  const std::vector<double> ones(kK, 1.0);
  Quantized q = bcq(weights, {.precisions = {.seed = 2, .bits = 4}, .group_size = 64});
  const std::vector<double> errors = block_errors(q.layer, 4, weights, 64, ones);
  for (std::size_t at = 0; at < q.layer.precisions.at(4).alpha.size(); ++at) {
    for (const double factor : {0.9, 0.98, 1.02, 1.1}) {
      Layer changed = q.layer;
      Half& alpha = changed.precisions.at(4).alpha[at];
      alpha = half_from_double(to_double(alpha) * factor);
      const std::vector<double> other = block_errors(changed, 4, weights, 64, ones);
      CAPTURE(at, factor);
      REQUIRE(other[at / 4] >= errors[at / 4] * (1 - 1e-3));
    }
    at += 6;  // a sample
  }
}

TEST_CASE(
    "Columns that count more get smaller errors, and those that count nothing are not heard") {
  const std::vector<float> weights = random_weights(kM * kK, 14);
  std::vector<double> importance(kK, 1.0);
  for (std::size_t k = 0; k < kK; k += 4) importance[k] = 100.0;
  const PrecisionRange precisions{.seed = 2, .bits = 4};
  for (unsigned bits = 2; bits <= 4; ++bits) {
    const auto total = [&](const Layer& layer) {
      double sum = 0;
      for (const double error : block_errors(layer, bits, weights, kK, importance)) sum += error;
      return sum;
    };
    CAPTURE(bits);
    CHECK(total(bcq(weights, {.precisions = precisions, .column_weights = importance}).layer) <
          0.9 * total(bcq(weights, {.precisions = precisions}).layer));
    CHECK(total(codebook(weights, {.precisions = precisions, .column_weights = importance}).layer) <
          0.9 * total(codebook(weights, {.precisions = precisions}).layer));
  }

  // A group of columns that do not count is fitted all the same.
  std::fill(importance.begin(), importance.begin() + 128, 0.0);
  const Quantized silent = bcq(weights, {.precisions = precisions, .column_weights = importance});
  const std::vector<double> ones(kK, 1.0);
  const Quantized plain = bcq(weights, {.precisions = precisions});
  CHECK(block_errors(silent.layer, 4, weights, 128, ones).front() ==
        block_errors(plain.layer, 4, weights, 128, ones).front());

  std::vector<float> other = weights;
  std::fill(importance.begin(), importance.end(), 1.0);
  importance[5] = 0.0;
  for (std::uint32_t row = 0; row < kM; ++row) other[row * kK + 5] += 50.0F;
  CHECK(bcq(weights, {.precisions = precisions, .column_weights = importance})
            .layer.precisions.at(4)
            .alpha == bcq(other, {.precisions = precisions, .column_weights = importance})
                          .layer.precisions.at(4)
                          .alpha);
}

TEST_CASE("Clusters are split one by one: indices are nested, and the error of no row rises") {
  const std::vector<double> ones(kK, 1.0);
  for (const unsigned seed : {1U, 2U, 3U}) {
    const std::vector<float> weights = odd_weights(40 + seed);
    const Quantized q = codebook(weights, {.precisions = {.seed = seed, .bits = 7}});
    std::vector<double> before = block_errors(q.layer, seed, weights, kK, ones);
    for (unsigned bits = seed + 1; bits <= 7; ++bits) {
      const std::vector<double> now = block_errors(q.layer, bits, weights, kK, ones);
      for (std::size_t row = 0; row < kM; ++row) {
        CAPTURE(seed, bits, row);
        REQUIRE(now[row] <= before[row]);
        const auto begin =
            q.layer.precisions.at(bits).codebook.begin() + static_cast<std::ptrdiff_t>(row << bits);
        REQUIRE(std::is_sorted(begin, begin + (1 << bits),
                               [](Half a, Half b) { return to_double(a) < to_double(b); }));
      }
      before = now;
    }
  }
}

TEST_CASE("A split is the best cut of its cluster") {
  // One row of eight weights, one cluster at first: every cut of the sorted weights is tried.
  const std::vector<float> weights = {0.0F, 0.5F, 0.75F, 1.0F, 4.0F, 4.25F, 5.0F, 8.0F};
  const Quantized q =
      quantize_codebook("test", matrix_of(weights, 1, 8), {.precisions = {.seed = 1, .bits = 2}});
  // Seed: {0 .. 1}, {4 .. 8}; then {0}, {0.5 0.75 1} and {4 4.25 5}, {8}.
  const std::vector<Half>& centroids = q.layer.precisions.at(2).codebook;
  CHECK(to_double(centroids[0]) == 0.0);
  CHECK(to_double(centroids[1]) == 0.75);
  CHECK(to_double(centroids[2]) == Approx(13.25 / 3).epsilon(1e-3));
  CHECK(to_double(centroids[3]) == 8.0);
}

TEST_CASE("Results of several precisions are the same for any number of threads") {
  const std::vector<float> weights = odd_weights(15);
  const PrecisionRange precisions{.seed = 2, .bits = 6};
  const Quantized one = bcq(weights, {.precisions = precisions, .threads = 1});
  const Quantized many = bcq(weights, {.precisions = precisions, .threads = 3});
  CHECK(one.layer.planes == many.layer.planes);
  CHECK(one.relative_errors == many.relative_errors);
  for (const auto& [bits, tables] : one.layer.precisions)
    CHECK(tables.alpha == many.layer.precisions.at(bits).alpha);
  CHECK(codebook(weights, {.precisions = precisions, .threads = 1}).layer.planes ==
        codebook(weights, {.precisions = precisions, .threads = 3}).layer.planes);
}

TEST_CASE("A seed above the highest precision is refused") {
  const std::vector<float> weights = random_weights(kM * kK, 16);
  CHECK(code_of([&] { bcq(weights, {.precisions = {.seed = 5, .bits = 4}}); }) ==
        ErrorCode::quant_option);
  CHECK(code_of([&] { codebook(weights, {.precisions = {.seed = 5, .bits = 4}}); }) ==
        ErrorCode::quant_option);
  CHECK(code_of([&] { bcq(weights, {.column_weights = {1.0, 2.0}}); }) == ErrorCode::quant_option);
}

}  // namespace
