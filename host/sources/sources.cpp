// SPDX-License-Identifier: Apache-2.0
#include "host/sources/sources.hpp"

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "host/models/models.hpp"
#include "host/runtime/names.hpp"
#include "host/synthetic/synthetic.hpp"
#include "sw/checkpoint/checkpoint_format.hpp"
#include "sw/checkpoint/float_checkpoint.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// Float weights, and a text that two different matrices never share. To find it out may take time.
struct FloatLayer {
  FloatMatrix weights;
  std::string origin;
  std::function<std::string()> identity;
};

FloatLayer synthetic_layer(const LayerRequest& request) {
  const ModelLayer& shape = find_layer(request.layer);
  return {synthetic_weights(shape.name, shape.m, shape.k, request.seed),
          fmt::format("synthetic, seed {}", request.seed), [shape, seed = request.seed] {
            return fmt::format("synthetic {} {} {} {} {}", kSyntheticRevision, shape.name, shape.m,
                               shape.k, seed);
          }};
}

FloatLayer checkpoint_layer(const LayerRequest& request) {
  const FloatCheckpoint checkpoint = open_float_checkpoint(request.weights);
  FloatMatrix weights = checkpoint.matrix(checkpoint.layer(request.layer));
  return {weights, request.weights.string(), [weights] { return matrix_identity(weights); }};
}

LayerPlan plan_quantized(const LayerRequest& request, FloatLayer source) {
  const Recipe recipe{method_of(request.mode.value_or(Mode::bcq)),
                      {.bits = request.bits},
                      request.group_size.value_or(kDefaultGroupSize)};
  check_quantizable(source.weights.m, source.weights.k, recipe.precisions, recipe.group_size);
  Layer shape;
  shape.name = request.layer;
  shape.mode = mode_of(recipe.method);
  shape.m = source.weights.m;
  shape.k = source.weights.k;
  shape.group_size = recipe.group_size;
  shape.precisions[request.bits];
  const auto make = [name = request.layer, source = std::move(source),
                     recipe](const LayerProgress& progress) -> LayerSource {
    Quantized quantized = quantize_cached(LayerCache(cache_directory()), name, source.weights,
                                          source.identity(), recipe, progress);
    const double error = quantized.relative_error();
    return {std::move(quantized.layer), source.origin, source.weights, error};
  };
  return {std::move(shape), make};
}

// Refuses to run a layer as something else than it is.
void check_asked(const LayerRequest& request, const LayerOutline& layer) {
  const auto refuse = [&](const char* option, std::string found, const std::string& own) {
    throw Error(ErrorCode::usage, {option, std::move(found),
                                   fmt::format("{}, as layer {} of {} has it", own, layer.name,
                                               request.weights.string()),
                                   "Leave the option out: a quantized layer is run as it is."});
  };
  if (request.mode && *request.mode != layer.mode)
    refuse("--mode", name_in(kModeNames, *request.mode), name_in(kModeNames, layer.mode));
  if (request.group_size && *request.group_size != layer.group_size)
    refuse("--group-size", name_in(kGroupSizeNames, *request.group_size),
           name_in(kGroupSizeNames, layer.group_size));
}

std::size_t index_of(const QuantizedCheckpoint& checkpoint, const LayerRequest& request) {
  std::vector<std::string> names;
  for (const LayerOutline& layer : checkpoint.layers()) {
    if (layer.name == request.layer) return names.size();
    names.push_back(layer.name);
  }
  fail_unknown_layer(request.weights.string(), request.layer, names);
}

LayerPlan plan_read(const LayerRequest& request) {
  const std::shared_ptr<const QuantizedCheckpoint> checkpoint =
      open_quantized_checkpoint(request.weights);
  const std::size_t index = index_of(*checkpoint, request);
  const LayerOutline& outline = checkpoint->layers()[index];
  check_asked(request, outline);
  Layer shape{outline.shape(), {}, {}};
  for (const auto& [bits, offsets] : outline.precisions) shape.precisions[bits];
  return {std::move(shape),
          [checkpoint, index, origin = request.weights.string()](const LayerProgress&) {
            return LayerSource{checkpoint->read(index), origin, {}, {}};
          }};
}

}  // namespace

LayerPlan plan_layer(const LayerRequest& request) {
  if (request.weights.empty()) return plan_quantized(request, synthetic_layer(request));
  if (is_quantized(detect_format(request.weights))) return plan_read(request);
  return plan_quantized(request, checkpoint_layer(request));
}

}  // namespace bitloom
