// SPDX-License-Identifier: Apache-2.0
// The "golden" backend: golden_outputs behind the Device interface.
#pragma once

#include <memory>

#include "sw/device/device.hpp"

namespace bitloom {

/// Runs every layer and precision of the contract; arithmetic as in golden_outputs.
std::unique_ptr<Device> make_golden_device(Arithmetic arithmetic);

}  // namespace bitloom
