// SPDX-License-Identifier: Apache-2.0
#include "sw/cpu/cpu_device.hpp"

#include <memory>
#include <stdexcept>
#include <vector>

#include "sw/contract/accumulate.hpp"
#include "sw/cpu/cpu_layer.hpp"
#include "sw/device/functional_device.hpp"

namespace bitloom {

std::unique_ptr<Device> make_cpu_device(Arithmetic arithmetic, unsigned threads) {
  if (!contract::is_valid(arithmetic))
    throw std::invalid_argument("mantissa or accumulator bits outside the contract");
  return make_functional_device("cpu", [arithmetic, threads](const Layer& source) -> CallFunction {
    // Shared, because a std::function is copyable and a layer must not be copied with it.
    const auto layer = std::make_shared<const CpuLayer>(source, arithmetic, threads);
    return [layer](unsigned bits, const Activations& acts, OutputFormat format,
                   std::vector<bool>& nan_tokens) {
      return layer->run(bits, acts, format, nan_tokens);
    };
  });
}

}  // namespace bitloom
