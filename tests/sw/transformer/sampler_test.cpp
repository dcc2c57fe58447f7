// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/sampler.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace {

using namespace bitloom;

constexpr int kDraws = 20000;

// Shares of the tokens in many draws.
std::vector<double> shares(const std::vector<float>& logits, const SamplerOptions& options) {
  Sampler sampler(options);
  std::vector<double> counts(logits.size());
  for (int i = 0; i < kDraws; ++i) counts.at(sampler.pick(logits)) += 1.0 / kDraws;
  return counts;
}

// Probabilities 0.5, 0.125, 0.25, 0.125 at temperature 1.
const std::vector<float> kLogits = {3 * std::log(2.0F), std::log(2.0F), 2 * std::log(2.0F),
                                    std::log(2.0F)};

}  // namespace

TEST_CASE("temperature 0 takes the largest logit, the lowest token of equal ones") {
  Sampler sampler({.temperature = 0});
  CHECK(sampler.pick(std::vector<float>{1, 5, 2, 5}) == 1);
  CHECK(sampler.pick(std::vector<float>{-1, -1}) == 0);
}

TEST_CASE("tokens are drawn with the probabilities of the softmax") {
  const auto found = shares(kLogits, {.temperature = 1, .seed = 3});
  const std::array expected = {0.5, 0.125, 0.25, 0.125};
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(found[i] == Approx(expected[i]).margin(0.015));
}

TEST_CASE("temperature divides the logits") {
  // At one half the probabilities are squared: 16, 1, 4, 1 of 22.
  const auto found = shares(kLogits, {.temperature = 0.5, .seed = 4});
  CHECK(found[0] == Approx(16.0 / 22).margin(0.015));
  CHECK(found[2] == Approx(4.0 / 22).margin(0.015));
}

TEST_CASE("top-p keeps the fewest tokens that reach it, the lower of equal ones first") {
  auto found = shares(kLogits, {.temperature = 1, .top_p = 0.7, .seed = 5});
  CHECK(found[0] == Approx(2.0 / 3).margin(0.015));
  CHECK(found[2] == Approx(1.0 / 3).margin(0.015));
  CHECK(found[1] + found[3] == 0);
  found = shares(kLogits, {.temperature = 1, .top_p = 0.8, .seed = 6});
  CHECK(found[1] > 0);
  CHECK(found[3] == 0);
  CHECK(shares(kLogits, {.temperature = 1, .top_p = 1e-9, .seed = 7})[0] == Approx(1));
}

TEST_CASE("a seed gives one sequence") {
  const auto draw = [](std::uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    std::vector<Token> tokens(50);
    for (Token& token : tokens) token = sampler.pick(kLogits);
    return tokens;
  };
  CHECK(draw(1) == draw(1));
  CHECK(draw(1) != draw(2));
}
