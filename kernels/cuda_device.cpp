// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_device.hpp"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/reference.hpp"
#include "sw/contract/accumulate.hpp"
#include "sw/device/functional_device.hpp"

namespace bitloom {

std::unique_ptr<Device> make_cuda_device(Arithmetic arithmetic) {
  if (!contract::is_valid(arithmetic))
    throw std::invalid_argument("mantissa or accumulator bits outside the contract");
  std::shared_ptr<const kernels::Engine> engine = kernels::gpu::find_engine().engine;
  if (engine == nullptr) engine = kernels::cpu::find_engine().engine;
  return make_functional_device("cuda", [arithmetic, engine](const Layer& source) -> CallFunction {
    const std::shared_ptr<const kernels::LoadedLayer> layer = engine->load(source, arithmetic);
    return [layer](unsigned bits, const Activations& acts, OutputFormat format,
                   std::vector<bool>& nan_tokens) {
      kernels::Result result = layer->run(bits, acts, format);
      nan_tokens = std::move(result.nan_tokens);
      return std::move(result.y);
    };
  });
}

}  // namespace bitloom
