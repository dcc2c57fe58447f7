// SPDX-License-Identifier: Apache-2.0
// The tiled kernels as the host runs them, thread by thread, against the loop that gpu-check
// compares with.
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/check/cases.hpp"
#include "kernels/check/straight_loop.hpp"
#include "kernels/engine.hpp"
#include "kernels/tiled/plan.hpp"
#include "kernels/tiled/tiled.hpp"
#include "kernels/tiled/tiles.hpp"

namespace bitloom::kernels {
namespace {

using tiled::CoreKind;
using tiled::Plan;
using tiled::Problem;

// What a planner of a test asks for, as far as the problem has it.
struct Wish {
  CoreKind core;
  unsigned warps;
  unsigned stages;
  unsigned ranges;
  unsigned row_blocks;
};

Plan grant(const Wish& wish, const Problem& problem) {
  Plan plan{problem.tokens > 4 ? CoreKind::bytes : wish.core, wish.warps, wish.stages,
            std::min(wish.ranges, problem.pairs), std::min(wish.row_blocks, problem.row_tiles)};
  while (tiled::shared_bytes(problem, plan) > problem.shared_limit && plan.warps > 1)
    plan.warps /= 2;
  return plan;
}

void check_against_loop(const Case& c, const Planner& planner) {
  INFO(c.name);
  const CaseData data = make_data(c);
  const Result result =
      cpu::load_tiled(data.layer, c.arithmetic, planner)->run(c.bits, data.acts, c.format);
  const Outputs expected = straight_loop(data.layer, c.bits, data.acts, c.arithmetic, c.format);
  REQUIRE(result.y == expected);
  for (std::uint32_t t = 0; t < c.tokens; ++t)
    REQUIRE(result.nan_tokens[t] == (c.nan_token && t == 1));
}

// Small cases with what the tiled kernels take: exact accumulators, codebooks of up to 4 bits.
std::vector<Case> small_cases() {
  std::vector<Case> cases;
  for (Case c : all_cases()) {
    if (std::uint64_t{c.m} * c.k > 100000) continue;
    c.arithmetic.accumulator = {};
    LayerShape shape;
    shape.mode = c.mode;
    if (tiled::supports(shape, c.bits, c.arithmetic)) cases.push_back(c);
  }
  return cases;
}

TEST_CASE("Tiled kernels give the contract's bits however the work is divided") {
  constexpr std::array kWishes = {
      Wish{CoreKind::bits, 8, 4, 1, 1}, Wish{CoreKind::bytes, 2, 2, 3, 2},
      Wish{CoreKind::bits, 1, 2, 2, 1}, Wish{CoreKind::bytes, 4, 4, 1, 4},
      Wish{CoreKind::bits, 4, 4, 9, 3}, Wish{CoreKind::bytes, 1, 4, 2, 1},
      Wish{CoreKind::bits, 2, 2, 1, 2}};
  std::size_t i = 0;
  for (const Case& c : small_cases()) {
    const Wish& wish = kWishes[i++ % kWishes.size()];
    check_against_loop(c, [&](const Problem& problem) { return grant(wish, problem); });
  }
  CHECK(i > 200);
}

TEST_CASE("Tiled kernels take 1 to 16 tokens at once and split more") {
  for (std::uint32_t tokens = 1; tokens <= 19; ++tokens) {
    Case c;
    c.name = std::to_string(tokens) + " tokens";
    c.m = 35;
    c.k = 700;
    c.group_size = tokens % 3 == 0 ? 32 : 128;
    c.mode = tokens % 4 == 0 ? Mode::codebook : Mode::bcq;
    c.offsets = c.mode == Mode::bcq;
    c.bits = 3;
    c.tokens = tokens;
    c.nan_token = tokens % 5 == 2;
    c.arithmetic.mantissa_bits = tokens % 7 == 0 ? 24 : 16;
    c.seed = tokens;
    check_against_loop(c, tiled::make_plan);
  }
}

}  // namespace
}  // namespace bitloom::kernels
