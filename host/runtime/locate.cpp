// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/locate.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include "host/runtime/devices.hpp"
#include "host/runtime/execute.hpp"
#include "sw/golden/golden.hpp"

namespace bitloom {
namespace {

void observe(const Layer& layer, const Activations& acts, const RunOptions& options,
             sim::Observation observation) {
  DeviceOptions observed = options.device;
  observed.observation = std::move(observation);
  const std::unique_ptr<Device> device = make_device(options.backend, options.config, observed);
  execute(*device, {device->load(layer), options.bits, acts, options.format});
}

std::vector<TracedPartial> trace_row(const Layer& layer, const Activations& acts,
                                     const RunOptions& options, const Mismatch& mismatch,
                                     const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "trace.txt";
  observe(layer, acts, options, {.from = 0, .to = 0, .wave_file = "", .trace_file = file.string()});
  std::ifstream trace(file);
  // One descriptor per token, in order.
  std::vector<TracedPartial> partials = read_partials(trace, mismatch.token, mismatch.row);
  std::filesystem::remove(file);  // a record per row, group and plane: too large to keep
  return partials;
}

}  // namespace

std::vector<TracedPartial> read_partials(std::istream& trace, std::uint64_t index,
                                         std::uint32_t row) {
  std::vector<TracedPartial> partials;
  for (std::string line; std::getline(trace, line);) {
    if (line.find(" partial ") == std::string::npos) continue;
    std::istringstream fields(line);
    TracedPartial partial;
    std::string event;
    std::uint64_t record_index = 0;
    std::uint32_t record_row = 0;
    fields >> partial.cycle >> event >> record_index >> record_row >> partial.group >>
        partial.plane >> partial.value;
    if (fields && record_index == index && record_row == row) partials.push_back(partial);
  }
  return partials;
}

std::optional<Difference> first_difference(std::span<const TracedPartial> traced,
                                           std::span<const std::int64_t> expected, unsigned bits) {
  for (const TracedPartial& partial : traced) {
    const std::size_t at = std::size_t{partial.group} * bits + partial.plane;
    if (partial.plane >= bits || at >= expected.size()) return Difference{partial, 0};
    if (partial.value != expected[at]) return Difference{partial, expected[at]};
  }
  return std::nullopt;
}

Localization locate_mismatch(const Layer& layer, const Activations& acts, const RunOptions& options,
                             const Mismatch& mismatch, const std::filesystem::path& directory) {
  const std::vector<TracedPartial> traced = trace_row(layer, acts, options, mismatch, directory);
  const std::vector<std::int64_t> expected = golden_partials(
      layer, options.bits, acts, options.config.arithmetic(), mismatch.token, mismatch.row);
  Localization located;
  located.difference = first_difference(traced, expected, options.bits);
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
