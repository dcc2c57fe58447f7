// SPDX-License-Identifier: Apache-2.0
#include "sw/device/device.hpp"

#include <stdexcept>
#include <utility>

namespace bitloom {

Completion run_layer(Device& device, const Layer& layer, unsigned bits, Activations acts,
                     OutputFormat format) {
  const LayerId id = device.load(layer);
  device.submit({id, bits, std::move(acts), format});
  std::optional<Completion> completion = device.poll();
  device.unload(id);
  if (!completion) throw std::logic_error("a device lost a submitted call");
  return std::move(*completion);
}

}  // namespace bitloom
