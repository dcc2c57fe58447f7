// SPDX-License-Identifier: Apache-2.0
#include "host/generation/layer_makers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sw/error/error.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

bool is_quantized(const std::set<unsigned>& bits) { return *bits.begin() != kFloatBits; }

void check_names(const std::filesystem::path& path, const FloatModel& model,
                 const NeededPrecisions& needed) {
  const std::vector<std::string> there = list_layers(path);
  std::vector<std::string> missing;
  for (const auto& [id, bits] : needed) {
    const std::string& name = model.linear(id).name;
    if (is_quantized(bits) && !std::binary_search(there.begin(), there.end(), name))
      missing.push_back(name);
  }
  if (missing.empty()) return;
  throw Error(ErrorCode::layer_name,
              {path.string(), fmt::format("no layer {}", fmt::join(missing, ", ")),
               "every linear layer of the model that is run quantized",
               "Quantize the whole model into one file, or leave --weights out."});
}

void check_layer(const std::filesystem::path& path, const Layer& layer, const FloatMatrix& weights,
                 const std::set<unsigned>& bits) {
  const std::string place = fmt::format("{}, layer {}", path.string(), layer.name);
  if (layer.m != weights.m || layer.k != weights.k)
    throw Error(ErrorCode::layer_shape,
                {place, fmt::format("{} x {}", layer.m, layer.k),
                 fmt::format("{} x {} as in the model", weights.m, weights.k),
                 "Give the file that was made from this model."});
  for (const unsigned b : bits)
    if (!layer.precisions.contains(b))
      throw Error(ErrorCode::call_precision,
                  {place, fmt::format("no precision of {} bits", b),
                   fmt::format("one that it serves: {}", fmt::join(layer.served(), ", ")),
                   "Choose one of these."});
}

}  // namespace

LayerMaker quantizing_maker(Mode mode, std::uint32_t group_size, const LayerProgress& progress) {
  return [mode, group_size, progress](const NamedLinear& linear, const std::set<unsigned>& bits) {
    const PrecisionRange precisions{.seed = *bits.begin(), .bits = *bits.rbegin()};
    return quantize_cached(LayerCache(cache_directory()), linear.name, linear.weights,
                           matrix_identity(linear.weights), {mode, precisions, group_size},
                           progress)
        .layer;
  };
}

LayerMaker reading_maker(const std::filesystem::path& path, const FloatModel& model,
                         const NeededPrecisions& needed) {
  check_names(path, model, needed);
  return [path](const NamedLinear& linear, const std::set<unsigned>& bits) {
    Layer layer = read_layer(path, linear.name);
    check_layer(path, layer, linear.weights, bits);
    return layer;
  };
}

}  // namespace bitloom
