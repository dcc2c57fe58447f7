// SPDX-License-Identifier: Apache-2.0
// A call on its own, and calls back to back: cycles per call when the next descriptor waits.
#pragma once

#include <cstdint>
#include <optional>

#include "host/runtime/compare.hpp"
#include "sw/device/device.hpp"

namespace bitloom {

/// Submits a call to a device with nothing queued and waits for it.
Completion run_call(Device& device, const Call& call);

/// Fewest calls that have a steady state: the first one's start-up nothing hides.
inline constexpr std::uint32_t kFewestRepeats = 2;
/// Most calls; each has activations and outputs of its own in the device's memory.
inline constexpr std::uint32_t kMostRepeats = 1024;

struct Repetition {
  /// Cycles per call, the first call left out; empty when the device knows no cycles.
  std::optional<double> steady_cycles;
  std::uint64_t simulated_cycles = 0;  ///< of all calls
  Comparison comparison;               ///< of all calls' outputs with those expected
};

/// Queues `count` (kFewestRepeats to kMostRepeats) times the same call and waits for all of them.
/// Throws what the device throws.
Repetition repeat_call(Device& device, const Call& call, std::uint32_t count,
                       const Outputs& expected);

}  // namespace bitloom
