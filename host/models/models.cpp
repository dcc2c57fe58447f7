// SPDX-License-Identifier: Apache-2.0
#include "host/models/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// How a decoder block names its linear layers, and which of them it fuses.
enum class Family : std::uint8_t {
  gated,        ///< q, k, v, o, gate, up, down (LLaMA, Mistral, Gemma, Qwen)
  gated_fused,  ///< qkv, o, gate_up, down (Phi)
  plain         ///< q, k, v, out, fc1, fc2 (OPT)
};

// What a model's configuration file says. Heads count as their total width.
struct Dimensions {
  const char* name;
  const char* title;
  Family family;
  std::uint32_t blocks;
  std::uint32_t hidden;
  std::uint32_t queries;  ///< attention heads * head size
  std::uint32_t keys;     ///< key/value heads * head size
  std::uint32_t inner;    ///< width of the feed-forward part
  std::uint32_t vocabulary;
};

constexpr std::array kModels = {
    Dimensions{"llama7b", "LLaMA-1/2 7B", Family::gated, 32, 4096, 4096, 4096, 11008, 32000},
    Dimensions{"llama13b", "LLaMA-1/2 13B", Family::gated, 40, 5120, 5120, 5120, 13824, 32000},
    Dimensions{"llama70b", "LLaMA-2 70B", Family::gated, 80, 8192, 8192, 1024, 28672, 32000},
    Dimensions{"llama3-8b", "LLaMA-3/3.1 8B", Family::gated, 32, 4096, 4096, 1024, 14336, 128256},
    Dimensions{"llama3-70b", "LLaMA-3/3.1 70B", Family::gated, 80, 8192, 8192, 1024, 28672, 128256},
    Dimensions{"mistral-7b", "Mistral 7B", Family::gated, 32, 4096, 4096, 1024, 14336, 32000},
    Dimensions{"gemma2-9b", "Gemma 2 9B", Family::gated, 42, 3584, 4096, 2048, 14336, 256000},
    Dimensions{"phi4", "Phi-4 14B", Family::gated_fused, 40, 5120, 5120, 1280, 17920, 100352},
    Dimensions{"qwen3-32b", "Qwen3 32B", Family::gated, 64, 5120, 8192, 1024, 25600, 151936},
    Dimensions{"opt-125m", "OPT 125M", Family::plain, 12, 768, 768, 768, 3072, 50272},
    Dimensions{"opt-1.3b", "OPT 1.3B", Family::plain, 24, 2048, 2048, 2048, 8192, 50272},
    Dimensions{"opt-2.7b", "OPT 2.7B", Family::plain, 32, 2560, 2560, 2560, 10240, 50272},
    Dimensions{"opt-6.7b", "OPT 6.7B", Family::plain, 32, 4096, 4096, 4096, 16384, 50272},
    Dimensions{"opt-13b", "OPT 13B", Family::plain, 40, 5120, 5120, 5120, 20480, 50272},
    Dimensions{"opt-30b", "OPT 30B", Family::plain, 48, 7168, 7168, 7168, 28672, 50272},
    Dimensions{"opt-66b", "OPT 66B", Family::plain, 64, 9216, 9216, 9216, 36864, 50272},
    Dimensions{"opt-175b", "OPT 175B", Family::plain, 96, 12288, 12288, 12288, 49152, 50272},
};

// The block's layers without the model's name.
std::vector<ModelLayer> block_layers(const Dimensions& d) {
  const auto layer = [&d](const char* name, std::uint32_t m, std::uint32_t k) {
    return ModelLayer{name, m, k, d.blocks};
  };
  switch (d.family) {
    case Family::gated:
      return {layer("q_proj", d.queries, d.hidden),  layer("k_proj", d.keys, d.hidden),
              layer("v_proj", d.keys, d.hidden),     layer("o_proj", d.hidden, d.queries),
              layer("gate_proj", d.inner, d.hidden), layer("up_proj", d.inner, d.hidden),
              layer("down_proj", d.hidden, d.inner)};
    case Family::gated_fused:
      return {layer("qkv_proj", d.queries + 2 * d.keys, d.hidden),
              layer("o_proj", d.hidden, d.queries), layer("gate_up_proj", 2 * d.inner, d.hidden),
              layer("down_proj", d.hidden, d.inner)};
    case Family::plain:
      return {layer("q_proj", d.queries, d.hidden), layer("k_proj", d.keys, d.hidden),
              layer("v_proj", d.keys, d.hidden),    layer("out_proj", d.hidden, d.queries),
              layer("fc1", d.inner, d.hidden),      layer("fc2", d.hidden, d.inner)};
  }
  return {};
}

ModelShape model_of(const Dimensions& d) {
  ModelShape model{d.name, d.title, d.blocks, block_layers(d)};
  model.layers.push_back({"lm_head", d.vocabulary, d.hidden, 1});
  for (ModelLayer& layer : model.layers) layer.name = model.name + "." + layer.name;
  return model;
}

std::vector<std::string> all_layer_names() {
  std::vector<std::string> names;
  for (const ModelShape& model : models())
    for (const ModelLayer& layer : model.layers) names.push_back(layer.name);
  return names;
}

}  // namespace

const std::vector<ModelShape>& models() {
  static const std::vector<ModelShape> all = [] {
    std::vector<ModelShape> list;
    list.reserve(kModels.size());
    for (const Dimensions& dimensions : kModels) list.push_back(model_of(dimensions));
    return list;
  }();
  return all;
}

const ModelLayer& find_layer(std::string_view name) {
  for (const ModelShape& model : models())
    for (const ModelLayer& layer : model.layers)
      if (layer.name == name) return layer;
  throw Error(ErrorCode::layer_name, {"layer", std::string(name), "a layer of a known model",
                                      fmt::format("Nearest: {}. `bitloom list` prints all.",
                                                  nearest_list(name, all_layer_names()))});
}

}  // namespace bitloom
