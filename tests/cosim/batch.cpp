// SPDX-License-Identifier: Apache-2.0
#include "tests/cosim/batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>

#include "sim/rtl/rtl_device.hpp"
#include "sim/rtl/worker_build.hpp"
#include "sw/cpu/cpu_device.hpp"
#include "sw/error/error.hpp"
#include "sw/golden/golden_device.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom::cosim {
namespace {

// Golden takes about as long as the simulation where it has this many products.
constexpr std::uint64_t kGoldenProducts = 20'000;
constexpr std::uint32_t kMaxColumns = 1000;

CaseLimits limits_of(const Machine& machine) {
  const std::uint32_t most = std::max(24U, machine.hardware.rows * 5 / 2);
  return machine_limits(machine.hardware, std::min(most, machine.hardware.max_m), kMaxColumns);
}

// One generator for each batch; neighbouring numbers must not give neighbouring states.
std::mt19937_64 generator(const BatchKey& key) {
  std::vector<std::uint32_t> words = {
      static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32U),
      static_cast<std::uint32_t>(key.batch), static_cast<std::uint32_t>(key.batch >> 32U)};
  for (const char c : key.machine.name) words.push_back(static_cast<std::uint8_t>(c));
  std::seed_seq sequence(words.begin(), words.end());
  return std::mt19937_64(sequence);
}

template <std::size_t count>
std::uint32_t pick(const std::uint32_t (&values)[count], std::mt19937_64& random) {
  return values[random() % count];
}

// From ideal to hostile. Latency that differs between bursts reorders the answers of different
// channels; stalls hold back every handshake, those of writes included.
SystemConfig draw_system(std::mt19937_64& random) {
  SystemConfig system;
  system.clock_mhz = pick({500, 1000, 1600}, random);
  system.memory_latency_ns = pick({1, 20, 100, 300, 700}, random);
  system.memory_jitter_ns = pick({0, 0, 100, 300, 900}, random);
  system.memory_stall_percent = pick({0, 0, 20, 50, 80}, random);
  system.memory_seed = static_cast<std::uint32_t>(random() >> 33U);
  return system;
}

std::string memory_text(const SystemConfig& s) {
  return fmt::format("{} MHz, latency {} ns + {} ns, stalls {} %, memory seed {}", s.clock_mhz,
                     s.memory_latency_ns, s.memory_jitter_ns, s.memory_stall_percent,
                     s.memory_seed);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string difference(std::string_view reference, const Completion& expected,
                       const Completion& found) {
  if (found.y.format != expected.y.format || found.y.tokens != expected.y.tokens ||
      found.y.m != expected.y.m || found.y.bits.size() != expected.y.bits.size())
    return fmt::format("the outputs have another shape than those of {}", reference);
  const auto& bits = expected.y.bits;
  const auto [at, other] = std::mismatch(bits.begin(), bits.end(), found.y.bits.begin());
  if (at != bits.end()) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) count += bits[i] != found.y.bits[i] ? 1 : 0;
    const auto index = static_cast<std::size_t>(at - bits.begin());
    return fmt::format(
        "{} of {} outputs differ from {}, first token {}, row {}: {:08x}, not {:08x}", count,
        bits.size(), reference, index / expected.y.m, index % expected.y.m, *other, *at);
  }
  if (found.nan_tokens != expected.nan_tokens)
    return fmt::format("the NaN flags differ from those of {}", reference);
  return "";
}

std::uint64_t products(const RandomCase& c) {
  return std::uint64_t{c.layer.m} * c.layer.k * c.acts.tokens * c.bits;
}

std::string compare(const RandomCase& c, const Arithmetic& arithmetic, const Completion& found) {
  const auto cpu = make_cpu_device(arithmetic);
  std::string problem =
      difference("cpu", run_layer(*cpu, c.layer, c.bits, c.acts, c.format), found);
  if (!problem.empty() || products(c) > kGoldenProducts) return problem;
  const auto golden = make_golden_device(arithmetic);
  return difference("golden", run_layer(*golden, c.layer, c.bits, c.acts, c.format), found);
}

// Runs `step`; what it throws is the layer's problem, but without a worker nothing can go on.
template <class Step>
void try_step(std::string& problem, const Step& step) {
  try {
    step();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::rtl_build) throw;
    problem = one_line(format_error("rtl", error));
  }
}

sim::WorkerOptions worker_options(const Design& design) {
  sim::WorkerOptions options;
  options.rtl_list = design.rtl_list;
  options.notice = design.notice;
  return options;
}

}  // namespace

std::map<std::string, std::uint64_t> no_coverage(const Machine& machine) {
  return Coverage(limits_of(machine)).counts();
}

BatchReport run_batch(const BatchKey& key, const Design& design) {
  const CaseLimits limits = limits_of(key.machine);
  std::mt19937_64 random = generator(key);
  const Config config{key.machine.name, key.machine.hardware, draw_system(random)};
  RtlOptions options;
  options.worker = worker_options(design);
  const auto rtl = make_rtl_device(config, options);
  BatchReport report;
  report.memory = memory_text(config.system);
  Coverage coverage(limits);
  std::vector<RandomCase> cases;
  for (std::uint32_t i = 0; i < kBatchLayers; ++i) {
    const RandomCase& c = cases.emplace_back(make_random_case(random(), limits));
    LayerReport& layer = report.layers.emplace_back(LayerReport{describe(c), ""});
    try_step(layer.problem, [&] {
      const LayerId id = rtl->load(c.layer);
      rtl->submit({id, c.bits, c.acts, c.format});
      rtl->unload(id);
    });
  }
  for (std::uint32_t i = 0; i < kBatchLayers; ++i) {
    std::string& problem = report.layers[i].problem;
    if (!problem.empty()) continue;  // not queued
    try_step(problem, [&] {
      const std::optional<Completion> found = rtl->poll();
      if (!found) {
        problem = "the device lost the call";
        return;
      }
      problem = compare(cases[i], config.arithmetic(), *found);
      coverage.add(cases[i], found->y);
      report.outputs += found->y.bits.size();
    });
  }
  report.coverage = coverage.counts();
  return report;
}

std::string design_hash(const Machine& machine, const Design& design) {
  return sim::worker_hash(machine.hardware, worker_options(design));
}

}  // namespace bitloom::cosim
