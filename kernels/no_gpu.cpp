// SPDX-License-Identifier: Apache-2.0
// Takes the place of the GPU compilation of reference.cu where nvcc is not installed.
#include "kernels/reference.hpp"

namespace bitloom::kernels::gpu {

EngineSearch find_engine() { return {nullptr, "bitloom was built without nvcc"}; }

}  // namespace bitloom::kernels::gpu
