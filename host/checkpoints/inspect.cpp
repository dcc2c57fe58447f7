// SPDX-License-Identifier: Apache-2.0
#include "host/checkpoints/inspect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "sw/checkpoint/float_checkpoint.hpp"
#include "sw/checkpoint/name_list.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/quantized.hpp"

namespace bitloom {
namespace {

std::uint64_t bytes_of(const LayerOutline& layer, unsigned bits, bool has_offsets) {
  const std::uint64_t planes = std::uint64_t{bits} * layer.m * layer.row_bytes();
  if (layer.mode == Mode::codebook) return planes + 2 * (std::uint64_t{layer.m} << bits);
  const std::uint64_t tables = std::uint64_t{layer.m} * layer.groups();
  return planes + 2 * tables * (bits + (has_offsets ? 1 : 0));
}

LayerReport report_of(const LayerOutline& layer) {
  LayerReport report{layer.name,       layer.m,
                     layer.k,          layer.mode == Mode::bcq ? "bcq" : "codebook",
                     layer.group_size, {}};
  for (const auto& [bits, has_offsets] : layer.precisions)
    report.precisions[bits].bytes = bytes_of(layer, bits, has_offsets);
  return report;
}

// The weights of each layer in the unquantized checkpoint.
std::vector<FloatMatrix> matrices_of(const FloatCheckpoint& floats,
                                     const std::vector<LayerOutline>& layers) {
  std::vector<std::string> missing;
  std::vector<FloatMatrix> matrices;
  for (const LayerOutline& layer : layers) {
    const auto found =
        std::find_if(floats.layers().begin(), floats.layers().end(),
                     [&layer](const LinearLayer& l) { return l.name == layer.name; });
    if (found == floats.layers().end()) {
      missing.push_back(layer.name);
      continue;
    }
    if (found->m != layer.m || found->k != layer.k)
      throw Error(ErrorCode::checkpoint_tensor,
                  {floats.store().path().string() + ", layer " + layer.name,
                   fmt::format("{} x {}", found->m, found->k),
                   fmt::format("{} x {}, as the quantized layer", layer.m, layer.k),
                   "Give the checkpoint that was quantized."});
    matrices.push_back(floats.matrix(*found));
  }
  if (!missing.empty())
    throw Error(
        ErrorCode::checkpoint_missing,
        {floats.store().path().string(), "no " + name_list(missing),
         "all layers of the quantized checkpoint", "Give the checkpoint that was quantized."});
  return matrices;
}

void measure_errors(const QuantizedCheckpoint& checkpoint, const std::filesystem::path& against,
                    const InspectProgress& progress, std::vector<LayerReport>& reports) {
  const FloatCheckpoint floats = open_float_checkpoint(against);
  std::vector<FloatMatrix> matrices = matrices_of(floats, checkpoint.layers());
  std::uint64_t rows = 0;
  for (const LayerOutline& layer : checkpoint.layers())
    rows += std::uint64_t{layer.m} * layer.precisions.size();
  if (progress.comparing) progress.comparing(rows);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    FloatMatrix& weights = matrices[i];
    weights.read_row = [&progress, read = std::move(weights.read_row)](std::uint32_t row,
                                                                       std::span<float> out) {
      read(row, out);
      if (progress.row_done) progress.row_done();
    };
    const Layer layer = checkpoint.read(i);
    for (auto& [bits, report] : reports[i].precisions)
      report.relative_error = relative_error(weights, layer, bits);
  }
}

template <class Tensors>
void count_others(const Tensors& tensors, CheckpointReport& report) {
  report.other_tensors = tensors.size();
  for (const auto& [name, tensor] : tensors) report.other_bytes += tensor.bytes();
}

void inspect_quantized(const std::filesystem::path& against, const InspectProgress& progress,
                       CheckpointReport& report) {
  const auto checkpoint = open_quantized_checkpoint(report.path);
  for (const LayerOutline& layer : checkpoint->layers()) report.layers.push_back(report_of(layer));
  count_others(checkpoint->other_tensors(), report);
  if (!against.empty()) measure_errors(*checkpoint, against, progress, report.layers);
}

void inspect_floats(CheckpointReport& report) {
  const FloatCheckpoint checkpoint = open_float_checkpoint(report.path);
  std::map<std::string, StoredTensor> others = checkpoint.store().tensors();
  for (const LinearLayer& layer : checkpoint.layers()) {
    const StoredTensor& tensor = checkpoint.store().tensors().at(layer.tensor);
    LayerReport row{layer.name, layer.m, layer.k, std::string(dtype_name(tensor.dtype)), {}, {}};
    row.precisions[static_cast<unsigned>(8 * dtype_bytes(tensor.dtype))].bytes = tensor.bytes();
    report.layers.push_back(std::move(row));
    others.erase(layer.tensor);
  }
  count_others(others, report);
}

// Sums over all layers that serve a precision.
struct Total {
  std::uint64_t layers = 0;
  std::uint64_t weights = 0;
  std::uint64_t bytes = 0;
  std::optional<double> largest_error;
};

std::map<unsigned, Total> totals_of(const CheckpointReport& report) {
  std::map<unsigned, Total> totals;
  for (const LayerReport& layer : report.layers)
    for (const auto& [bits, precision] : layer.precisions) {
      Total& total = totals[bits];
      ++total.layers;
      total.weights += std::uint64_t{layer.m} * layer.k;
      total.bytes += precision.bytes;
      if (precision.relative_error)
        total.largest_error =
            std::max(total.largest_error.value_or(0.0), *precision.relative_error);
    }
  return totals;
}

double bits_per_weight(std::uint64_t bytes, std::uint64_t weights) {
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(weights);
}

std::string error_text(const std::optional<double>& error) {
  return error ? fmt::format("{:>12.3f} %", 100 * *error) : "";
}

std::string group_text(const std::optional<std::uint32_t>& group_size) {
  if (!group_size) return "-";
  return *group_size == 0 ? "row" : std::to_string(*group_size);
}

bool has_errors(const CheckpointReport& report) {
  return !report.layers.empty() &&
         report.layers.front().precisions.begin()->second.relative_error.has_value();
}

nlohmann::ordered_json json_of(const LayerReport& layer) {
  nlohmann::ordered_json precisions = nlohmann::ordered_json::array();
  for (const auto& [bits, precision] : layer.precisions) {
    nlohmann::ordered_json entry = {{"bits", bits}, {"bytes", precision.bytes}};
    entry["relative_error"] = precision.relative_error
                                  ? nlohmann::ordered_json(*precision.relative_error)
                                  : nlohmann::ordered_json(nullptr);
    precisions.push_back(std::move(entry));
  }
  nlohmann::ordered_json json = {
      {"layer", layer.name}, {"m", layer.m}, {"k", layer.k}, {"kind", layer.kind}};
  json["group_size"] = layer.group_size ? nlohmann::ordered_json(*layer.group_size)
                                        : nlohmann::ordered_json(nullptr);
  const auto or_null = [&layer](unsigned bits) {
    return layer.group_size ? nlohmann::ordered_json(bits) : nlohmann::ordered_json(nullptr);
  };
  json["seed_precision"] = or_null(layer.precisions.begin()->first);
  json["highest_precision"] = or_null(layer.precisions.rbegin()->first);
  json["precisions"] = std::move(precisions);
  return json;
}

}  // namespace

CheckpointReport inspect_checkpoint(const std::filesystem::path& path,
                                    const std::filesystem::path& against,
                                    const InspectProgress& progress) {
  CheckpointReport report;
  report.path = path;
  report.format = detect_format(path);
  const bool quantized = is_quantized(report.format);
  if (!quantized && !against.empty())
    throw Error(ErrorCode::usage, {"--against", "a checkpoint that is not quantized itself",
                                   "quantized layers to compare", "Leave --against out."});
  if (quantized)
    inspect_quantized(against, progress, report);
  else
    inspect_floats(report);
  return report;
}

std::string report_text(const CheckpointReport& report) {
  const bool errors = has_errors(report);
  std::size_t width = 5;
  for (const LayerReport& layer : report.layers) width = std::max(width, layer.name.size());
  std::string text = fmt::format("{}: {}, {} layers\n\n", report.path.string(),
                                 format_title(report.format), report.layers.size());
  text += fmt::format("{:<{}}{:>10}{:>10}  {:<10}{:>6}{:>6}{:>16}{:>13}{}\n", "layer", width,
                      "M (out)", "K (in)", "kind", "group", "bits", "bytes", "bits/weight",
                      errors ? "  weight error" : "");
  for (const LayerReport& layer : report.layers) {
    std::string front = fmt::format("{:<{}}{:>10}{:>10}  {:<10}{:>6}", layer.name, width, layer.m,
                                    layer.k, layer.kind, group_text(layer.group_size));
    for (const auto& [bits, precision] : layer.precisions) {
      text += fmt::format("{}{:>6}{:>16}{:>13.3f}{}\n", front, bits, precision.bytes,
                          bits_per_weight(precision.bytes, std::uint64_t{layer.m} * layer.k),
                          error_text(precision.relative_error));
      front = std::string(front.size(), ' ');
    }
  }
  text += fmt::format("\n{:>6}{:>10}{:>18}{:>18}{:>13}{}\n", "bits", "layers", "weights", "bytes",
                      "bits/weight", errors ? " largest error" : "");
  for (const auto& [bits, total] : totals_of(report))
    text += fmt::format("{:>6}{:>10}{:>18}{:>18}{:>13.3f}{}\n", bits, total.layers, total.weights,
                        total.bytes, bits_per_weight(total.bytes, total.weights),
                        error_text(total.largest_error));
  text += fmt::format("\nother tensors: {}, {} bytes\n", report.other_tensors, report.other_bytes);
  return text;
}

std::string report_json(const CheckpointReport& report) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const LayerReport& layer : report.layers) layers.push_back(json_of(layer));
  nlohmann::ordered_json totals = nlohmann::ordered_json::array();
  for (const auto& [bits, total] : totals_of(report))
    totals.push_back({{"bits", bits},
                      {"layers", total.layers},
                      {"weights", total.weights},
                      {"bytes", total.bytes}});
  const nlohmann::ordered_json json = {
      {"path", report.path.string()},          {"format", format_title(report.format)},
      {"layers", std::move(layers)},           {"totals", std::move(totals)},
      {"other_tensors", report.other_tensors}, {"other_bytes", report.other_bytes}};
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace bitloom
