// SPDX-License-Identifier: Apache-2.0
// The one interface to everything that can run a layer: golden, cpu, cuda, rtl. Layers are loaded
// once and called at any served precision; calls are queued like descriptors and complete in order.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom {

enum class LayerId : std::uint64_t {};
enum class Ticket : std::uint64_t {};

/// One layer call. The activations' K must equal the layer's; bits must be a served precision.
struct Call {
  LayerId layer{};
  unsigned bits = 0;
  Activations acts;
  OutputFormat format = OutputFormat::binary32;
};

/// The cause of a cycle, in order of priority (docs/units/ctrl.md): each cycle has exactly one.
enum class Cause : std::uint8_t { busy, output, activations, scales, weights, control };
inline constexpr std::array<std::string_view, 6> kCauseNames = {"busy",   "output",  "activations",
                                                                "scales", "weights", "control"};

/// Memory streams. Reads: weights, scales, activations, descriptors; writes: outputs, completions.
enum class Stream : std::uint8_t {
  weights,
  scales,
  activations,
  descriptors,
  outputs,
  completions
};
inline constexpr std::array<std::string_view, 6> kStreamNames = {
    "weights", "scales", "activations", "descriptors", "outputs", "completions"};

/// What a cycle-accurate device knows of one completed call.
struct CycleStats {
  std::uint64_t cycles = 0;                     ///< sum of `by_cause`
  std::array<std::uint64_t, 6> by_cause{};      ///< cycles, indexed by Cause
  std::array<std::uint64_t, 6> stream_bytes{};  ///< bytes on the memory ports, indexed by Stream
  std::uint64_t simulated_cycles = 0;           ///< clock cycles stepped by the simulator
  double wall_seconds = 0;                      ///< spent stepping them
};

struct Completion {
  Ticket ticket{};
  Outputs y;
  std::vector<bool> nan_tokens;  ///< [T]: the token held a NaN or Inf
  std::optional<CycleStats> stats;
};

class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  /// The backend's name as users type it: "golden", "cpu", "cuda", "rtl".
  [[nodiscard]] virtual std::string_view name() const = 0;

  /// Takes a copy of what it needs in its own layout. Throws Error when the device cannot run the
  /// layer (the message names the limit).
  virtual LayerId load(const Layer& layer) = 0;
  virtual void unload(LayerId layer) = 0;

  /// Queues a call and returns at once. Throws Error when the call cannot run on this device.
  virtual Ticket submit(Call call) = 0;

  /// The oldest finished call not yet returned; works on queued calls until one is finished.
  /// Empty when nothing is queued. Throws Error (a device fault) when the call failed; calls queued
  /// behind it are not lost.
  virtual std::optional<Completion> poll() = 0;
};

/// Throws Error call_precision or call_shape unless `call` fits a layer of this shape that serves
/// these precisions. For implementations of submit().
void check_call(const LayerShape& layer, std::span<const unsigned> served, const Call& call);

/// Loads, submits and waits for one call: for callers that have nothing to overlap. Nothing stays
/// loaded, whatever is thrown.
Completion run_layer(Device& device, const Layer& layer, unsigned bits, Activations acts,
                     OutputFormat format);

}  // namespace bitloom
