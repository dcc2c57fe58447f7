// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/float_checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <utility>

#include "sw/checkpoint/checkpoint_format.hpp"
#include "sw/checkpoint/gguf.hpp"
#include "sw/checkpoint/json_file.hpp"
#include "sw/checkpoint/layer_names.hpp"
#include "sw/checkpoint/name_list.hpp"
#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/io/little_endian.hpp"
#include "sw/io/llama2c.hpp"

namespace bitloom {
namespace {

constexpr std::string_view kWeightSuffix = ".weight";

void to_floats(std::span<const std::uint8_t> bytes, Dtype dtype, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) switch (dtype) {
      case Dtype::f32:
        out[i] = std::bit_cast<float>(little_endian_word<std::uint32_t>(bytes, i));
        break;
      case Dtype::bf16:
        out[i] =
            std::bit_cast<float>(std::uint32_t{little_endian_word<std::uint16_t>(bytes, i)} << 16U);
        break;
      default:
        out[i] = static_cast<float>(to_double(Half{little_endian_word<std::uint16_t>(bytes, i)}));
    }
}

// The tensors of a llama2.c model; its vectors have one axis here, as elsewhere.
class Llama2cStore : public TensorStore {
 public:
  explicit Llama2cStore(const std::filesystem::path& path) : file_(path) {
    path_ = path;
    for (const Llama2cTensor& tensor : file_.tensors()) {
      if (tensor.name == "classifier" && file_.shape().shared_classifier) continue;
      const bool vector = tensor.name.ends_with("_norm");
      tensors_.emplace(tensor.name,
                       StoredTensor{Dtype::f32, vector ? Shape{tensor.columns}
                                                       : Shape{tensor.rows, tensor.columns}});
    }
  }

  using TensorStore::read;
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name, std::uint64_t offset,
                                               std::size_t length) const override {
    return file_.read_bytes(file_.tensor(name), offset, length);
  }

  [[nodiscard]] ModelConfig config() const {
    const Llama2cShape& shape = file_.shape();
    ModelConfig config;
    config.architecture = Architecture::llama;
    config.blocks = shape.n_layers;
    config.hidden = shape.dim;
    config.heads = shape.n_heads;
    config.kv_heads = shape.n_kv_heads;
    config.head_size = shape.dim / shape.n_heads;
    config.inner = shape.hidden_dim;
    config.vocabulary = shape.vocab_size;
    config.embedding = shape.dim;
    config.tied = shape.shared_classifier;
    config.decoder.context = shape.seq_len;
    // llama2.c has these built in.
    config.decoder.norm_epsilon = 1e-5;
    config.decoder.rope_theta = 10000;
    return config;
  }

 private:
  Llama2cFile file_;
};

// Every matrix of a store that nothing describes.
std::vector<LinearLayer> all_matrices(const TensorStore& store) {
  std::vector<LinearLayer> layers;
  for (const auto& [name, tensor] : store.tensors()) {
    const bool matrix = tensor.shape.size() == 2 && is_float(tensor.dtype) &&
                        std::all_of(tensor.shape.begin(), tensor.shape.end(), [](std::uint64_t n) {
                          return n >= 1 && n <= std::numeric_limits<std::uint32_t>::max();
                        });
    if (!matrix) continue;
    const bool suffixed = name.ends_with(kWeightSuffix);
    layers.push_back({suffixed ? name.substr(0, name.size() - kWeightSuffix.size()) : name, name,
                      static_cast<std::uint32_t>(tensor.shape[0]),
                      static_cast<std::uint32_t>(tensor.shape[1])});
  }
  std::sort(layers.begin(), layers.end(), [](const LinearLayer& a, const LinearLayer& b) {
    return natural_order(a.name, b.name);
  });
  return layers;
}

// The tensors that the architecture asks for are there, and are what it asks for.
void check_tensors(const TensorStore& store, const ModelConfig& config, Naming naming) {
  const std::vector<ModelTensor> expected = model_tensors(config, naming);
  std::vector<std::string> missing;
  for (const ModelTensor& tensor : expected)
    if (!store.tensors().contains(tensor.name)) missing.push_back(tensor.name);
  if (!missing.empty())
    throw Error(
        ErrorCode::checkpoint_missing,
        {store.path().string(), fmt::format("{} missing: {}", missing.size(), name_list(missing)),
         fmt::format("the {} tensors of its architecture", expected.size()),
         "Download or export the checkpoint again."});
  for (const ModelTensor& tensor : expected) {
    const StoredTensor& found = store.tensors().at(tensor.name);
    if (is_float(found.dtype) && found.shape == tensor.shape) continue;
    throw Error(ErrorCode::checkpoint_tensor,
                {store.path().string() + ", tensor " + tensor.name,
                 fmt::format("{} {}", dtype_name(found.dtype), shape_text(found.shape)),
                 fmt::format("F32, F16 or BF16 {}", shape_text(tensor.shape)),
                 "Give files and configuration of the same model."});
  }
}

FloatCheckpoint described(std::shared_ptr<const TensorStore> store, const ModelConfig& config,
                          Naming naming) {
  check_tensors(*store, config, naming);
  return {std::move(store), linear_layers(config, naming), config, naming};
}

}  // namespace

bool is_float(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

FloatCheckpoint::FloatCheckpoint(std::shared_ptr<const TensorStore> store,
                                 std::vector<LinearLayer> layers, std::optional<ModelConfig> config,
                                 Naming naming)
    : store_(std::move(store)),
      layers_(std::move(layers)),
      config_(std::move(config)),
      naming_(naming) {}

const LinearLayer& FloatCheckpoint::layer(const std::string& name) const {
  const auto found = std::find_if(layers_.begin(), layers_.end(),
                                  [&name](const LinearLayer& l) { return l.name == name; });
  if (found != layers_.end()) return *found;
  std::vector<std::string> names;
  for (const LinearLayer& layer : layers_) names.push_back(layer.name);
  fail_unknown_layer(store_->path().string(), name, names);
}

FloatMatrix FloatCheckpoint::matrix(const LinearLayer& layer) const {
  const Dtype dtype = store_->tensors().at(layer.tensor).dtype;
  const std::size_t row_bytes = std::size_t{layer.k} * dtype_bytes(dtype);
  return {layer.m, layer.k,
          [store = store_, tensor = layer.tensor, dtype, row_bytes](std::uint32_t row,
                                                                    std::span<float> out) {
            to_floats(store->read(tensor, row * std::uint64_t{row_bytes}, row_bytes), dtype, out);
          }};
}

std::vector<float> FloatCheckpoint::values(const std::string& tensor) const {
  const auto found = store_->tensors().find(tensor);
  if (found == store_->tensors().end())
    throw Error(ErrorCode::layer_name,
                {store_->path().string(), "no tensor " + quotation(tensor), "a tensor of the model",
                 "Download or export the checkpoint again."});
  if (!is_float(found->second.dtype))
    throw Error(ErrorCode::checkpoint_tensor,
                {store_->path().string() + ", tensor " + tensor,
                 std::string(dtype_name(found->second.dtype)), "F32, F16 or BF16",
                 "Download or export the checkpoint again."});
  const std::vector<std::uint8_t> bytes = store_->read(tensor);
  std::vector<float> values(bytes.size() / dtype_bytes(found->second.dtype));
  to_floats(bytes, found->second.dtype, values);
  return values;
}

FloatCheckpoint open_float_checkpoint(const std::filesystem::path& path) {
  switch (detect_format(path)) {
    case CheckpointFormat::hugging_face: {
      const ModelConfig config = read_model_config(read_json_file(path / "config.json"));
      return described(open_folder_store(path), config, Naming::hugging_face);
    }
    case CheckpointFormat::safetensors: {
      std::shared_ptr<const TensorStore> store = open_safetensors_store(path);
      std::vector<LinearLayer> layers = all_matrices(*store);
      return {std::move(store), std::move(layers), std::nullopt, Naming::hugging_face};
    }
    case CheckpointFormat::gguf: {
      GgufModel model = open_gguf(path);
      return described(std::move(model.store), model.config, Naming::gguf);
    }
    case CheckpointFormat::llama2c: {
      const auto store = std::make_shared<const Llama2cStore>(path);
      return described(store, store->config(), Naming::llama2c);
    }
    default:
      throw Error(ErrorCode::checkpoint_path,
                  {path.string(), "a checkpoint of quantized layers", "one of unquantized weights",
                   "Give the checkpoint that was quantized."});
  }
}

}  // namespace bitloom
