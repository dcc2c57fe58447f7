// SPDX-License-Identifier: Apache-2.0
// The campaign of random small layers: 2,000 of them on the machine of `tiny`, under memories from
// ideal to hostile, against golden in every bit.
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <iostream>
#include <vector>

#include "sim/rtl/rtl_device.hpp"
#include "sw/config/config.hpp"
#include "sw/golden/golden_device.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom {
namespace {

constexpr std::uint64_t kLayersPerMemory = 250;

struct MemoryKind {
  std::uint32_t latency_ns;
  std::uint32_t jitter_ns;
  std::uint32_t stall_percent;
};

constexpr std::array kMemories = {MemoryKind{1, 0, 0},     MemoryKind{100, 0, 0},
                                  MemoryKind{700, 0, 0},   MemoryKind{20, 300, 0},
                                  MemoryKind{1, 0, 20},    MemoryKind{100, 0, 80},
                                  MemoryKind{50, 100, 50}, MemoryKind{200, 900, 30}};

CaseLimits limits() {
  return {.max_m = 24,
          .max_k = 700,
          .max_tokens = 2,
          .max_bits = 8,
          .max_codebook_bits = 0,
          .group_sizes = {128},
          .mantissa_bits = {16},
          .narrow_accumulators = false,
          .binary16_output = false};
}

// Runs a batch back to back on a machine of its own.
void run_batch(const MemoryKind& memory, std::uint64_t first_seed, Coverage& coverage) {
  Config config = load_config("tiny");
  config.system.memory_latency_ns = memory.latency_ns;
  config.system.memory_jitter_ns = memory.jitter_ns;
  config.system.memory_stall_percent = memory.stall_percent;
  config.system.memory_seed = static_cast<std::uint32_t>(first_seed);
  const auto rtl = make_rtl_device(config);
  const auto golden = make_golden_device(config.arithmetic());

  std::vector<RandomCase> cases;
  for (std::uint64_t i = 0; i < kLayersPerMemory; ++i) {
    cases.push_back(make_random_case(first_seed + i, limits()));
    const RandomCase& c = cases.back();
    const LayerId layer = rtl->load(c.layer);
    rtl->submit({layer, c.bits, c.acts, c.format});
    rtl->unload(layer);
  }
  for (const RandomCase& c : cases) {
    const Completion expected = run_layer(*golden, c.layer, c.bits, c.acts, c.format);
    const auto found = rtl->poll();
    REQUIRE(found);
    if (found->y != expected.y || found->nan_tokens != expected.nan_tokens) {
      CAPTURE(describe(c), memory.latency_ns, memory.jitter_ns, memory.stall_percent);
      CHECK(found->y.bits == expected.y.bits);
      CHECK(found->nan_tokens == expected.nan_tokens);
    }
    coverage.add(c, found->y);
  }
}

TEST_CASE("2,000 random layers under every kind of memory equal golden in every bit") {
  static_assert(kMemories.size() * kLayersPerMemory >= 2000);
  Coverage coverage(limits());
  std::uint64_t seed = 1;
  for (const MemoryKind& memory : kMemories) {
    run_batch(memory, seed, coverage);
    seed += kLayersPerMemory;
  }
  coverage.print(std::cout);
  coverage.require(30);
}

}  // namespace
}  // namespace bitloom
