// SPDX-License-Identifier: Apache-2.0
// Folders of AnyBCQ and Any-Precision LLM: config.json and the weights, read and written.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "sw/checkpoint/json_file.hpp"
#include "sw/checkpoint/layer_names.hpp"
#include "sw/checkpoint/name_list.hpp"
#include "sw/checkpoint/packed_format.hpp"
#include "sw/checkpoint/pickle.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/checkpoint/torch_file.hpp"
#include "sw/contract/half.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kConfigName = "config.json";
constexpr const char* kQweight = ".qweight";
// The format has no groups: they set only how activations are aligned (docs/formats.md).
constexpr std::uint32_t kCodebookGroupSize = 128;
// Neither system's modules know a precision of 1.
constexpr unsigned kLeastSeed = 2;
constexpr std::array kGroupSizes = {32U, 64U, 128U, 256U};

std::string json_text(const json& value) {
  return value.dump(2, ' ', true, json::error_handler_t::replace);
}

// ---- reading ----

std::uint32_t group_size_of(const JsonObject& section) {
  // -1 is one group per row.
  if (section.value().value("group_size", json(0)) == json(-1)) return 0;
  const std::uint32_t size = section.number("group_size", 1, kMaxColumns);
  if (std::find(kGroupSizes.begin(), kGroupSizes.end(), size) == kGroupSizes.end())
    section.fail("group_size", std::to_string(size),
                 "32, 64, 128, 256, or -1 for one group per row");
  return size;
}

PackedSettings settings_of(const PackedFormat& format, const JsonObject& section) {
  PackedSettings settings;
  settings.parent = section.number("parent_precision", 1, kMaxBits);
  settings.seed = section.number("seed_precision", 1, settings.parent);
  if (format.mode() == Mode::bcq) {
    settings.group_size = group_size_of(section);
    return settings;
  }
  // The quantizer has groups of rows, its packed format has not.
  static_cast<void>(section.number_or("group_count", 1, 1, 1));
  settings.group_size = kCodebookGroupSize;
  return settings;
}

[[noreturn]] void fail_tensor(const fs::path& place, const std::string& tensor, std::string found,
                              std::string expected) {
  throw Error(ErrorCode::checkpoint_tensor,
              {place.string() + ", tensor " + quotation(tensor), std::move(found),
               std::move(expected), "Download or export the checkpoint again."});
}

class PackedCheckpoint : public QuantizedCheckpoint {
 public:
  PackedCheckpoint(const fs::path& folder, const PackedFormat& format)
      : format_(format), store_(open_folder_store(folder)) {
    const JsonObject config = read_json_file(folder / kConfigName);
    const PackedSettings settings = settings_of(format, config.object(format.section()));
    json rest = config.value();
    rest.erase(format.section());
    config_ = json_text(rest);
    find_layers(settings);
    check_tensors();
  }

  [[nodiscard]] Layer read(std::size_t index) const override {
    const LayerOutline& outline = layers_.at(index);
    PackedTensors tensors;
    for (const TensorSpec& spec : format_.tensors(outline))
      tensors[spec.name] = store_->read(outline.name + "." + spec.name);
    Layer layer = format_.unpack(outline, tensors);
    check_finite(layer);
    return layer;
  }

  [[nodiscard]] std::vector<std::uint8_t> read_other(const std::string& name, std::uint64_t offset,
                                                     std::size_t length) const override {
    return store_->read(name, offset, length);
  }

 private:
  void find_layers(const PackedSettings& settings) {
    for (const auto& [name, tensor] : store_->tensors())
      if (name.ends_with(kQweight)) layers_.push_back(outline_of(name, tensor, settings));
    if (layers_.empty())
      throw Error(ErrorCode::checkpoint_missing,
                  {store_->path().string(), "no tensor ending in .qweight",
                   fmt::format("the layers of {}", format_.title()),
                   "Download or export the checkpoint again."});
    std::sort(layers_.begin(), layers_.end(), [](const LayerOutline& a, const LayerOutline& b) {
      return natural_order(a.name, b.name);
    });
  }

  [[nodiscard]] LayerOutline outline_of(const std::string& name, const StoredTensor& qweight,
                                        const PackedSettings& settings) const {
    const auto fail = [&](const std::string& expected) {
      fail_tensor(store_->path(), name, "shape " + shape_text(qweight.shape), expected);
    };
    if (qweight.shape.size() != 3) fail("three extents");
    const PackedShape shape = format_.shape_of(qweight.shape);
    if (shape.planes != settings.parent)
      fail(fmt::format("{} planes, the parent_precision of config.json", settings.parent));
    if (shape.m < 1 || shape.m > std::numeric_limits<std::uint32_t>::max())
      fail("at least one row, and fewer than 2^32");
    if (shape.words < 1 || shape.words > kMaxColumns / kWordColumns)
      fail(fmt::format("1 to {} words of {} columns", kMaxColumns / kWordColumns, kWordColumns));
    LayerOutline layer;
    layer.name = name.substr(0, name.size() - std::string_view(kQweight).size());
    layer.mode = format_.mode();
    layer.m = static_cast<std::uint32_t>(shape.m);
    layer.k = static_cast<std::uint32_t>(shape.words) * kWordColumns;
    layer.group_size = settings.group_size;
    layer.plane_count = settings.parent;
    if (layer.mode == Mode::bcq && layer.k % layer.group_columns() != 0)
      fail(fmt::format("a multiple of the group size, {} columns", layer.group_size));
    for (unsigned bits = settings.seed; bits <= settings.parent; ++bits)
      layer.precisions[bits] = layer.mode == Mode::bcq;
    return layer;
  }

  // All tensors that the layers ask for are there, as they must be; the rest is what travels along.
  void check_tensors() {
    others_ = store_->tensors();
    std::set<std::string> missing;
    for (const LayerOutline& layer : layers_)
      for (const TensorSpec& spec : format_.tensors(layer)) {
        const std::string name = layer.name + "." + spec.name;
        const auto found = others_.find(name);
        if (found == others_.end())
          missing.insert(name);
        else
          others_.erase(found);
      }
    if (!missing.empty())
      throw Error(ErrorCode::checkpoint_missing,
                  {store_->path().string(), fmt::format("no {}", name_list(missing)),
                   "the tensors of every precision that config.json names",
                   "Download or export the checkpoint again."});
    for (const LayerOutline& layer : layers_)
      for (const TensorSpec& spec : format_.tensors(layer)) check_tensor(layer, spec);
  }

  void check_tensor(const LayerOutline& layer, const TensorSpec& spec) const {
    const std::string name = layer.name + "." + spec.name;
    const StoredTensor& found = store_->tensors().at(name);
    if (found.dtype != spec.dtype || found.shape != spec.shape)
      fail_tensor(store_->path(), name,
                  fmt::format("{} {}", dtype_name(found.dtype), shape_text(found.shape)),
                  fmt::format("{} {}", dtype_name(spec.dtype), shape_text(spec.shape)));
  }

  void check_finite(const Layer& layer) const {
    for (const auto& [bits, tables] : layer.precisions)
      for (const std::vector<Half>* table : {&tables.alpha, &tables.beta, &tables.codebook}) {
        const auto bad = std::find_if_not(table->begin(), table->end(), contract::is_finite);
        if (bad == table->end()) continue;
        // All of our tables have the row as their first index.
        const std::size_t row =
            static_cast<std::size_t>(bad - table->begin()) / (table->size() / layer.m);
        throw Error(ErrorCode::layer_not_finite,
                    {fmt::format("{}, layer {}, precision {}, row {}", store_->path().string(),
                                 quotation(layer.name), bits, row),
                     "NaN or infinity", "finite scales, offsets and centroids",
                     "Quantize the layer again."});
      }
  }

  const PackedFormat& format_;
  std::unique_ptr<TensorStore> store_;
};

// ---- writing ----

// What a format cannot hold, found before anything is written.
class Storable {
 public:
  explicit Storable(const PackedFormat& format) : format_(format) {}

  // The layer as it is written: with the planes in use and no others.
  [[nodiscard]] LayerOutline check(LayerOutline layer) {
    if (layer.mode != format_.mode())
      fail(layer, layer.mode == Mode::bcq ? "a BCQ layer" : "a codebook layer",
           layer.mode == Mode::bcq ? "codebooks" : "BCQ planes and scales");
    if (layer.k % kWordColumns != 0)
      fail(layer, fmt::format("{} columns", layer.k),
           fmt::format("a multiple of {}", kWordColumns));
    const bool bcq = layer.mode == Mode::bcq;
    if (bcq && layer.k % layer.group_columns() != 0)
      fail(layer, fmt::format("{} columns in groups of {}", layer.k, layer.group_columns()),
           "whole groups");
    layer.plane_count = layer.precisions.rbegin()->first;
    const PackedSettings settings{layer.precisions.begin()->first, layer.plane_count,
                                  bcq ? layer.group_size : 0};
    check_precisions(layer, settings);
    check_settings(layer, settings);
    return layer;
  }

  [[nodiscard]] const PackedSettings& settings() const { return *settings_; }

 private:
  [[noreturn]] void fail(const LayerOutline& layer, std::string found, std::string expected) const {
    throw Error(ErrorCode::checkpoint_unstorable,
                {fmt::format("layer {}", quotation(layer.name)), std::move(found),
                 fmt::format("{}, which is what {} holds", expected, format_.title()),
                 "Choose other layers with --layers, or another format."});
  }

  void check_precisions(const LayerOutline& layer, const PackedSettings& settings) const {
    if (settings.seed < kLeastSeed)
      fail(layer, fmt::format("a precision of {} bit", settings.seed),
           fmt::format("precisions from {} on", kLeastSeed));
    for (unsigned bits = settings.seed; bits <= settings.parent; ++bits)
      if (!layer.precisions.contains(bits))
        fail(layer, fmt::format("no precision of {} bits", bits),
             fmt::format("every precision from {} to {}", settings.seed, settings.parent));
  }

  // config.json describes all layers at once.
  void check_settings(const LayerOutline& layer, const PackedSettings& settings) {
    if (!settings_) {
      settings_ = settings;
      first_ = layer.name;
    }
    const auto text = [](const PackedSettings& s) {
      return fmt::format("{} to {} bits, group size {}", s.seed, s.parent, s.group_size);
    };
    if (text(settings) != text(*settings_))
      fail(layer, text(settings),
           fmt::format("{} in all layers, as in {}", text(*settings_), quotation(first_)));
  }

  const PackedFormat& format_;
  std::optional<PackedSettings> settings_;
  std::string first_;
};

// Everything that is written, in order: the tensors of each layer, then the others.
struct Plan {
  std::vector<TensorSpec> specs;
  struct Origin {
    std::optional<std::size_t> layer;  // place in Selection::layers
    std::string name;                  // of the tensor behind the layer's name, or as a whole
    bool zeros = false;                // a tensor that nothing uses
  };
  std::vector<Origin> origins;
  std::string config;

  void add(TensorSpec spec, Origin origin) {
    specs.push_back(std::move(spec));
    origins.push_back(std::move(origin));
  }
};

// What both systems call the place of the layers: "model", "layers", and the modules in a block.
json architecture_section(const std::vector<std::string>& names, const PackedFormat& format) {
  std::optional<BlockName> first;
  json modules = json::array();
  for (const std::string& name : names) {
    const std::optional<BlockName> parts = split_block_name(name);
    if (!parts)
      throw Error(
          ErrorCode::checkpoint_unstorable,
          {fmt::format("layer {}", quotation(name)), "a layer outside the decoder blocks",
           fmt::format("names like model.layers.0.module, which is what {} holds", format.title()),
           "Leave it out with --layers."});
    if (!first) first = parts;
    if (parts->model != first->model || parts->blocks != first->blocks)
      throw Error(ErrorCode::checkpoint_unstorable,
                  {fmt::format("layer {}", quotation(name)),
                   fmt::format("blocks in {}.{}", parts->model, parts->blocks),
                   fmt::format("all in {}.{}", first->model, first->blocks),
                   "Choose the layers of one stack with --layers."});
    if (std::find(modules.begin(), modules.end(), parts->module) == modules.end())
      modules.push_back(parts->module);
  }
  return {{"model_name", first->model}, {"layers_name", first->blocks}, {"module_names", modules}};
}

Plan plan_of(const PackedFormat& format, const QuantizedCheckpoint& source,
             const Selection& selection) {
  Plan plan;
  Storable storable(format);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < selection.layers.size(); ++i) {
    const LayerOutline layer = storable.check(source.layers().at(selection.layers[i]));
    names.push_back(layer.name);
    const auto add = [&](TensorSpec spec, bool zeros) {
      const std::string suffix = spec.name;
      spec.name = layer.name + "." + suffix;
      if (!zeros || !source.other_tensors().contains(spec.name))
        plan.add(std::move(spec), {i, suffix, zeros});
    };
    for (TensorSpec& spec : format.tensors(layer)) add(std::move(spec), false);
    for (TensorSpec& spec : format.unused_tensors(layer)) add(std::move(spec), true);
  }
  for (const auto& [name, tensor] : source.other_tensors())
    plan.add({name, tensor.dtype, tensor.shape}, {std::nullopt, name, false});

  const PackedSettings& settings = storable.settings();
  json config = source.config().empty() ? json::object() : json::parse(source.config());
  json& section = config[format.section()];
  section = {{"seed_precision", settings.seed},
             {"parent_precision", settings.parent},
             {"arch_config", architecture_section(names, format)}};
  if (format.mode() == Mode::bcq)
    section["group_size"] = settings.group_size == 0 ? json(-1) : json(settings.group_size);
  else
    section["group_count"] = 1;
  plan.config = json_text(config) + "\n";
  return plan;
}

// The bytes of a plan's tensors. Tensors are asked for in order, so that one layer at a time is
// enough in memory.
class Packer {
 public:
  Packer(const PackedFormat& format, const QuantizedCheckpoint& source, const Selection& selection,
         const Plan& plan)
      : format_(format), source_(source), selection_(selection), plan_(plan) {}

  std::vector<std::uint8_t> read(std::size_t index, std::uint64_t offset, std::size_t length) {
    const Plan::Origin& origin = plan_.origins[index];
    if (!origin.layer) return source_.read_other(origin.name, offset, length);
    if (origin.zeros) return std::vector<std::uint8_t>(length);
    if (layer_ != origin.layer) load(*origin.layer);
    const auto begin = packed_.at(origin.name).begin() + static_cast<std::ptrdiff_t>(offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(length)};
  }

 private:
  void load(std::size_t index) {
    packed_.clear();
    Layer layer = source_.read(selection_.layers[index]);
    layer.plane_count = layer.precisions.rbegin()->first;
    layer.planes.resize(std::size_t{layer.plane_count} * layer.m * layer.row_bytes());
    packed_ = format_.pack(layer);
    layer_ = index;
    if (selection_.layer_done) selection_.layer_done();
  }

  const PackedFormat& format_;
  const QuantizedCheckpoint& source_;
  const Selection& selection_;
  const Plan& plan_;
  std::optional<std::size_t> layer_;
  PackedTensors packed_;
};

// A folder for weights of the name `file`. Others beside them would be read in their place.
void prepare_folder(const fs::path& folder, const std::string& file) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure)
    throw Error(ErrorCode::output_path, {folder.string(), failure.message(),
                                         "a folder that can be made", "Choose another path."});
  for (const char* other : {"model.safetensors", "model.safetensors.index.json",
                            "pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (other != file && fs::exists(folder / other, failure))
      throw Error(ErrorCode::output_path,
                  {folder.string(), fmt::format("a folder that holds {}", other),
                   fmt::format("a new folder, or one with {} only", file), "Choose another path."});
}

void check_torch_types(const Plan& plan) {
  for (const TensorSpec& spec : plan.specs)
    if (!torch_has(spec.dtype))
      throw Error(ErrorCode::checkpoint_unstorable,
                  {"tensor " + quotation(spec.name), std::string(dtype_name(spec.dtype)),
                   "a type that pytorch_model.bin holds", "Convert that tensor."});
}

using WriteWeights = void (*)(const fs::path& path, const Plan& plan, Packer& packer);

void write_packed(const fs::path& folder, const Plan& plan, Packer& packer, const char* file,
                  WriteWeights write_weights) {
  prepare_folder(folder, file);
  OutputFile config(folder / kConfigName);
  config.write(plan.config);
  write_weights(folder / file, plan, packer);
  config.commit();
}

void write_safetensors_weights(const fs::path& path, const Plan& plan, Packer& packer) {
  SafetensorsWriter writer(path, {{"format", "pt"}}, plan.specs);
  for (std::size_t i = 0; i < plan.specs.size(); ++i)
    writer.write(plan.specs[i].name, [&packer, i](std::uint64_t offset, std::size_t length) {
      return packer.read(i, offset, length);
    });
  writer.commit();
}

void write_torch_weights(const fs::path& path, const Plan& plan, Packer& packer) {
  write_torch_file(path, plan.specs,
                   [&packer](std::size_t i, std::uint64_t offset, std::size_t length) {
                     return packer.read(i, offset, length);
                   });
}

}  // namespace

std::unique_ptr<QuantizedCheckpoint> open_anybcq_checkpoint(const fs::path& folder) {
  return std::make_unique<PackedCheckpoint>(folder, anybcq_format());
}

std::unique_ptr<QuantizedCheckpoint> open_anyprec_checkpoint(const fs::path& folder) {
  return std::make_unique<PackedCheckpoint>(folder, anyprec_format());
}

void write_anybcq_checkpoint(const fs::path& folder, const QuantizedCheckpoint& source,
                             const Selection& selection) {
  const Plan plan = plan_of(anybcq_format(), source, selection);
  Packer packer(anybcq_format(), source, selection, plan);
  write_packed(folder, plan, packer, "model.safetensors", write_safetensors_weights);
}

void write_anyprec_checkpoint(const fs::path& folder, const QuantizedCheckpoint& source,
                              const Selection& selection) {
  const Plan plan = plan_of(anyprec_format(), source, selection);
  check_torch_types(plan);
  Packer packer(anyprec_format(), source, selection, plan);
  write_packed(folder, plan, packer, "pytorch_model.bin", write_torch_weights);
}

}  // namespace bitloom
