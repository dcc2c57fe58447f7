// SPDX-License-Identifier: Apache-2.0
// One layer call on one device, optionally followed by a train of the same call.
#pragma once

#include <cstdint>
#include <optional>

#include "sw/device/device.hpp"

namespace bitloom {

struct Execution {
  Completion done;  ///< of an isolated call
  /// Cycles per call in a train of back-to-back calls, its first left out; empty without a train or
  /// when the device knows no cycles.
  std::optional<double> steady_cycles;
};

/// Runs `call` alone; with `train` >= 2, that many calls follow in one queue. Throws
/// std::runtime_error when the train gives other results than the isolated call.
Execution execute(Device& device, const Call& call, std::uint32_t train = 0);

}  // namespace bitloom
