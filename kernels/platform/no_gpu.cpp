// SPDX-License-Identifier: Apache-2.0
// Takes the place of the GPU compilation of the kernels where nvcc is not installed.
#include "kernels/tiled/tiled.hpp"

namespace bitloom::kernels::gpu {

EngineSearch find_engine(KernelSet /*kernels*/) {
  return {nullptr, "bitloom was built without nvcc"};
}

std::unique_ptr<LoadedLayer> load_tiled(const Layer& /*layer*/, Arithmetic /*arithmetic*/,
                                        const Planner& /*planner*/) {
  throw Fault("bitloom was built without nvcc");
}

}  // namespace bitloom::kernels::gpu
