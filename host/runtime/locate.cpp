// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/locate.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>

#include "host/runtime/devices.hpp"
#include "sw/error/error.hpp"
#include "sw/golden/golden.hpp"
#include "sw/layout/tiling.hpp"

namespace bitloom {
namespace {

void observe(const Layer& layer, const Activations& acts, const RunOptions& options,
             sim::Observation observation) {
  RtlOptions observed = options.rtl;
  observed.worker.observe = true;
  observed.observation = std::move(observation);
  const std::unique_ptr<Device> device = make_device(options.backend, options.config, observed);
  run_layer(*device, layer, options.bits, acts, options.format);
}

// Of the token and row of the mismatch.
std::vector<TracedPartial> trace_partials(const Layer& layer, const Activations& acts,
                                          const RunOptions& options, const Mismatch& mismatch,
                                          const std::filesystem::path& file) {
  observe(layer, acts, options, {.from = 0, .to = 0, .wave_file = "", .trace_file = file.string()});
  std::ifstream trace(file);
  if (!trace)
    throw Error(ErrorCode::rtl_fault,
                {file.string(), "no readable file", "the event trace of the repeated run", ""});
  std::vector<TracedPartial> partials =
      read_partials(trace, traced_output(mismatch, options.config.hardware));
  trace.close();
  std::filesystem::remove(file);  // a record per row, group and plane: too large to keep
  return partials;
}

}  // namespace

TracedOutput traced_output(const Mismatch& mismatch, const HardwareConfig& hardware) {
  return {.index = mismatch.token / hardware.tokens,
          .token = mismatch.token % hardware.tokens,
          .row = mismatch.row};
}

std::vector<TracedPartial> read_partials(std::istream& trace, const TracedOutput& output) {
  std::vector<TracedPartial> partials;
  for (std::string line; std::getline(trace, line);) {
    if (line.find(" partial ") == std::string::npos) continue;
    std::istringstream fields(line);
    TracedPartial partial;
    std::string event;
    TracedOutput of;
    fields >> partial.cycle >> event >> of.index >> of.token >> of.row >> partial.group >>
        partial.plane >> partial.value;
    if (fields && of == output) partials.push_back(partial);
  }
  return partials;
}

std::optional<Difference> first_difference(std::span<const TracedPartial> traced,
                                           std::span<const std::int64_t> expected,
                                           std::uint32_t rounds) {
  for (const TracedPartial& partial : traced) {
    const std::size_t at = std::size_t{partial.group} * rounds + partial.plane;
    if (partial.plane >= rounds || at >= expected.size()) return Difference{partial, 0};
    if (partial.value != expected[at]) return Difference{partial, expected[at]};
  }
  return std::nullopt;
}

void check_complete(std::span<const TracedPartial> traced, std::span<const std::int64_t> expected,
                    const Mismatch& mismatch, const std::filesystem::path& trace) {
  if (traced.size() == expected.size()) return;
  throw Error(ErrorCode::rtl_fault,
              {trace.string(),
               fmt::format("{} partial sums of row {}, token {}: the event trace is incomplete",
                           traced.size(), mismatch.row, mismatch.token),
               fmt::format("{}", expected.size()), ""});
}

Localization locate_mismatch(const Layer& layer, const Activations& acts, const RunOptions& options,
                             const Mismatch& mismatch, const std::filesystem::path& directory) {
  const std::filesystem::path trace = directory / "trace.txt";
  const std::vector<TracedPartial> traced = trace_partials(layer, acts, options, mismatch, trace);
  const std::vector<std::int64_t> expected = golden_partials(
      layer, options.bits, acts, options.config.arithmetic(), mismatch.token, mismatch.row);
  Localization located;
  located.compared = expected.size();
  if (!expected.empty())
    located.difference = first_difference(traced, expected, rounds_of(layer.mode, options.bits));
  // A wrong sum is one however much of the trace is missing; "all are right" takes all of them.
  if (!expected.empty() && !located.difference) check_complete(traced, expected, mismatch, trace);
  std::uint64_t cycle = traced.empty() ? 0 : traced.back().cycle;
  if (located.difference) cycle = located.difference->found.cycle;
  located.from = cycle > kCyclesBefore ? cycle - kCyclesBefore : 0;
  located.to = cycle + kCyclesBehind;
  located.wave = directory / "mismatch.fst";
  observe(layer, acts, options,
          {.from = located.from,
           .to = located.to,
           .wave_file = located.wave.string(),
           .trace_file = ""});
  return located;
}

}  // namespace bitloom
