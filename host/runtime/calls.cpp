// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/calls.hpp"

#include <stdexcept>
#include <utility>

namespace bitloom {
namespace {

Completion next_completion(Device& device) {
  std::optional<Completion> done = device.poll();
  if (!done) throw std::logic_error("a device lost a submitted call");
  return std::move(*done);
}

}  // namespace

Completion run_call(Device& device, const Call& call) {
  device.submit(call);
  return next_completion(device);
}

Repetition repeat_call(Device& device, const Call& call, std::uint32_t count,
                       const Outputs& expected) {
  for (std::uint32_t i = 0; i < count; ++i) device.submit(call);
  Repetition result;
  std::uint64_t cycles = 0;
  bool timed = true;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Completion done = next_completion(device);
    result.comparison += compare_outputs(done.y, expected);
    timed = timed && done.stats.has_value();
    if (!timed) continue;
    result.simulated_cycles += done.stats->simulated_cycles;
    if (i > 0) cycles += done.stats->cycles;
  }
  if (timed) result.steady_cycles = static_cast<double>(cycles) / (count - 1);
  return result;
}

}  // namespace bitloom
