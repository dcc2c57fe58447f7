// SPDX-License-Identifier: Apache-2.0
// Backends by name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gen/config.hpp"
#include "sim/protocol/protocol.hpp"
#include "sw/device/device.hpp"

namespace bitloom {

/// What a run wants of a simulated device; the other devices have no use for it.
struct DeviceOptions {
  /// A waveform window or an event trace: runs the slower executable that can be observed.
  std::optional<sim::Observation> observation;
  /// Told before something slow, such as building a simulator.
  std::function<void(std::string_view)> notice;
  /// Told the cycles simulated so far, now and then.
  std::function<void(std::uint64_t)> progress;
};

/// The names that make_device takes, as users type them.
const std::vector<std::string>& backend_names();

/// A backend's device. Arithmetic comes from the configuration on every backend; the rest of it
/// matters to hardware only. Throws Error backend_name with the names there are, and what the
/// device's own factory throws.
std::unique_ptr<Device> make_device(std::string_view backend, const Config& config,
                                    const DeviceOptions& options = {});

/// True for backends that are the hardware, to which the configuration's limits apply. Throws
/// Error backend_name.
bool is_hardware(std::string_view backend);

}  // namespace bitloom
