// SPDX-License-Identifier: Apache-2.0
#include "tests/cosim/record.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ctime>
#include <fstream>
#include <thread>

namespace bitloom::cosim {
namespace {

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  return "unknown processor";
}

}  // namespace

std::string machines_table(const std::vector<Machine>& machines) {
  std::string table = "| configuration |";
  std::string rule = "|---|";
  for (const PairwiseKey& key : pairwise_keys()) {
    table += fmt::format(" {} |", key.key);
    rule += "---|";
  }
  table += "\n" + rule + "\n";
  for (const Machine& machine : machines) {
    table += fmt::format("| {} |", machine.name);
    for (const PairwiseKey& key : pairwise_keys())
      for (const auto& field : kHardwareFields) {
        if (field.key != key.key) continue;
        const std::uint32_t value = field.get(machine.hardware);
        table += key.key == "accumulator" && value == 0 ? " exact |" : fmt::format(" {} |", value);
      }
    table += "\n";
  }
  return table;
}

std::string coverage_table(const State& state, std::uint64_t minimum) {
  std::string table = "| feature | layers | at least |\n|---|---|---|\n";
  for (const auto& [feature, count] : state.coverage)
    table += fmt::format("| {} | {} | {}{} |\n", feature, count, minimum,
                         count < minimum ? ": MISSED" : "");
  return table;
}

std::vector<std::string> missing_features(const State& state, std::uint64_t minimum) {
  std::vector<std::string> missing;
  for (const auto& [feature, count] : state.coverage)
    if (count < minimum) missing.push_back(feature);
  return missing;
}

std::string record(const State& state, const std::vector<Machine>& machines, std::uint64_t minimum,
                   const std::string& command) {
  std::string text =
      fmt::format(R"(# Measurements: make cosim

    {}

{:%Y-%m-%d}, {} cores ({}), {:.0f} s, of which the builds of the simulators are a part.

{} layers in {} batches on {} configurations, {} outputs compared with cpu, and those of small
layers with golden as well: **{} mismatches**. What a batch is: docs/simulation.md.

## Configurations

{}
## Coverage

{})",
                  command, fmt::gmtime(std::time(nullptr)), std::thread::hardware_concurrency(),
                  processor(), state.seconds, state.layers, state.batches,
                  std::min<std::uint64_t>(machines.size(), state.batches), state.outputs,
                  state.failures.size(), machines_table(machines), coverage_table(state, minimum));
  if (state.failures.empty()) return text;
  text += "\n## Mismatches\n\n";
  for (const std::string& failure : state.failures) text += fmt::format("    {}\n", failure);
  return text;
}

}  // namespace bitloom::cosim
