// SPDX-License-Identifier: Apache-2.0
// The campaign of random small layers of every mode on the real machine, under memories from ideal
// to hostile, in every bit: against cpu, and against golden where that is quick. All calls of a
// memory are queued at once, so that modes, precisions, formats and shapes follow each other back
// to back.
//
// `tiny` and `tiny-acc48` run always. Other machines take a build each, so they run when asked for:
// build/tests/sim/sim_rtl_random_test '[machines]'
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "sim/rtl/rtl_device.hpp"
#include "sw/config/config.hpp"
#include "sw/cpu/cpu_device.hpp"
#include "sw/golden/golden_device.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom {
namespace {

struct MemoryKind {
  std::uint32_t latency_ns;
  std::uint32_t jitter_ns;
  std::uint32_t stall_percent;
};

constexpr std::array kMemories = {MemoryKind{1, 0, 0},     MemoryKind{100, 0, 0},
                                  MemoryKind{700, 0, 0},   MemoryKind{20, 300, 0},
                                  MemoryKind{1, 0, 20},    MemoryKind{100, 0, 80},
                                  MemoryKind{50, 100, 50}, MemoryKind{200, 900, 30}};

// Golden takes about as long as the simulation where it has this many products.
constexpr std::uint64_t kGoldenProducts = 20'000;

std::uint64_t products(const RandomCase& c) {
  return std::uint64_t{c.layer.m} * c.layer.k * c.acts.tokens * c.bits;
}

// Runs a batch back to back on a machine of its own.
void run_batch(Config config, const MemoryKind& memory, std::span<const RandomCase> cases,
               Coverage& coverage) {
  config.system.memory_latency_ns = memory.latency_ns;
  config.system.memory_jitter_ns = memory.jitter_ns;
  config.system.memory_stall_percent = memory.stall_percent;
  config.system.memory_seed = static_cast<std::uint32_t>(cases.front().seed);
  const auto rtl = make_rtl_device(config);
  const auto golden = make_golden_device(config.arithmetic());
  const auto cpu = make_cpu_device(config.arithmetic());
  for (const RandomCase& c : cases) {
    const LayerId layer = rtl->load(c.layer);
    rtl->submit({layer, c.bits, c.acts, c.format});
    rtl->unload(layer);
  }
  for (const RandomCase& c : cases) {
    Device& reference = products(c) <= kGoldenProducts ? *golden : *cpu;
    const Completion expected = run_layer(reference, c.layer, c.bits, c.acts, c.format);
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

// `layers` layers under each of the memories; every feature that the machine's limits admit is hit
// by at least `minimum` of all of them.
void run_campaign(const Config& config, std::span<const MemoryKind> memories, std::uint64_t layers,
                  std::uint64_t minimum) {
  const std::uint32_t max_m = std::max(24U, config.hardware.rows * 5 / 2);
  const CaseLimits limits = machine_limits(config.hardware, max_m, 1300);
  Coverage coverage(limits);
  std::uint64_t seed = 1;
  for (const MemoryKind& memory : memories) {
    std::vector<RandomCase> cases;
    for (std::uint64_t i = 0; i < layers; ++i) cases.push_back(make_random_case(seed++, limits));
    run_batch(config, memory, cases, coverage);
  }
  coverage.print(std::cout);
  CHECK_NOTHROW(coverage.require(minimum));
}

TEST_CASE("2,000 random layers under every kind of memory equal golden and cpu in every bit") {
  run_campaign(load_config("tiny"), kMemories, 250, 60);
}

TEST_CASE("Random layers on a narrow accumulator equal golden and cpu in every bit") {
  constexpr std::array memories = {MemoryKind{100, 0, 0}, MemoryKind{50, 100, 50}};
  run_campaign(load_config("tiny-acc48"), memories, 250, 10);
}

// ---- Other machines -----------------------------------------------------------------------------

// Checked like any file of a user's.
Config from_file(const Config& config) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + ".json");
  std::ofstream(path) << R"({"hardware": )" << hardware_json(config.hardware) << R"(, "system": {
    "clock_mhz": 1000, "memory": "fixed", "memory_latency_ns": 100, "memory_jitter_ns": 0,
    "memory_stall_percent": 0, "memory_seed": 0}})";
  Config loaded = load_config(path.string());
  std::filesystem::remove(path);
  return loaded;
}

struct Machine {
  std::uint32_t rows, columns, mu, rows_per_scale;
  std::uint32_t tokens, mantissa_bits, accumulator;
  std::uint32_t max_bits, max_codebook_bits;
  std::uint32_t read_channels, channel_bits;
};

// Between them: slices of several groups, lines of several beats, words of several lines, adder
// trees and tables of every size, one token and 16, the narrowest and the widest mantissas and
// accumulators, codebooks left out.
constexpr std::array kMachines = {Machine{8, 64, 4, 2, 4, 16, 0, 8, 4, 4, 128},
                                  Machine{4, 128, 3, 4, 2, 8, 32, 4, 3, 2, 256},
                                  Machine{16, 8, 1, 1, 1, 24, 64, 5, 0, 1, 64},
                                  Machine{2, 32, 2, 1, 16, 11, 0, 3, 2, 1, 64},
                                  Machine{32, 128, 4, 1, 1, 24, 0, 8, 4, 8, 512},
                                  Machine{16, 64, 4, 4, 3, 13, 128, 8, 4, 2, 256}};

TEST_CASE("Random layers on other machines equal golden and cpu in every bit", "[.][machines]") {
  const Machine& machine = GENERATE(from_range(kMachines));
  Config config = load_config("tiny");
  HardwareConfig& h = config.hardware;
  h.rows = machine.rows;
  h.columns = machine.columns;
  h.mu = machine.mu;
  h.rows_per_lut = machine.rows;
  h.rows_per_scale = machine.rows_per_scale;
  h.tokens = machine.tokens;
  h.mantissa_bits = machine.mantissa_bits;
  h.accumulator = {machine.accumulator};
  h.max_bits = machine.max_bits;
  h.max_codebook_bits = machine.max_codebook_bits;
  h.read_channels = machine.read_channels;
  h.channel_bits = machine.channel_bits;
  h.burst_beats = 8;
  CAPTURE(hardware_json(h));
  constexpr std::array memories = {MemoryKind{100, 0, 0}, MemoryKind{50, 100, 50}};
  run_campaign(from_file(config), memories, 200, 1);
}

TEST_CASE("Random layers on the named machines equal golden and cpu in every bit",
          "[.][machines]") {
  const std::string name = GENERATE("tiny-mb8", "tiny-mb24", "edge", "server");
  CAPTURE(name);
  constexpr std::array memories = {MemoryKind{100, 0, 0}, MemoryKind{50, 100, 50}};
  run_campaign(load_config(name), memories, 100, 0);
}

}  // namespace
}  // namespace bitloom
