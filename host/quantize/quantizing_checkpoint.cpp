// SPDX-License-Identifier: Apache-2.0
#include "host/quantize/quantizing_checkpoint.hpp"

#include <utility>

#include "host/checkpoints/select.hpp"
#include "sw/checkpoint/checkpoint_format.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

LayerOutline outline_of(const LinearLayer& layer, const Recipe& recipe) {
  LayerOutline outline;
  outline.name = layer.name;
  outline.mode = mode_of(recipe.method);
  outline.m = layer.m;
  outline.k = layer.k;
  outline.group_size = recipe.group_size;
  outline.plane_count = recipe.precisions.bits;
  const bool offsets = outline.mode == Mode::bcq && recipe.offset;
  for (unsigned bits = recipe.precisions.first(); bits <= recipe.precisions.bits; ++bits)
    outline.precisions[bits] = offsets;
  return outline;
}

// A tied classifier's weights are those of the embedding, which stays.
bool owns_its_tensor(const LinearLayer& layer) {
  return layer.tensor == layer.name || layer.tensor == layer.name + ".weight";
}

}  // namespace

QuantizingCheckpoint::QuantizingCheckpoint(const std::filesystem::path& source,
                                           const std::string& pattern, Recipe recipe,
                                           ColumnWeights weights, std::filesystem::path work,
                                           LayerProgress progress)
    : source_(open_float_checkpoint(source)),
      recipe_(std::move(recipe)),
      column_weights_(std::move(weights)),
      done_(std::move(work)),
      progress_(std::move(progress)) {
  std::vector<std::string> names;
  for (const LinearLayer& layer : source_.layers()) names.push_back(layer.name);
  others_ = source_.store().tensors();
  for (const std::size_t index : select_layers(names, pattern)) {
    const LinearLayer& layer = source_.layers()[index];
    check_quantizable(layer.m, layer.k, recipe_.precisions, recipe_.group_size);
    chosen_.push_back(layer);
    (void)column_importance(column_weights_(layer), layer.k);  // refused now, not hours later
    layers_.push_back(outline_of(layer, recipe_));
    weights_ += std::uint64_t{layer.m} * layer.k;
    rows_ += layer.m;
    if (owns_its_tensor(layer)) others_.erase(layer.tensor);
  }
  if (detect_format(source) == CheckpointFormat::hugging_face)
    config_ = InputFile(source / "config.json").text();
}

Layer QuantizingCheckpoint::read(std::size_t index) const {
  const LinearLayer& layer = chosen_.at(index);
  const FloatMatrix matrix = source_.matrix(layer);
  Recipe recipe = recipe_;
  recipe.column_weights = column_weights_(layer);
  Quantized quantized =
      quantize_cached(done_, layer.name, matrix, matrix_identity(matrix), recipe, progress_);
  errors_[layer.name] = quantized.relative_errors;
  return std::move(quantized.layer);
}

std::vector<std::uint8_t> QuantizingCheckpoint::read_other(const std::string& name,
                                                           std::uint64_t offset,
                                                           std::size_t length) const {
  return source_.store().read(name, offset, length);
}

}  // namespace bitloom
