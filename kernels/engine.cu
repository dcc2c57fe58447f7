// SPDX-License-Identifier: Apache-2.0
// Finds the device. Compiled by nvcc for GPUs and by the host compiler for the host.
#include "kernels/engine.hpp"

#include <string>
#include <utility>

#include "kernels/engines.hpp"
#include "kernels/platform/platform.hpp"

namespace bitloom::kernels::BL_PLATFORM {
namespace {

EngineSearch found(KernelSet kernels, EngineInfo info) {
  return {kernels == KernelSet::reference ? make_reference_engine(std::move(info))
                                          : make_tiled_engine(std::move(info)),
          ""};
}

}  // namespace

#ifdef __CUDACC__

EngineSearch find_engine(KernelSet kernels) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return {nullptr, cudaGetErrorString(status)};
  if (count == 0) return {nullptr, "this machine has no GPU"};

  const auto version = [](int v) {
    return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
  };
  cudaDeviceProp properties{};
  int driver = 0;
  int runtime = 0;
  require(cudaGetDeviceProperties(&properties, 0), "properties of the GPU");
  require(cudaDriverGetVersion(&driver), "version of the driver");
  require(cudaRuntimeGetVersion(&runtime), "version of the runtime");
  return found(kernels, {properties.name,
                         std::to_string(properties.major) + "." + std::to_string(properties.minor),
                         version(driver), version(runtime)});
}

#else

EngineSearch find_engine(KernelSet kernels) { return found(kernels, {"host", "", "", ""}); }

#endif

}  // namespace bitloom::kernels::BL_PLATFORM
