// SPDX-License-Identifier: Apache-2.0
// The "rtl" backend: the Verilated accelerator in its testbench, behind the Device interface.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sim/protocol/protocol.hpp"
#include "sim/rtl/worker_build.hpp"
#include "sw/device/device.hpp"

namespace bitloom {

struct RtlOptions {
  sim::WorkerOptions worker;
  /// A waveform of cycles [from, to], counted from reset, and an event trace; either needs
  /// worker.observe. A run with the same calls repeats cycle for cycle.
  sim::Observation observation;
  /// Told the cycles simulated so far, several times a second.
  std::function<void(std::uint64_t cycles)> progress;
  /// How long the worker may be silent before it counts as dead.
  std::chrono::milliseconds reply_limit{120'000};
};

/// A device that simulates the RTL of a configuration; builds the worker first where needed.
/// Queued calls run back to back, each in descriptors of at most `tokens` tokens. Errors:
///   rtl_build        the worker cannot be built;
///   layer_limit      load, submit: what rtl_refusal() says (rtl_support.hpp);
///   rtl_fault        poll: the machine reported a status other than ok, an assertion failed, or
///                    the worker died. A new worker takes over for the calls behind; an observed
///                    one is not replaced, so its calls all fail and its files stay.
std::unique_ptr<Device> make_rtl_device(const Config& config, RtlOptions options = {});

}  // namespace bitloom
