// SPDX-License-Identifier: Apache-2.0
#include "sw/device/device.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

std::string list_of(std::span<const unsigned> precisions) {
  std::string text;
  for (const unsigned bits : precisions) text += (text.empty() ? "" : ", ") + std::to_string(bits);
  return text.empty() ? "none" : text;
}

// A layer on a device for as long as this lives.
class LoadedLayer {
 public:
  LoadedLayer(Device& device, const Layer& layer) : device_(device), id_(device.load(layer)) {}
  LoadedLayer(const LoadedLayer&) = delete;
  LoadedLayer& operator=(const LoadedLayer&) = delete;
  ~LoadedLayer() { device_.unload(id_); }

  [[nodiscard]] LayerId id() const { return id_; }

 private:
  Device& device_;
  LayerId id_;
};

}  // namespace

void check_call(const LayerShape& layer, std::span<const unsigned> served, const Call& call) {
  if (std::find(served.begin(), served.end(), call.bits) == served.end())
    throw Error(ErrorCode::call_precision,
                {"layer " + layer.name, std::to_string(call.bits) + " bits",
                 "a precision that the layer serves: " + list_of(served), "Ask for one of those."});
  const Activations& acts = call.acts;
  if (acts.k != layer.k || acts.x.size() != std::size_t{acts.tokens} * acts.k)
    throw Error(
        ErrorCode::call_shape,
        {"activations of layer " + layer.name,
         std::to_string(acts.tokens) + " x " + std::to_string(acts.k) + " columns, " +
             std::to_string(acts.x.size()) + " values",
         std::to_string(layer.k) + " columns", "Give one value per input column and token."});
}

Completion run_layer(Device& device, const Layer& layer, unsigned bits, Activations acts,
                     OutputFormat format) {
  const LoadedLayer loaded(device, layer);
  device.submit({loaded.id(), bits, std::move(acts), format});
  std::optional<Completion> completion = device.poll();
  if (!completion) throw std::logic_error("a device lost a submitted call");
  return std::move(*completion);
}

}  // namespace bitloom
