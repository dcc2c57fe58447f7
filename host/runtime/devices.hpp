// SPDX-License-Identifier: Apache-2.0
// Backends by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gen/config.hpp"
#include "sim/rtl/rtl_device.hpp"
#include "sw/device/device.hpp"

namespace bitloom {

/// The names that make_device takes, as users type them.
const std::vector<std::string>& backend_names();

/// A backend's device. Arithmetic comes from the configuration on every backend; the rest of it
/// and `rtl` matter to hardware only. Throws Error backend_name with the names there are, and what
/// the device's own factory throws.
std::unique_ptr<Device> make_device(std::string_view backend, const Config& config,
                                    const RtlOptions& rtl = {});

/// True for backends that are the hardware, to which the configuration's limits apply. Throws
/// Error backend_name.
bool is_hardware(std::string_view backend);

}  // namespace bitloom
