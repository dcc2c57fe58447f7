// SPDX-License-Identifier: Apache-2.0
#include "host/generation/layer_makers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sw/checkpoint/name_list.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

bool runs_quantized(const std::set<unsigned>& bits) { return *bits.begin() != kFloatBits; }

// The index of each layer by its name. All layers that are run quantized are there.
std::map<std::string, std::size_t> find_layers(const std::filesystem::path& path,
                                               const QuantizedCheckpoint& checkpoint,
                                               const FloatModel& model,
                                               const NeededPrecisions& needed) {
  std::map<std::string, std::size_t> indices;
  for (std::size_t i = 0; i < checkpoint.layers().size(); ++i)
    indices[checkpoint.layers()[i].name] = i;
  std::vector<std::string> missing;
  for (const auto& [id, bits] : needed) {
    const std::string& name = model.linear(id).name;
    if (runs_quantized(bits) && !indices.contains(name)) missing.push_back(name);
  }
  if (!missing.empty())
    throw Error(ErrorCode::layer_name,
                {path.string(), "no layer " + name_list(missing),
                 "every linear layer of the model that is run quantized",
                 fmt::format("Quantize the whole model into one checkpoint, or run such layers "
                             "unquantized: --layer-bits {}=16.",
                             missing.front())});
  return indices;
}

void check_layer(const std::filesystem::path& path, const LayerOutline& layer,
                 const FloatMatrix& weights, const std::set<unsigned>& bits,
                 const CallCheck& check) {
  const std::string place = fmt::format("{}, layer {}", path.string(), layer.name);
  if (layer.m != weights.m || layer.k != weights.k)
    throw Error(ErrorCode::layer_shape,
                {place, fmt::format("{} x {}", layer.m, layer.k),
                 fmt::format("{} x {} as in the model", weights.m, weights.k),
                 "Give layers that were made from this model."});
  for (const unsigned b : bits) {
    if (b == kFloatBits) continue;
    if (!layer.precisions.contains(b))
      throw Error(ErrorCode::call_precision,
                  {place, fmt::format("no precision of {} bits", b),
                   fmt::format("one that it serves: {}", fmt::join(layer.served(), ", ")),
                   "Choose one of these."});
    check(layer, b);
  }
}

}  // namespace

LayerMaker quantizing_maker(Mode mode, std::uint32_t group_size, const LayerProgress& progress) {
  return [mode, group_size, progress](const NamedLinear& linear, const std::set<unsigned>& bits) {
    const PrecisionRange precisions = range_of(bits).value();
    return quantize_cached(LayerCache(cache_directory()), linear.name, linear.weights,
                           matrix_identity(linear.weights),
                           {method_of(mode), precisions, group_size}, progress)
        .layer;
  };
}

LayerMaker reading_maker(const std::filesystem::path& path, const FloatModel& model,
                         const NeededPrecisions& needed, const CallCheck& check) {
  const std::shared_ptr<const QuantizedCheckpoint> checkpoint = open_quantized_checkpoint(path);
  const std::map<std::string, std::size_t> indices = find_layers(path, *checkpoint, model, needed);
  for (const auto& [id, bits] : needed) {
    const NamedLinear& linear = model.linear(id);
    if (runs_quantized(bits))
      check_layer(path, checkpoint->layers()[indices.at(linear.name)], linear.weights, bits, check);
  }
  return [checkpoint, indices](const NamedLinear& linear, const std::set<unsigned>&) {
    return checkpoint->read(indices.at(linear.name));
  };
}

}  // namespace bitloom
