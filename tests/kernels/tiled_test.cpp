// SPDX-License-Identifier: Apache-2.0
// The kernels as the host runs them, thread by thread, against the loop that gpu-check
// compares with.
#include <algorithm>
#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels/check/cases.hpp"
#include "kernels/check/forced_plans.hpp"
#include "kernels/check/straight_loop.hpp"
#include "kernels/engine.hpp"
#include "kernels/platform/platform.hpp"
#include "kernels/tiled/align.hpp"
#include "kernels/tiled/plan.hpp"
#include "kernels/tiled/tiled.hpp"
#include "kernels/tiled/tiles.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/half_value.hpp"

namespace bitloom::kernels {
namespace {

using tiled::Plan;
using tiled::Problem;

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

TEST_CASE("The reference kernel gives the contract's bits on small cases") {
  const std::unique_ptr<Engine> engine = cpu::find_engine(KernelSet::reference).engine;
  for (const Case& c : all_cases()) {
    if (!is_small(c)) continue;
    INFO(c.name);
    const CaseData data = make_data(c);
    const Result result = engine->load(data.layer, c.arithmetic)->run(c.bits, data.acts, c.format);
    REQUIRE(result.y == straight_loop(data.layer, c.bits, data.acts, c.arithmetic, c.format));
  }
}

TEST_CASE("Tiled kernels give the contract's bits however the work is divided") {
  unsigned i = 0;
  for (const Case& c : small_cases()) {
    check_against_loop(
        c, [&](const Problem& problem) { return forced_plan(i % kForcedPlans, problem); });
    ++i;
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

TEST_CASE("Sums that 64 bits do not hold are exact all the same") {
  // Scales of 21 bits, which the 64-bit path takes, and groups 29 binary orders apart.
  Case c;
  c.name = "wide";
  c.m = 20;
  c.k = 1024;
  c.group_size = 32;
  c.bits = 8;
  c.seed = 1;
  CaseData data = make_data(c);
  std::uint16_t exponent = 5;
  for (Half& alpha : data.layer.precisions.at(8).alpha) {
    alpha.bits = static_cast<std::uint16_t>((alpha.bits & 0x83FF) | exponent << 10);
    exponent = exponent == 15 ? 5 : exponent + 1;
  }
  REQUIRE(tiled::tile_table(data.layer, 8).bits == 21);
  for (std::size_t k = 0; k < data.acts.x.size(); ++k)
    data.acts.x[k].bits = static_cast<std::uint16_t>((data.acts.x[k].bits & 0x83FF) |
                                                     (k / 32 % 2 == 0 ? 30 : 1) << 10);
  const auto layer = cpu::load_tiled(data.layer, c.arithmetic, tiled::make_plan);
  CHECK(layer->run(8, data.acts, c.format).y ==
        straight_loop(data.layer, 8, data.acts, c.arithmetic, c.format));
}

TEST_CASE("A prepared call runs again with other activations") {
  Case c;
  c.name = "twice";
  c.m = 300;
  c.k = 1100;
  c.group_size = 64;
  c.bits = 2;
  c.tokens = 2;
  CaseData data = make_data(c);
  const auto layer = cpu::load_tiled(
      data.layer, c.arithmetic, [](const Problem& problem) { return forced_plan(1, problem); });
  const auto call = layer->prepare(c.bits, data.acts, c.format);
  call->enqueue(nullptr);
  std::reverse(data.acts.x.begin(), data.acts.x.end());
  call->set_activations(data.acts);
  call->enqueue(nullptr);
  call->wait();
  CHECK(call->read().y == straight_loop(data.layer, c.bits, data.acts, c.arithmetic, c.format));
}

TEST_CASE("Planes come back from tiles as they were, without what lies beyond K") {
  for (const std::uint32_t k : {1U, 7U, 8U, 127U, 128U, 129U, 256U, 300U, 513U})
    for (const std::uint32_t m : {1U, 8U, 16U, 17U, 40U}) {
      CAPTURE(m, k);
      Case c;
      c.m = m;
      c.k = k;
      c.group_size = 32;
      c.bits = 3;
      c.seed = m * 1000 + k;
      Layer layer = make_data(c).layer;
      const std::vector<std::uint32_t> words = tiled::tile_planes(layer);
      if (k % 8 != 0)
        for (std::size_t row = 0; row < std::size_t{3} * m; ++row)
          layer.planes[row * layer.row_bytes() + k / 8] &=
              static_cast<std::uint8_t>((1U << (k % 8)) - 1);
      REQUIRE(tiled::untile_planes(words, layer) == layer.planes);
      // And each bit is where tiles.hpp says.
      const std::size_t steps = (k + 255) / 256 * 2;
      const std::size_t tiles = (m + 15) / 16;
      std::size_t set = 0;
      for (const std::uint32_t word : words) set += std::popcount(word);
      for (std::uint32_t plane = 0; plane < 3; ++plane)
        for (std::uint32_t row = 0; row < m; ++row)
          for (std::uint32_t column = 0; column < k; ++column) {
            const std::size_t lane = row % 8 * 4 + column % 128 / 32;
            const std::size_t word =
                (((plane * tiles + row / 16) * steps + column / 128) * 32 + lane) * 2 +
                row % 16 / 8;
            const bool bit = (words[word] >> (column % 32) & 1) != 0;
            REQUIRE(bit == layer.bit(plane, row, column));
            set -= bit ? 1 : 0;
          }
      REQUIRE(set == 0);
    }
}

TEST_CASE("Tables stand where tiles.hpp says, and are the integers that it says") {
  for (const std::uint32_t group_size : {0U, 32U, 256U}) {
    Case c;
    c.m = 21;
    c.k = 600;
    c.group_size = group_size;
    c.bits = 2;
    c.offsets = true;
    const Layer layer = make_data(c).layer;
    const tiled::TileTable table = tiled::tile_table(layer, 2);
    const std::uint32_t groups = tiled::TileShape(layer).groups;
    CHECK(groups == (group_size == 0 ? 1 : 3 * (256 / group_size)));
    REQUIRE(table.terms == 3);
    for (std::uint32_t row = 0; row < 32; ++row)
      for (std::uint32_t group = 0; group < groups; ++group)
        for (unsigned term = 0; term < 3; ++term) {
          const Half found =
              table.values[(((row / 16 * groups + group) * 3 + term) * 8 + row % 8) * 2 +
                           row % 16 / 8];
          Half expected{};
          if (row < 21 && group < layer.groups()) {
            const std::size_t at = row * layer.groups() + group;
            expected = term == 2 ? layer.precisions.at(2).beta[at]
                                 : layer.precisions.at(2).alpha[at * 2 + term];
          }
          REQUIRE(found == expected);
          const double integer = std::ldexp(to_double(found), -table.unit);
          REQUIRE(integer == std::trunc(integer));
          REQUIRE(std::abs(integer) < std::ldexp(1.0, table.bits));
        }
  }
}

TEST_CASE("The 32-bit alignment is the contract's for every value, exponent and width") {
  for (unsigned mantissa_bits = 8; mantissa_bits <= 24; ++mantissa_bits)
    for (std::uint32_t bits = 0; bits < 0x10000; bits += 3) {
      const Half x{static_cast<std::uint16_t>(bits)};
      if (!contract::is_finite(x)) continue;
      for (int e = contract::exponent(x); e <= contract::kMaxExponent; ++e)
        if (cpu::aligned_mantissa32(x, e, mantissa_bits) !=
            contract::aligned_mantissa(x, e, mantissa_bits)) {
          CAPTURE(bits, e, mantissa_bits);
          FAIL();
        }
    }
}

TEST_CASE("A plan fits its device and leaves no multiprocessor and no row out") {
  for (const std::uint32_t m : {1U, 64U, 1024U, 4096U, 28672U, 128256U})
    for (const std::uint32_t k : {1U, 64U, 4096U, 28672U, 1U << 20})
      for (const std::uint32_t tokens : {1U, 2U, 3U, 4U, 5U, 8U, 9U, 16U})
        for (const unsigned bits : {1U, 2U, 4U, 8U})
          for (const unsigned groups : {1U, 2U, 8U}) {
            CAPTURE(m, k, tokens, bits, groups);
            Problem problem;
            problem.row_tiles = (m + 15) / 16;
            problem.pairs = (k + 255) / 256;
            problem.tokens = tokens;
            problem.digits = bits == 8 ? 3 : 2;
            problem.pair_blocks = std::max(2U, groups);
            problem.stage_bytes = bits * 512 + groups * (bits + 1) * 32;
            problem.multiprocessors = 132;
            problem.shared_limit = std::size_t{99} * 1024;
            const Plan plan = tiled::make_plan(problem);
            REQUIRE(tiled::shared_bytes(problem, plan) <= problem.shared_limit);
            REQUIRE(plan.ranges >= 1);
            REQUIRE(plan.ranges <= problem.pairs);
            REQUIRE(plan.row_blocks >= 1);
            REQUIRE(plan.row_blocks <= problem.row_tiles);
            REQUIRE(tiled::core_tokens(plan.core, tokens) >= tokens);
          }
}

TEST_CASE("Plans keep at least three of four warps busy on the layers of AnyBCQ's table") {
  struct Shape {
    unsigned m;
    unsigned k;
  };
  for (const Shape& shape : {Shape{4096, 4096},
                             {14336, 4096},
                             {4096, 14336},
                             {5120, 5120},
                             {17920, 5120},
                             {5120, 17920},
                             {8192, 8192},
                             {28672, 8192},
                             {8192, 28672}}) {
    CAPTURE(shape.m, shape.k);
    Problem problem;
    problem.row_tiles = shape.m / 16;
    problem.pairs = shape.k / 256;
    problem.tokens = 1;
    problem.stage_bytes = 2 * 512 + 2 * 3 * 32;
    problem.multiprocessors = 132;
    problem.shared_limit = std::size_t{227} * 1024;
    const Plan plan = tiled::make_plan(problem);
    const auto up = [](std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; };
    const std::uint32_t rounds = up(plan.ranges * plan.row_blocks, 2 * 132);
    const std::uint32_t slowest = rounds * up(problem.pairs, plan.ranges) *
                                  up(up(problem.row_tiles, plan.row_blocks), plan.warps);
    const double average = 1.0 * problem.row_tiles * problem.pairs / (2 * 132 * plan.warps);
    CHECK(average >= 0.75 * slowest);
  }
}

// ---- The host's blocks --------------------------------------------------------------------------

struct Nothing {
  int* data;
};

void sum_over_block(Nothing arguments) {
  auto* values = reinterpret_cast<int*>(cpu::shared_memory());
  values[cpu::thread_index()] = static_cast<int>(cpu::thread_index());
  cpu::block_barrier();
  int sum = 0;
  for (unsigned i = 0; i < cpu::block_threads(); ++i) sum += values[i];
  arguments.data[cpu::block_index() * cpu::block_threads() + cpu::thread_index()] = sum;
}

void read_without_waiting(Nothing arguments) {
  alignas(16) static constexpr std::array<int, 4> kFrom = {1, 2, 3, 4};
  cpu::copy_async(cpu::shared_memory() + 16 * cpu::thread_index(), kFrom.data());
  cpu::commit_copies();
  cpu::wait_copies<1>();
  std::memcpy(&arguments.data[cpu::block_index()], cpu::shared_memory(), sizeof(int));
}

void part_ways(Nothing /*arguments*/) {
  if (cpu::thread_index() % 2 == 0)
    cpu::warp_barrier();
  else
    static_cast<void>(cpu::shuffle_xor(1, 1));
}

void leave_early(Nothing /*arguments*/) {
  if (cpu::thread_index() != 3) cpu::block_barrier();
}

TEST_CASE("Threads of a block on the host see what the others wrote before a barrier") {
  std::vector<int> sums(std::size_t{5} * 64);
  cpu::launch_blocks(sum_over_block, {5, 64, 64 * sizeof(int)}, Nothing{sums.data()}, nullptr);
  CHECK(sums == std::vector<int>(sums.size(), 63 * 64 / 2));
}

TEST_CASE("A copy that nobody waits for is late in every other block") {
  std::vector<int> first(2);
  cpu::launch_blocks(read_without_waiting, {2, 32, 512}, Nothing{first.data()}, nullptr);
  CHECK(first[0] == 1);
  CHECK(first[1] != 1);
}

TEST_CASE("Threads that part ways are a fault and no endless wait") {
  CHECK_THROWS_AS(cpu::launch_blocks(part_ways, {1, 32, 0}, Nothing{}, nullptr), Fault);
  CHECK_THROWS_AS(cpu::launch_blocks(leave_early, {1, 64, 0}, Nothing{}, nullptr), Fault);
}

}  // namespace
}  // namespace bitloom::kernels
