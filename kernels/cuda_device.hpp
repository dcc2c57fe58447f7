// SPDX-License-Identifier: Apache-2.0
// The backend "cuda": the reference kernel, on this machine's GPU or else on the host.
#pragma once

#include <memory>

#include "kernels/engine.hpp"
#include "sw/device/device.hpp"

namespace bitloom {

/// Its calls throw Error gpu_fault when the GPU reports an error. This function throws
/// std::invalid_argument when arithmetic.mantissa_bits is not in 8..24 or the accumulator not
/// in 32..128.
std::unique_ptr<Device> make_cuda_device(Arithmetic arithmetic);

/// The same on a given engine.
std::unique_ptr<Device> make_cuda_device(Arithmetic arithmetic,
                                         std::shared_ptr<const kernels::Engine> engine);

}  // namespace bitloom
