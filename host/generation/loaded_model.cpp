// SPDX-License-Identifier: Apache-2.0
#include "host/generation/loaded_model.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

Activations rounded(std::span<const float> x, std::uint32_t tokens, const std::string& layer) {
  Activations acts;
  acts.tokens = tokens;
  acts.k = static_cast<std::uint32_t>(x.size() / tokens);
  acts.x.reserve(x.size());
  for (const float value : x) {
    const Half half = half_from_double(value);
    if (!contract::is_finite(half))
      throw Error(ErrorCode::model_value,
                  {fmt::format("activation {} of layer {}", acts.x.size() % acts.k, layer),
                   fmt::format("{}", value), "a magnitude below 65520, the range of binary16",
                   "Run this layer at 16 bits: float layers take any finite value."});
    acts.x.push_back(half);
  }
  return acts;
}

void add_cycles(KindUsage& usage, const std::optional<CycleStats>& stats) {
  if (stats) usage.cycles = usage.cycles.value_or(0) + stats->cycles;
}

}  // namespace

std::optional<std::uint64_t> total_cycles(const LinearUsage& usage) {
  std::optional<std::uint64_t> total;
  for (const KindUsage& kind : usage)
    if (kind.cycles) total = total.value_or(0) + *kind.cycles;
  return total;
}

LoadedModel::LoadedModel(const FloatModel& model, const NeededPrecisions& needed,
                         const LayerMaker& make, std::unique_ptr<Device> device,
                         const std::function<void(LinearId)>& loaded)
    : device_(std::move(device)) {
  std::vector<LinearId> floats;
  for (const auto& [id, bits] : needed) {
    names_[id] = model.linear(id).name;
    std::set<unsigned> quantized = bits;
    if (quantized.erase(kFloatBits) != 0) floats.push_back(id);
    if (!quantized.empty()) load(model, id, quantized, make);
    loaded(id);
  }
  if (!floats.empty()) floats_.emplace(model, floats);
}

void LoadedModel::load(const FloatModel& model, LinearId id, const std::set<unsigned>& bits,
                       const LayerMaker& make) {
  on_device_[id] = device_->load(make(model.linear(id), bits));
}

void LoadedModel::multiply(std::span<const LinearProduct> products, std::span<const unsigned> bits,
                           std::uint32_t tokens, LinearUsage& usage) {
  std::vector<const LinearProduct*> queued;
  for (std::size_t i = 0; i < products.size(); ++i) {
    const LinearProduct& product = products[i];
    ++usage[static_cast<std::size_t>(product.layer.kind)].calls;
    if (bits[i] == kFloatBits) {
      floats_->multiply(std::span(&product, 1), tokens);
      continue;
    }
    device_->submit({on_device_.at(product.layer), bits[i],
                     rounded(product.x, tokens, names_.at(product.layer)), OutputFormat::binary32});
    queued.push_back(&product);
  }
  for (const LinearProduct* product : queued) {  // calls complete in order
    const std::optional<Completion> done = device_->poll();
    if (!done) throw std::logic_error("a device lost a submitted call");
    for (std::size_t i = 0; i < product->y.size(); ++i)
      product->y[i] = std::bit_cast<float>(done->y.bits.at(i));
    add_cycles(usage[static_cast<std::size_t>(product->layer.kind)], done->stats);
  }
}

void PlannedLayers::multiply(std::span<const LinearProduct> products, std::uint32_t tokens) {
  std::vector<unsigned> bits;
  bits.reserve(products.size());
  for (const LinearProduct& product : products) bits.push_back(plan_.bits(product.layer, index_));
  model_.multiply(products, bits, tokens, usage_);
}

}  // namespace bitloom
