// SPDX-License-Identifier: Apache-2.0
// The fast functional model: all modes of the contract at a speed that serves whole models.
#pragma once

#include <memory>

#include "sw/device/device.hpp"

namespace bitloom {

/// The backend "cpu". `threads` = 0 uses one per core; results do not depend on it. Throws
/// std::invalid_argument when arithmetic.mantissa_bits is not in 8..24 or the accumulator not
/// in 32..128.
std::unique_ptr<Device> make_cpu_device(Arithmetic arithmetic, unsigned threads = 0);

}  // namespace bitloom
