// SPDX-License-Identifier: Apache-2.0
// The engines of both sets of kernels, made once the device is known (engine.cu).
#pragma once

#include <memory>

#include "kernels/engine.hpp"

namespace bitloom::kernels {

namespace cpu {
std::unique_ptr<Engine> make_reference_engine(EngineInfo info);
std::unique_ptr<Engine> make_tiled_engine(EngineInfo info);
}  // namespace cpu

namespace gpu {
std::unique_ptr<Engine> make_reference_engine(EngineInfo info);
std::unique_ptr<Engine> make_tiled_engine(EngineInfo info);
}  // namespace gpu

}  // namespace bitloom::kernels
