// SPDX-License-Identifier: Apache-2.0
// Rounding to nearest, against its definition written out.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sw/error/error.hpp"
#include "sw/quant/bcq.hpp"
#include "sw/quant/uniform.hpp"
#include "tests/sw/quant/quant_test_support.hpp"

namespace {

using namespace bitloom;
using namespace quant_test;

TEST_CASE("Levels are at equal distances between the least and the largest weight") {
  const std::vector<float> weights = random_weights(3 * 96, 5);
  for (unsigned bits = 1; bits <= 8; ++bits) {
    const Quantized q =
        quantize_uniform("test", matrix_of(weights, 3, 96), {.bits = bits, .group_size = 32});
    std::vector<double> values(96);
    for (std::uint32_t row = 0; row < 3; ++row) {
      dequantize_row(q.layer, bits, row, values);
      for (std::size_t begin = 0; begin < 96; begin += 32) {
        const auto* first = weights.data() + row * 96 + begin;
        const double least = *std::min_element(first, first + 32);
        const double largest = *std::max_element(first, first + 32);
        const double step = (largest - least) / ((1 << bits) - 1);
        for (std::size_t k = 0; k < 32; ++k) {
          CAPTURE(bits, row, begin, k);
          // Binary16 scales move levels by 2^-11 of the range and of the offset.
          REQUIRE(std::abs(values[begin + k] - first[k]) <=
                  0.5 * step + 0x1p-10 * (largest - least) + 0x1p-11 * std::abs(largest + least));
        }
      }
    }
  }
}

TEST_CASE("What lies on a level stays, and a constant group is its offset") {
  std::vector<float> weights = {0.0F, 1.0F, 2.0F, 3.0F, 3.0F, 0.0F, 2.0F, 1.0F};
  CHECK(quantize_uniform("test", matrix_of(weights, 1, 8), {.bits = 2}).relative_error() == 0.0);
  std::fill(weights.begin(), weights.end(), -0.75F);
  CHECK(quantize_uniform("test", matrix_of(weights, 1, 8), {.bits = 3}).relative_error() == 0.0);
}

TEST_CASE("Fitted levels are better by far at two bits") {
  const std::vector<float> weights = random_weights(16 * 256, 6);
  const FloatMatrix matrix = matrix_of(weights, 16, 256);
  const double uniform = quantize_uniform("test", matrix, {.bits = 2}).relative_error();
  CHECK(quantize_bcq("test", matrix, {.precisions = {.bits = 2}}).relative_error() <
        0.75 * uniform);
}

TEST_CASE("Bad options and weights are refused") {
  const std::vector<float> weights = {1.0F, 2.0F};
  CHECK(code_of([&] { quantize_uniform("test", matrix_of(weights, 1, 2), {.bits = 9}); }) ==
        ErrorCode::quant_option);
  CHECK(code_of([&] {
          quantize_uniform("test", matrix_of({1.0F, INFINITY}, 1, 2), {});
        }) == ErrorCode::quant_value);
  for (unsigned bits = 1; bits <= 8; ++bits)
    CHECK(code_of([&] {
            quantize_uniform("test", matrix_of({2.7e5F, -2.7e5F}, 1, 2), {.bits = bits});
          }) == ErrorCode::quant_value);
}

}  // namespace
