// SPDX-License-Identifier: Apache-2.0
// One layer call on one device: tokens split to what the device takes at once, optionally repeated
// back to back.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sw/device/device.hpp"

namespace bitloom {

struct Execution {
  Outputs y;                     ///< all tokens
  std::vector<bool> nan_tokens;  ///< [T]
  /// Of the calls that make up one pass over all tokens; empty when the device knows no cycles.
  std::optional<CycleStats> stats;
  /// Cycles per pass in a train of back-to-back passes, its first left out; empty without a train.
  std::optional<double> steady_cycles;
};

/// What is run: all fields as in Call, but with any number of tokens.
struct Work {
  LayerId layer{};
  std::uint32_t m = 0;  ///< the layer's rows
  unsigned bits = 0;
  const Activations& acts;
  OutputFormat format = OutputFormat::binary32;
  std::uint32_t tokens_at_once = 1;  ///< at most this many tokens per call
};

/// Runs one isolated pass over all tokens. With `train` >= 2, that many passes follow back to back
/// in one queue. Throws std::runtime_error when the device gives a train pass other results.
Execution execute(Device& device, const Work& work, std::uint32_t train = 0);

}  // namespace bitloom
