// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/checkpoint_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "sw/checkpoint/float_checkpoint.hpp"
#include "sw/checkpoint/name_list.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// What GGUF files of LLaMA 3.1 have instead of the numbers behind it: divisors of the frequencies.
constexpr const char* kFrequencyFactors = "rope_freqs.weight";

[[noreturn]] void refuse(const FloatCheckpoint& checkpoint, std::string found) {
  throw Error(ErrorCode::model_unsupported,
              {checkpoint.store().path().string(), std::move(found),
               "a model of llama, mistral, qwen2 or qwen3 as docs/generate.md describes it",
               "Its layers can still be quantized, converted and run one by one."});
}

// The name in the checkpoint of each tensor of the model, by its name in Hugging Face's files.
std::map<std::string, std::string> tensor_names(const ModelConfig& config, Naming naming) {
  const std::vector<ModelTensor> usual = model_tensors(config, Naming::hugging_face);
  const std::vector<ModelTensor> here = model_tensors(config, naming);
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < usual.size(); ++i) names[usual[i].name] = here[i].name;
  return names;
}

// Biases and norms change what is computed: one that nothing here would use is an obstacle.
std::vector<std::string> unused_tensors(const FloatCheckpoint& checkpoint,
                                        const std::map<std::string, std::string>& names) {
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : checkpoint.store().tensors()) {
    const bool used = std::any_of(names.begin(), names.end(),
                                  [&name = name](const auto& n) { return n.second == name; });
    if (!used && (name.ends_with("bias") || name.ends_with("norm.weight"))) unused.push_back(name);
  }
  return unused;
}

void check_supported(const FloatCheckpoint& checkpoint,
                     const std::map<std::string, std::string>& names) {
  const ModelConfig& config = *checkpoint.config();
  std::vector<std::string> obstacles = config.decoder.obstacles;
  if (config.decoder.context == 0) obstacles.emplace_back("no length of its context");
  if (config.head_size % 2 != 0)
    obstacles.push_back("heads of " + std::to_string(config.head_size) + " values");
  for (const std::string& tensor : unused_tensors(checkpoint, names))
    obstacles.push_back("tensor " + tensor);
  if (!obstacles.empty()) refuse(checkpoint, name_list(obstacles));
}

// The divisor of a frequency in radians per position, from its number of turns within the context
// (Grattafiori et al., The Llama 3 Herd of Models, 2024; formula of Meta's model code).
double stretch(const RopeScaling& scaling, double frequency) {
  const double turns = scaling.context * frequency / (2 * std::numbers::pi);
  const double kept = std::clamp((turns - scaling.low) / (scaling.high - scaling.low), 0.0, 1.0);
  return 1 / (kept + (1 - kept) / scaling.factor);
}

std::vector<double> rotation_of(const FloatCheckpoint& checkpoint) {
  const ModelConfig& config = *checkpoint.config();
  std::vector<double> rotation(config.head_size / 2);
  for (std::size_t pair = 0; pair < rotation.size(); ++pair)
    rotation[pair] =
        std::pow(config.decoder.rope_theta, -2.0 * static_cast<double>(pair) / config.head_size);
  if (config.decoder.rope_scaling)
    for (double& frequency : rotation)
      frequency /= stretch(*config.decoder.rope_scaling, frequency);
  const auto& tensors = checkpoint.store().tensors();
  if (checkpoint.naming() != Naming::gguf || !tensors.contains(kFrequencyFactors)) return rotation;
  const std::vector<float> factors = checkpoint.values(kFrequencyFactors);
  const bool valid = factors.size() == rotation.size() &&
                     std::all_of(factors.begin(), factors.end(),
                                 [](float factor) { return factor > 0 && std::isfinite(factor); });
  if (!valid)
    throw Error(ErrorCode::checkpoint_tensor,
                {checkpoint.store().path().string() + ", tensor " + kFrequencyFactors,
                 std::to_string(factors.size()) + " values",
                 std::to_string(rotation.size()) + " finite ones above 0",
                 "Convert the model to GGUF again."});
  for (std::size_t pair = 0; pair < rotation.size(); ++pair) rotation[pair] /= factors[pair];
  return rotation;
}

RotaryPairs pairs_of(const ModelConfig& config, Naming naming) {
  const bool halves = naming == Naming::hugging_face ||
                      (naming == Naming::gguf && config.architecture != Architecture::llama);
  return halves ? RotaryPairs::halves : RotaryPairs::adjacent;
}

TransformerShape shape_of(const FloatCheckpoint& checkpoint) {
  const ModelConfig& config = *checkpoint.config();
  TransformerShape shape;
  shape.dim = config.hidden;
  shape.hidden_dim = config.inner;
  shape.blocks = config.blocks;
  shape.heads = config.heads;
  shape.kv_heads = config.kv_heads;
  shape.head_dim = config.head_size;
  shape.vocab_size = config.vocabulary;
  shape.context = config.decoder.context;
  shape.norm_epsilon = static_cast<float>(config.decoder.norm_epsilon);
  shape.rotary_pairs = pairs_of(config, checkpoint.naming());
  shape.rotation = rotation_of(checkpoint);
  shape.tied_classifier = config.tied;
  return shape;
}

// Layer number `index` of the checkpoint's; its order is that of LinearKind.
NamedLinear linear(const FloatCheckpoint& checkpoint, std::size_t index) {
  const LinearLayer& layer = checkpoint.layers().at(index);
  return {layer.name, checkpoint.matrix(layer)};
}

}  // namespace

FloatModel read_model(const std::filesystem::path& path) {
  const FloatCheckpoint checkpoint = open_float_checkpoint(path);
  if (!checkpoint.config()) refuse(checkpoint, "matrices without a description of their model");
  const ModelConfig& config = *checkpoint.config();
  if (!is_llama_family(config.architecture))
    refuse(checkpoint, "a model of " + std::string(architecture_name(config.architecture)));
  const auto names = tensor_names(config, checkpoint.naming());
  check_supported(checkpoint, names);
  const auto vector = [&](const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? std::vector<float>() : checkpoint.values(found->second);
  };
  FloatModel model;
  model.shape = shape_of(checkpoint);
  model.embedding = checkpoint.matrix(
      {"", names.at("model.embed_tokens.weight"), config.vocabulary, config.hidden});
  for (std::uint32_t i = 0; i < config.blocks; ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    DecoderBlock block;
    block.attention_norm = vector(prefix + "input_layernorm.weight");
    block.ffn_norm = vector(prefix + "post_attention_layernorm.weight");
    block.q_bias = vector(prefix + "self_attn.q_proj.bias");
    block.k_bias = vector(prefix + "self_attn.k_proj.bias");
    block.v_bias = vector(prefix + "self_attn.v_proj.bias");
    block.q_norm = vector(prefix + "self_attn.q_norm.weight");
    block.k_norm = vector(prefix + "self_attn.k_norm.weight");
    for (std::size_t kind = 0; kind < kBlockLinears; ++kind)
      block.linears.at(kind) = linear(checkpoint, i * kBlockLinears + kind);
    model.blocks.push_back(std::move(block));
  }
  model.final_norm = vector("model.norm.weight");
  model.classifier = linear(checkpoint, config.blocks * kBlockLinears);
  return model;
}

}  // namespace bitloom
