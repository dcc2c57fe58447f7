// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_device.hpp"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sw/contract/accumulate.hpp"
#include "sw/device/functional_device.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// The result of work(), its Fault as an Error that says what it concerns.
template <class Work>
auto faults_as_errors(const std::string& place, Work work) {
  try {
    return work();
  } catch (const kernels::Fault& fault) {
    throw Error(ErrorCode::gpu_fault,
                {place, std::string("the GPU's error \"") + fault.what() + "\"", "no error",
                 "Look at the driver's log, or use the backend cpu."});
  }
}

}  // namespace

std::unique_ptr<Device> make_cuda_device(Arithmetic arithmetic) {
  std::shared_ptr<const kernels::Engine> engine = faults_as_errors("the search for a GPU", [] {
    return kernels::gpu::find_engine(kernels::KernelSet::reference).engine;
  });
  if (engine == nullptr) engine = kernels::cpu::find_engine(kernels::KernelSet::reference).engine;
  return make_cuda_device(arithmetic, engine);
}

std::unique_ptr<Device> make_cuda_device(Arithmetic arithmetic,
                                         std::shared_ptr<const kernels::Engine> engine) {
  if (!contract::is_valid(arithmetic))
    throw std::invalid_argument("mantissa or accumulator bits outside the contract");
  return make_functional_device(
      "cuda", [arithmetic, engine = std::move(engine)](const Layer& source) -> CallFunction {
        const std::shared_ptr<const kernels::LoadedLayer> layer = faults_as_errors(
            "layer " + source.name, [&] { return engine->load(source, arithmetic); });
        return [layer, place = "layer " + source.name](unsigned bits, const Activations& acts,
                                                       OutputFormat format,
                                                       std::vector<bool>& nan_tokens) {
          kernels::Result result =
              faults_as_errors(place, [&] { return layer->run(bits, acts, format); });
          nan_tokens = std::move(result.nan_tokens);
          return std::move(result.y);
        };
      });
}

}  // namespace bitloom
