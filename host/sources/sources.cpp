// SPDX-License-Identifier: Apache-2.0
#include "host/sources/sources.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "host/models/models.hpp"
#include "host/runtime/names.hpp"
#include "host/synthetic/synthetic.hpp"
#include "sw/error/error.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/llama2c.hpp"

namespace bitloom {
namespace {

// Float weights, and a text that two different matrices never share.
struct FloatLayer {
  FloatMatrix weights;
  std::string origin;
  std::string identity;
};

FloatLayer synthetic_layer(const LayerRequest& request) {
  const ModelLayer& shape = find_layer(request.layer);
  return {synthetic_weights(shape.name, shape.m, shape.k, request.seed),
          fmt::format("synthetic, seed {}", request.seed),
          fmt::format("synthetic {} {} {} {} {}", kSyntheticRevision, shape.name, shape.m, shape.k,
                      request.seed)};
}

FloatLayer llama2c_layer(const LayerRequest& request) {
  const Llama2cFile file(request.weights);
  const Llama2cTensor& tensor = file.tensor(request.layer);
  FloatMatrix weights = matrix_of(file.read(tensor), tensor.rows, tensor.columns);
  std::string identity = matrix_identity(weights);
  return {std::move(weights), request.weights.string(), std::move(identity)};
}

LayerPlan plan_quantized(const LayerRequest& request, FloatLayer source) {
  const Recipe recipe{request.mode.value_or(Mode::bcq),
                      {.bits = request.bits},
                      request.group_size.value_or(kDefaultGroupSize)};
  check_quantizable(source.weights.m, source.weights.k, recipe.precisions, recipe.group_size);
  Layer shape;
  shape.name = request.layer;
  shape.mode = recipe.mode;
  shape.m = source.weights.m;
  shape.k = source.weights.k;
  shape.group_size = recipe.group_size;
  shape.precisions[request.bits];
  const auto make = [name = request.layer, source = std::move(source),
                     recipe](const LayerProgress& progress) -> LayerSource {
    Quantized quantized = quantize_cached(LayerCache(cache_directory()), name, source.weights,
                                          source.identity, recipe, progress);
    const double error = quantized.relative_error();
    return {std::move(quantized.layer), source.origin, source.weights, error};
  };
  return {std::move(shape), make};
}

// Refuses to run a layer as something else than it is.
void check_asked(const LayerRequest& request, const Layer& layer) {
  const auto refuse = [&](const char* option, std::string found, const std::string& own) {
    throw Error(
        ErrorCode::usage,
        {option, std::move(found),
         fmt::format("{}, as layer {} of {} has it", own, layer.name, request.weights.string()),
         "Leave the option out: a layer of an interchange file is run as it is."});
  };
  if (request.mode && *request.mode != layer.mode)
    refuse("--mode", name_in(kModeNames, *request.mode), name_in(kModeNames, layer.mode));
  if (request.group_size && *request.group_size != layer.group_size)
    refuse("--group-size", name_in(kGroupSizeNames, *request.group_size),
           name_in(kGroupSizeNames, layer.group_size));
}

LayerPlan plan_read(const LayerRequest& request) {
  const auto layer = std::make_shared<Layer>(read_layer(request.weights, request.layer));
  check_asked(request, *layer);
  Layer shape;
  shape.name = layer->name;
  shape.mode = layer->mode;
  shape.m = layer->m;
  shape.k = layer->k;
  shape.group_size = layer->group_size;
  for (const auto& [bits, tables] : layer->precisions) shape.precisions[bits];
  return {std::move(shape), [layer, origin = request.weights.string()](const LayerProgress&) {
            return LayerSource{*layer, origin, {}, {}};
          }};
}

}  // namespace

LayerPlan plan_layer(const LayerRequest& request) {
  if (request.weights.empty()) return plan_quantized(request, synthetic_layer(request));
  if (request.weights.extension() == ".bin") return plan_quantized(request, llama2c_layer(request));
  return plan_read(request);
}

}  // namespace bitloom
