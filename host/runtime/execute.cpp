// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/execute.hpp"

#include <stdexcept>
#include <utility>

namespace bitloom {
namespace {

Completion next_completion(Device& device) {
  std::optional<Completion> done = device.poll();
  if (!done) throw std::runtime_error("the device lost a call");
  return std::move(*done);
}

// Cycles per call of a train without its first call, whose start-up nothing hides.
std::optional<double> run_train(Device& device, const Call& call, std::uint32_t train,
                                const Outputs& expected) {
  for (std::uint32_t i = 0; i < train; ++i) device.submit(call);
  std::uint64_t cycles = 0;
  bool timed = true;
  for (std::uint32_t i = 0; i < train; ++i) {
    const Completion done = next_completion(device);
    if (done.y != expected)
      throw std::runtime_error("back-to-back calls gave other results than an isolated one");
    timed = timed && done.stats.has_value();
    if (timed && i > 0) cycles += done.stats->cycles;
  }
  if (!timed) return std::nullopt;
  return static_cast<double>(cycles) / (train - 1);
}

}  // namespace

Execution execute(Device& device, const Call& call, std::uint32_t train) {
  device.submit(call);
  Execution result{next_completion(device), std::nullopt};
  if (train >= 2) result.steady_cycles = run_train(device, call, train, result.done.y);
  return result;
}

}  // namespace bitloom
