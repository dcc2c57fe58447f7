// SPDX-License-Identifier: Apache-2.0
// The engines of both sets of kernels, made once the device is known (engine.cu).
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/engine.hpp"

namespace bitloom::kernels {

/// What every byte of the outputs is before a run, so that one which was not written shows: memory
/// that is allocated again may hold an earlier run's right answer.
inline constexpr std::uint8_t kNoOutput = 0xFF;

namespace cpu {
std::unique_ptr<Engine> make_reference_engine(EngineInfo info);
std::unique_ptr<Engine> make_tiled_engine(EngineInfo info);
}  // namespace cpu

namespace gpu {
std::unique_ptr<Engine> make_reference_engine(EngineInfo info);
std::unique_ptr<Engine> make_tiled_engine(EngineInfo info);
}  // namespace gpu

}  // namespace bitloom::kernels
