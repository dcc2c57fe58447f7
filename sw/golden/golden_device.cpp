// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/golden_device.hpp"

#include <vector>

#include "sw/device/functional_device.hpp"
#include "sw/golden/golden.hpp"

namespace bitloom {

std::unique_ptr<Device> make_golden_device(Arithmetic arithmetic) {
  return make_functional_device("golden", [arithmetic](const Layer& layer) -> CallFunction {
    return [arithmetic, layer](unsigned bits, const Activations& acts, OutputFormat format,
                               std::vector<bool>& nan_tokens) {
      return golden_outputs(layer, bits, acts, arithmetic, format, &nan_tokens);
    };
  });
}

}  // namespace bitloom
