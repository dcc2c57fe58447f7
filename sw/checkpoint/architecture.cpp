// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// Far above every published model, and low enough that no product below overflows 64 bits.
constexpr std::uint32_t kMostBlocks = 1U << 12U;
constexpr std::uint32_t kMostWidth = 1U << 20U;
constexpr std::uint32_t kMostRows = 1U << 24U;

// A size that follows from the configuration.
enum class Extent : std::uint8_t { none, hidden, queries, keys, head, inner, qkv, gate_up };

std::uint64_t value_of(Extent extent, const ModelConfig& c) {
  const std::uint64_t queries = std::uint64_t{c.heads} * c.head_size;
  const std::uint64_t keys = std::uint64_t{c.kv_heads} * c.head_size;
  switch (extent) {
    case Extent::none:
      return 0;
    case Extent::hidden:
      return c.hidden;
    case Extent::queries:
      return queries;
    case Extent::keys:
      return keys;
    case Extent::head:
      return c.head_size;
    case Extent::inner:
      return c.inner;
    case Extent::qkv:
      return queries + 2 * keys;
    case Extent::gate_up:
      return 2 * std::uint64_t{c.inner};
  }
  return 0;
}

// A tensor of a block: a matrix, which is the weights of a linear layer, or a vector.
struct BlockTensor {
  const char* hugging_face;
  const char* gguf;
  Extent rows;
  Extent columns = Extent::none;  // none: a vector
  const char* llama2c = nullptr;
};

using enum Extent;

constexpr BlockTensor kQ = {"self_attn.q_proj.weight", "attn_q.weight", queries, hidden, "wq"};
constexpr BlockTensor kK = {"self_attn.k_proj.weight", "attn_k.weight", keys, hidden, "wk"};
constexpr BlockTensor kV = {"self_attn.v_proj.weight", "attn_v.weight", keys, hidden, "wv"};
constexpr BlockTensor kO = {"self_attn.o_proj.weight", "attn_output.weight", hidden, queries, "wo"};
constexpr BlockTensor kQkv = {"self_attn.qkv_proj.weight", "attn_qkv.weight", qkv, hidden};
constexpr BlockTensor kGate = {"mlp.gate_proj.weight", "ffn_gate.weight", inner, hidden, "w1"};
constexpr BlockTensor kUp = {"mlp.up_proj.weight", "ffn_up.weight", inner, hidden, "w3"};
constexpr BlockTensor kGateUp = {"mlp.gate_up_proj.weight", "ffn_up.weight", gate_up, hidden};
constexpr BlockTensor kDown = {"mlp.down_proj.weight", "ffn_down.weight", hidden, inner, "w2"};
constexpr BlockTensor kInputNorm = {"input_layernorm.weight", "attn_norm.weight", hidden, none,
                                    "attention_norm"};
constexpr BlockTensor kMiddleNorm = {"post_attention_layernorm.weight", "ffn_norm.weight", hidden,
                                     none, "ffn_norm"};

constexpr std::array kLlama = {kInputNorm, kQ, kK, kV, kO, kMiddleNorm, kGate, kUp, kDown};
constexpr std::array kQwen2 = {kInputNorm,
                               kQ,
                               BlockTensor{"self_attn.q_proj.bias", "attn_q.bias", queries},
                               kK,
                               BlockTensor{"self_attn.k_proj.bias", "attn_k.bias", keys},
                               kV,
                               BlockTensor{"self_attn.v_proj.bias", "attn_v.bias", keys},
                               kO,
                               kMiddleNorm,
                               kGate,
                               kUp,
                               kDown};
constexpr std::array kQwen3 = {kInputNorm,
                               kQ,
                               kK,
                               kV,
                               BlockTensor{"self_attn.q_norm.weight", "attn_q_norm.weight", head},
                               BlockTensor{"self_attn.k_norm.weight", "attn_k_norm.weight", head},
                               kO,
                               kMiddleNorm,
                               kGate,
                               kUp,
                               kDown};
constexpr std::array kGemma2 = {
    kInputNorm,
    kQ,
    kK,
    kV,
    kO,
    BlockTensor{"post_attention_layernorm.weight", "post_attention_norm.weight", hidden},
    BlockTensor{"pre_feedforward_layernorm.weight", "ffn_norm.weight", hidden},
    kGate,
    kUp,
    kDown,
    BlockTensor{"post_feedforward_layernorm.weight", "post_ffw_norm.weight", hidden}};
constexpr std::array kOpt = {
    BlockTensor{"self_attn_layer_norm.weight", "attn_norm.weight", hidden},
    BlockTensor{"self_attn_layer_norm.bias", "attn_norm.bias", hidden},
    kQ,
    BlockTensor{"self_attn.q_proj.bias", "attn_q.bias", queries},
    kK,
    BlockTensor{"self_attn.k_proj.bias", "attn_k.bias", keys},
    kV,
    BlockTensor{"self_attn.v_proj.bias", "attn_v.bias", keys},
    BlockTensor{"self_attn.out_proj.weight", "attn_output.weight", hidden, queries},
    BlockTensor{"self_attn.out_proj.bias", "attn_output.bias", hidden},
    BlockTensor{"final_layer_norm.weight", "ffn_norm.weight", hidden},
    BlockTensor{"final_layer_norm.bias", "ffn_norm.bias", hidden},
    BlockTensor{"fc1.weight", "ffn_up.weight", inner, hidden},
    BlockTensor{"fc1.bias", "ffn_up.bias", inner},
    BlockTensor{"fc2.weight", "ffn_down.weight", hidden, inner},
    BlockTensor{"fc2.bias", "ffn_down.bias", hidden}};
constexpr std::array kPhi3 = {kInputNorm, kQkv, kO, kMiddleNorm, kGateUp, kDown};

struct ArchitectureRow {
  Architecture architecture;
  const char* name;  // model_type of config.json, and general.architecture of GGUF
  std::span<const BlockTensor> block;
  bool tied;                // where config.json does not say
  std::uint32_t head_size;  // where config.json does not say; 0 = hidden / heads
};

constexpr std::array kArchitectures = {
    ArchitectureRow{Architecture::llama, "llama", kLlama, false, 0},
    ArchitectureRow{Architecture::mistral, "mistral", kLlama, false, 0},
    ArchitectureRow{Architecture::qwen2, "qwen2", kQwen2, false, 0},
    ArchitectureRow{Architecture::qwen3, "qwen3", kQwen3, false, 128},
    ArchitectureRow{Architecture::gemma2, "gemma2", kGemma2, true, 256},
    ArchitectureRow{Architecture::opt, "opt", kOpt, true, 0},
    ArchitectureRow{Architecture::phi3, "phi3", kPhi3, false, 0}};

const ArchitectureRow& row_of(Architecture architecture) {
  return kArchitectures.at(static_cast<std::size_t>(architecture));
}

bool flag(const JsonObject& config, const char* key, bool otherwise) {
  if (!config.has(key)) return otherwise;
  const nlohmann::json& value = config.value().at(key);
  if (!value.is_boolean()) config.fail(key, "another type", "true or false");
  return value.get<bool>();
}

// OPT's configuration differs from all others.
void read_opt(const JsonObject& json, ModelConfig& config) {
  config.inner = json.number("ffn_dim", 1, kMostWidth);
  config.embedding = json.number_or("word_embed_proj_dim", config.hidden, 1, kMostWidth);
  // The table begins with two rows that no position uses.
  config.positions = json.number("max_position_embeddings", 1, kMostWidth) + 2;
  config.final_norm =
      flag(json, "do_layer_norm_before", true) && !flag(json, "_remove_final_layer_norm", false);
}

// The base and the scaling of the rotary embedding: keys of config.json itself, or newer ones of
// its object rope_parameters.
void read_rope(const JsonObject& json, DecoderConfig& decoder) {
  constexpr double kMostTheta = 1e12;
  decoder.rope_theta = json.real_or("rope_theta", decoder.rope_theta, 1, kMostTheta);
  const char* key = json.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!json.has(key)) return;
  const JsonObject rope = json.object(key);
  decoder.rope_theta = rope.real_or("rope_theta", decoder.rope_theta, 1, kMostTheta);
  const char* type_key = rope.has("rope_type") ? "rope_type" : "type";
  const std::string type = rope.has(type_key) ? rope.text(type_key) : "default";
  if (type == "default") return;
  if (type != "llama3") {
    decoder.obstacles.push_back("rotary embedding scaled as " + quotation(type));
    return;
  }
  constexpr double kMostFactor = 1e6;
  RopeScaling scaling;
  scaling.factor = rope.real_or("factor", scaling.factor, 1, kMostFactor);
  scaling.low = rope.real_or("low_freq_factor", scaling.low, 1 / kMostFactor, kMostFactor);
  scaling.high = rope.real_or("high_freq_factor", scaling.high, 1 / kMostFactor, kMostFactor);
  scaling.context = rope.number("original_max_position_embeddings", 1, kMostRows);
  if (scaling.high <= scaling.low)
    rope.fail("high_freq_factor", fmt::format("{}", scaling.high),
              fmt::format("more than the low_freq_factor of {}", scaling.low));
  decoder.rope_scaling = scaling;
}

// Within the window that a model attends to, it does not matter that there is one.
std::uint32_t read_context(const JsonObject& json, Architecture architecture) {
  const std::uint32_t context = json.number_or("max_position_embeddings", 0, 1, kMostRows);
  const bool windowed = flag(json, "use_sliding_window", architecture == Architecture::mistral);
  return windowed ? std::min(context, json.number_or("sliding_window", context, 1, kMostRows))
                  : context;
}

DecoderConfig read_decoder(const JsonObject& json, Architecture architecture) {
  DecoderConfig decoder;
  decoder.context = read_context(json, architecture);
  decoder.norm_epsilon = json.real_or("rms_norm_eps", decoder.norm_epsilon, 0, 1);
  read_rope(json, decoder);
  const std::string activation = json.has("hidden_act") ? json.text("hidden_act") : "silu";
  if (activation != "silu" && activation != "swish")
    decoder.obstacles.push_back("the activation function " + quotation(activation));
  if (json.real_or("partial_rotary_factor", 1, 0, 1) != 1)
    decoder.obstacles.emplace_back("a rotary embedding of a part of each head");
  return decoder;
}

// The names outside the blocks.
struct OuterNames {
  const char* blocks;
  const char* embedding;
  const char* norm;
  const char* positions;
  const char* classifier;
};

OuterNames outer_names(const ModelConfig& config, Naming naming) {
  if (naming == Naming::gguf)
    return {"blk.", "token_embd", "output_norm", "position_embd", "output"};
  if (naming == Naming::llama2c)
    return {"layers.", "token_embedding", "final_norm", "", "classifier"};
  if (config.architecture == Architecture::opt)
    return {"model.decoder.layers.", "model.decoder.embed_tokens", "model.decoder.final_layer_norm",
            "model.decoder.embed_positions", "lm_head"};
  return {"model.layers.", "model.embed_tokens", "model.norm", "", "lm_head"};
}

const char* suffix_of(Naming naming) { return naming == Naming::llama2c ? "" : ".weight"; }

const char* name_in(const BlockTensor& tensor, Naming naming) {
  switch (naming) {
    case Naming::hugging_face:
      return tensor.hugging_face;
    case Naming::gguf:
      return tensor.gguf;
    case Naming::llama2c:
      return tensor.llama2c;
  }
  return nullptr;
}

void append_outer_tensors(const ModelConfig& config, Naming naming,
                          std::vector<ModelTensor>& tensors) {
  const OuterNames names = outer_names(config, naming);
  const auto weight = [naming](const char* name) { return std::string(name) + suffix_of(naming); };
  tensors.push_back({weight(names.embedding), {config.vocabulary, config.embedding}});
  if (config.positions != 0)
    tensors.push_back({weight(names.positions), {config.positions, config.hidden}});
  if (config.embedding != config.hidden) {
    tensors.push_back({"model.decoder.project_in.weight", {config.hidden, config.embedding}});
    tensors.push_back({"model.decoder.project_out.weight", {config.embedding, config.hidden}});
  }
  if (config.final_norm) {
    tensors.push_back({weight(names.norm), {config.hidden}});
    if (config.architecture == Architecture::opt)
      tensors.push_back({std::string(names.norm) + ".bias", {config.hidden}});
  }
  if (!config.tied)
    tensors.push_back({weight(names.classifier), {config.vocabulary, config.embedding}});
}

}  // namespace

bool is_llama_family(Architecture architecture) {
  return architecture == Architecture::llama || architecture == Architecture::mistral ||
         architecture == Architecture::qwen2 || architecture == Architecture::qwen3;
}

const char* architecture_name(Architecture architecture) { return row_of(architecture).name; }

Architecture architecture_of(const std::string& name, const std::string& place) {
  std::vector<std::string> known;
  for (const ArchitectureRow& row : kArchitectures) {
    if (name == row.name) return row.architecture;
    known.emplace_back(row.name);
  }
  throw Error(ErrorCode::checkpoint_architecture,
              {place, quotation(name),
               "one of " + nearest_list(name, known, known.size()) + " (nearest first)",
               "Give a model of one of these."});
}

ModelConfig read_model_config(const JsonObject& json) {
  ModelConfig config;
  config.architecture = architecture_of(json.text("model_type"), json.place() + ", model_type");
  const ArchitectureRow& row = row_of(config.architecture);
  config.blocks = json.number("num_hidden_layers", 1, kMostBlocks);
  config.hidden = json.number("hidden_size", 1, kMostWidth);
  config.heads = json.number("num_attention_heads", 1, kMostWidth);
  config.kv_heads = json.number_or("num_key_value_heads", config.heads, 1, kMostWidth);
  const std::uint32_t head_size =
      row.head_size != 0 ? row.head_size : std::max(config.hidden / config.heads, 1U);
  config.head_size = json.number_or("head_dim", head_size, 1, kMostWidth);
  config.vocabulary = json.number("vocab_size", 1, kMostRows);
  config.embedding = config.hidden;
  config.tied = flag(json, "tie_word_embeddings", row.tied);
  if (config.architecture == Architecture::opt)
    read_opt(json, config);
  else
    config.inner = json.number("intermediate_size", 1, kMostWidth);
  if (is_llama_family(config.architecture))
    config.decoder = read_decoder(json, config.architecture);
  check_model_config(config, json.place());
  return config;
}

void check_model_config(const ModelConfig& config, const std::string& place) {
  const auto fail = [&place](std::string found, std::string expected) {
    throw Error(ErrorCode::checkpoint_config, {place, std::move(found), std::move(expected),
                                               "Download or export the checkpoint again."});
  };
  if (config.blocks > kMostBlocks)
    fail(fmt::format("{} blocks", config.blocks), fmt::format("at most {}", kMostBlocks));
  if (config.heads % config.kv_heads != 0)
    fail(fmt::format("{} heads and {} key/value heads", config.heads, config.kv_heads),
         "key/value heads that divide the heads");
  for (const Extent extent : {hidden, queries, keys, inner, qkv, gate_up})
    if (value_of(extent, config) > kMostRows)
      fail(fmt::format("a width of {}", value_of(extent, config)),
           fmt::format("at most {}", kMostRows));
}

std::vector<ModelTensor> model_tensors(const ModelConfig& config, Naming naming) {
  std::vector<ModelTensor> tensors;
  const OuterNames names = outer_names(config, naming);
  for (std::uint32_t block = 0; block < config.blocks; ++block)
    for (const BlockTensor& tensor : row_of(config.architecture).block) {
      Shape shape = {value_of(tensor.rows, config)};
      if (tensor.columns != none) shape.push_back(value_of(tensor.columns, config));
      tensors.push_back(
          {fmt::format("{}{}.{}", names.blocks, block, name_in(tensor, naming)), std::move(shape)});
    }
  append_outer_tensors(config, naming, tensors);
  return tensors;
}

std::vector<LinearLayer> linear_layers(const ModelConfig& config, Naming naming) {
  const std::string_view suffix = suffix_of(naming);
  const OuterNames names = outer_names(config, naming);
  std::vector<LinearLayer> layers;
  for (const ModelTensor& tensor : model_tensors(config, naming))
    if (tensor.name.starts_with(names.blocks) && tensor.shape.size() == 2)
      layers.push_back({tensor.name.substr(0, tensor.name.size() - suffix.size()), tensor.name,
                        static_cast<std::uint32_t>(tensor.shape[0]),
                        static_cast<std::uint32_t>(tensor.shape[1])});
  const char* classifier = config.tied ? names.embedding : names.classifier;
  layers.push_back({names.classifier, std::string(classifier) + std::string(suffix),
                    config.vocabulary, config.embedding});
  return layers;
}

}  // namespace bitloom
