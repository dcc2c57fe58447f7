// SPDX-License-Identifier: Apache-2.0
// The codebook quantizer: what its layers promise, by hand or against plain searches.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "sw/contract/half_value.hpp"
#include "sw/quant/bcq.hpp"
#include "sw/quant/codebook.hpp"
#include "tests/sw/quant/quant_test_support.hpp"

namespace {

using namespace bitloom;
using namespace quant_test;

Quantized quantize(const std::vector<float>& weights, std::uint32_t m, std::uint32_t k,
                   const CodebookOptions& options) {
  return quantize_codebook("test", matrix_of(weights, m, k), options);
}

std::vector<double> centroids(const Quantized& q, unsigned bits, std::uint32_t row = 0) {
  std::vector<double> values;
  for (unsigned i = 0; i < (1U << bits); ++i)
    values.push_back(to_double(q.layer.precisions.at(bits).codebook[(row << bits) + i]));
  return values;
}

// The index of a weight, plane 0 as its most significant bit, from the bytes of the format.
unsigned index_of(const Layer& layer, unsigned bits, std::uint32_t row, std::uint32_t column) {
  unsigned index = 0;
  for (unsigned p = 0; p < bits; ++p) {
    const std::size_t row_bytes = (layer.k + 7) / 8;
    const std::uint8_t byte = layer.planes[(p * layer.m + row) * row_bytes + column / 8];
    index += ((byte >> (column % 8)) & 1U) << (bits - 1 - p);
  }
  return index;
}

TEST_CASE("Two bits: centroids ascend, plane 0 is the high bit of the index") {
  // Clusters {-4}, {-1, -1}, {0.5, 1}, {8, 9, 10} of least error.
  const std::vector<float> weights = {9, -1, 0.5, -4, 10, 1, -1, 8};
  const Quantized q = quantize(weights, 1, 8, {.precisions = {.bits = 2}});
  CHECK(q.layer.mode == Mode::codebook);
  CHECK(q.layer.plane_count == 2);
  CHECK(q.layer.precisions.at(2).alpha.empty());
  CHECK(centroids(q, 2) == std::vector<double>{-4, -1, 0.75, 9});
  // Indices 3 1 2 0 3 2 1 3; the first column is the lowest bit of a byte.
  CHECK(q.layer.planes == std::vector<std::uint8_t>{0b10110101, 0b11010011});
  std::vector<double> row(8);
  dequantize_row(q.layer, 2, 0, row);
  CHECK(row == std::vector<double>{9, -1, 0.75, -4, 9, 0.75, -1, 9});
  // Squared errors 2 of 8, 9, 10 and 0.125 of 0.5, 1; squares of the weights 264.25 in all.
  CHECK(q.relative_error() == Approx(std::sqrt(2.125 / 264.25)));
  CHECK(relative_error(matrix_of(weights, 1, 8), q.layer, 2) == q.relative_error());
}

TEST_CASE("Every weight has the nearest of its row's rounded centroids, the upper one on a tie") {
  for (unsigned bits = 1; bits <= kMaxBits; ++bits) {
    constexpr std::uint32_t kM = 3;
    constexpr std::uint32_t kK = 301;
    const std::vector<float> weights = random_weights(kM * kK, bits);
    const Quantized q = quantize(weights, kM, kK, {.precisions = {.bits = bits}});
    for (std::uint32_t row = 0; row < kM; ++row) {
      const std::vector<double> levels = centroids(q, bits, row);
      CHECK(std::is_sorted(levels.begin(), levels.end()));
      for (std::uint32_t column = 0; column < kK; ++column) {
        const double weight = weights[row * kK + column];
        std::size_t nearest = 0;
        for (std::size_t i = 1; i < levels.size(); ++i)
          if (std::abs(weight - levels[i]) <= std::abs(weight - levels[nearest])) nearest = i;
        REQUIRE(index_of(q.layer, bits, row, column) == nearest);
      }
    }
  }
  // Halfway between the centroids, and without a say in where they are.
  const Quantized tie =
      quantize({0.0F, 1.0F, 0.5F}, 1, 3, {.precisions = {.bits = 1}, .column_weights = {1, 1, 0}});
  CHECK(centroids(tie, 1) == std::vector<double>{0, 1});
  CHECK(index_of(tie.layer, 1, 0, 2) == 1);
}

TEST_CASE("The error is that of the best codebook, but for the rounding of the centroids") {
  // 2^b levels of any kind are no worse than the 2^b levels that BCQ can have.
  for (unsigned bits = 1; bits <= 6; ++bits) {
    const std::vector<float> weights = random_weights(4 * 512, 30 + bits);
    const double best = quantize(weights, 4, 512, {.precisions = {.bits = bits}}).relative_error();
    const double bcq = quantize_bcq("test", matrix_of(weights, 4, 512),
                                    {.precisions = {.bits = bits}, .group_size = 0})
                           .relative_error();
    CAPTURE(bits);
    CHECK(best <= bcq + kHalfStep);
  }
  // Moving any centroid by a step of binary16, with every weight at its nearest, gains nothing.
  const std::vector<float> weights = random_weights(256, 77);
  const Quantized q = quantize(weights, 1, 256, {.precisions = {.bits = 3}});
  const auto error_with = [&weights](const std::vector<Half>& codebook) {
    double sum = 0;
    for (const float weight : weights) {
      double least = std::numeric_limits<double>::infinity();
      for (const Half centroid : codebook)
        least = std::min(least, std::abs(weight - to_double(centroid)));
      sum += least * least;
    }
    return sum;
  };
  const std::vector<Half>& codebook = q.layer.precisions.at(3).codebook;
  const double error = error_with(codebook);
  for (std::size_t i = 0; i < codebook.size(); ++i)
    for (const int step : {-1, 1}) {
      std::vector<Half> moved = codebook;
      moved[i].bits = static_cast<std::uint16_t>(moved[i].bits + step);
      CAPTURE(i, step);
      CHECK(error_with(moved) >= error * (1 - 1e-12));
    }
}

TEST_CASE("Equal weights have equal indices, and fewer distinct ones than centroids are exact") {
  for (unsigned bits = 2; bits <= kMaxBits; ++bits) {
    std::vector<float> weights(100);
    for (std::size_t i = 0; i < weights.size(); ++i)
      weights[i] = std::vector<float>{-2.5F, 0.125F, 3.0F}[i % 3];
    const Quantized q = quantize(weights, 1, 100, {.precisions = {.bits = bits}});
    CAPTURE(bits);
    CHECK(q.relative_error() == 0.0);
    std::vector<double> expected = {-2.5, 0.125};
    expected.resize(std::size_t{1} << bits, 3.0);
    CHECK(centroids(q, bits) == expected);
    for (std::uint32_t i = 3; i < 100; ++i)
      CHECK(index_of(q.layer, bits, 0, i) == index_of(q.layer, bits, 0, i % 3));
  }
  CHECK(
      quantize(std::vector<float>(64, 0.0F), 1, 64, {.precisions = {.bits = 4}}).relative_error() ==
      0.0);
  CHECK(quantize(std::vector<float>(64, -0.75F), 1, 64, {.precisions = {.bits = 1}})
            .relative_error() == 0.0);
  CHECK(quantize({0.0F, -0.0F, 1.0F}, 1, 3, {.precisions = {.bits = 1}}).relative_error() == 0.0);
}

TEST_CASE("A column's weight counts like so many columns, and none of it like no column") {
  const std::vector<float> weights = random_weights(20, 5);
  std::vector<double> column_weights;
  std::vector<float> repeated;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    column_weights.push_back(static_cast<double>(i % 4));
    repeated.insert(repeated.end(), i % 4, weights[i]);
  }
  const auto repeated_count = static_cast<std::uint32_t>(repeated.size());
  for (unsigned bits = 1; bits <= 3; ++bits) {
    const Quantized weighted =
        quantize(weights, 1, 20, {.precisions = {.bits = bits}, .column_weights = column_weights});
    const Quantized plain = quantize(repeated, 1, repeated_count, {.precisions = {.bits = bits}});
    CAPTURE(bits);
    CHECK(centroids(weighted, bits) == centroids(plain, bits));
    CHECK(centroids(weighted, bits) !=
          centroids(quantize(weights, 1, 20, {.precisions = {.bits = bits}}), bits));
  }
  // Of three values one counts nothing: it has no centroid, although there are enough for it.
  const Quantized q =
      quantize({0.0F, 5.0F, 1.0F}, 1, 3, {.precisions = {.bits = 2}, .column_weights = {1, 0, 1}});
  CHECK(centroids(q, 2) == std::vector<double>{0, 1, 1, 1});
}

TEST_CASE("Planes, tables and padding have the shapes of the format") {
  constexpr std::uint32_t kM = 3;
  constexpr std::uint32_t kK = 172;
  const std::vector<float> weights = random_weights(kM * kK, 5);
  for (const std::uint32_t group_size : {0U, 32U, 64U, 128U, 256U}) {
    const Quantized q =
        quantize(weights, kM, kK, {.precisions = {.bits = 3}, .group_size = group_size});
    CHECK(q.layer.name == "test");
    CHECK(q.layer.group_size == group_size);
    CHECK(q.layer.planes.size() == 3 * kM * 22);
    CHECK(q.layer.precisions.size() == 1);
    CHECK(q.layer.precisions.at(3).codebook.size() == kM * 8);
    // Columns 172..175 of the last byte do not exist: written 0.
    for (std::size_t byte = 21; byte < q.layer.planes.size(); byte += 22)
      CHECK((q.layer.planes[byte] & 0xF0) == 0);
    // Groups align activations only.
    CHECK(q.layer.planes == quantize(weights, kM, kK, {.precisions = {.bits = 3}}).layer.planes);
  }
}

TEST_CASE("A codebook does not depend on the number of threads, and every row is told once") {
  const std::vector<float> weights = random_weights(50 * 300, 9);
  const Quantized one = quantize(weights, 50, 300, {.precisions = {.bits = 3}, .threads = 1});
  for (const unsigned threads : {2U, 5U, 64U}) {
    std::atomic<unsigned> rows = 0;
    const Quantized many =
        quantize(weights, 50, 300,
                 {.precisions = {.bits = 3}, .threads = threads, .row_done = [&rows] { ++rows; }});
    CHECK(rows == 50);
    CHECK(many.layer.planes == one.layer.planes);
    CHECK(many.layer.precisions.at(3).codebook == one.layer.precisions.at(3).codebook);
    CHECK(many.relative_error() == one.relative_error());
  }
}

TEST_CASE("Weights that binary16 centroids cannot serve are refused by position") {
  std::vector<float> weights = random_weights(2 * 128, 1);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    weights[130] = bad;
    try {
      quantize(weights, 2, 128, {});
      FAIL("a weight that is not finite was accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::quant_value);
      CHECK(error.parts().place == "layer test, weight [1, 2]");
    }
  }
  weights[130] = -70000.0F;
  try {
    quantize(weights, 2, 128, {});
    FAIL("a centroid beyond binary16 was accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::quant_value);
    CHECK(error.parts().place == "row 1");
  }
}

TEST_CASE("Codebook options outside the contract are refused") {
  const std::vector<float> weights = random_weights(128, 1);
  const auto code = [&weights](const CodebookOptions& options, std::uint32_t m = 1,
                               std::uint32_t k = 128) {
    return code_of([&] { quantize(weights, m, k, options); });
  };
  CHECK(code({.precisions = {.bits = 0}}) == ErrorCode::quant_option);
  CHECK(code({.precisions = {.bits = 9}}) == ErrorCode::quant_option);
  CHECK(code({.group_size = 48}) == ErrorCode::quant_option);
  CHECK(code({}, 0) == ErrorCode::quant_option);
  CHECK(code({}, 1, 0) == ErrorCode::quant_option);
  CHECK(code({}, 1, kMaxColumns + 1) == ErrorCode::quant_option);
  CHECK(code({.column_weights = std::vector<double>(127, 1.0)}) == ErrorCode::quant_option);
  CHECK(code({.column_weights = std::vector<double>(128, 0.0)}) == ErrorCode::quant_option);
  std::vector<double> column_weights(128, 1.0);
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    column_weights[7] = bad;
    CHECK(code({.column_weights = column_weights}) == ErrorCode::quant_option);
  }
}

}  // namespace
