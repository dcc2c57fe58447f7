// SPDX-License-Identifier: Apache-2.0
// The language models whose checkpoints are known: which tensors they have, of which shapes, and
// which of these are the linear layers that an accelerator runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/checkpoint/json_file.hpp"
#include "sw/io/safetensors.hpp"

namespace bitloom {

enum class Architecture : std::uint8_t { llama, mistral, qwen2, qwen3, gemma2, opt, phi3 };

/// How LLaMA 3.1 stretches the rotary embedding over a longer context than it was trained with at
/// first: pairs that turn less than `low` times within `context` positions turn `factor` times
/// slower, those that turn more than `high` times as ever, and those between by interpolation.
struct RopeScaling {
  double factor = 1;
  double low = 1;
  double high = 4;
  std::uint32_t context = 0;
};

/// What inference of the LLaMA family needs to know beside the sizes.
struct DecoderConfig {
  std::uint32_t context = 0;  ///< most positions that the model makes sense of; 0 = not said
  double norm_epsilon = 1e-6;
  double rope_theta = 10000;
  std::optional<RopeScaling> rope_scaling;
  std::vector<std::string> obstacles;  ///< in words, what it needs that is not known here
};

/// Sizes of a model, all at least 1 and checked against each other.
struct ModelConfig {
  Architecture architecture{};
  std::uint32_t blocks = 0;
  std::uint32_t hidden = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;  ///< divides heads
  std::uint32_t head_size = 0;
  std::uint32_t inner = 0;  ///< width of the feed-forward part
  std::uint32_t vocabulary = 0;
  std::uint32_t embedding = 0;  ///< width of an embedding; `hidden` but for small OPT models
  std::uint32_t positions = 0;  ///< rows of OPT's table of positions; 0 for the others
  bool tied = false;            ///< the classifier is the token embedding
  bool final_norm = true;       ///< a norm behind the last block
  DecoderConfig decoder;        ///< read for the LLaMA family only
};

/// Whether models are decoders like LLaMA: RMS norms, rotary embedding, SwiGLU.
bool is_llama_family(Architecture architecture);

/// The name in config.json's model_type: "llama".
const char* architecture_name(Architecture architecture);

/// Whose names tensors have. llama2.c has names for `llama` only.
enum class Naming : std::uint8_t { hugging_face, gguf, llama2c };

struct ModelTensor {
  std::string name;  ///< "model.layers.0.self_attn.q_proj.weight"
  Shape shape;
};

/// A linear layer y = W x; W is [m, k].
struct LinearLayer {
  std::string name;    ///< "model.layers.0.self_attn.q_proj"
  std::string tensor;  ///< its weights: name + ".weight", or the name, or the tied embedding
  std::uint32_t m = 0;
  std::uint32_t k = 0;
};

/// The configuration in a config.json. Throws Error checkpoint_architecture with the nearest known
/// names, and checkpoint_config.
ModelConfig read_model_config(const JsonObject& config);

/// Throws Error checkpoint_config when the sizes contradict each other; `place` is for the message.
void check_model_config(const ModelConfig& config, const std::string& place);

/// The architecture of that name in config.json's model_type or GGUF's general.architecture. Throws
/// Error checkpoint_architecture.
Architecture architecture_of(const std::string& name, const std::string& place);

/// The tensors that a model of this configuration has, in the same order whatever the names.
/// Buffers that old exports carry along are not listed.
std::vector<ModelTensor> model_tensors(const ModelConfig& config, Naming naming);

/// Its linear layers, block by block in the order of the data path; the classifier is the last.
/// Fused layers (Phi's qkv_proj and gate_up_proj) are one layer, as the checkpoint stores them.
std::vector<LinearLayer> linear_layers(const ModelConfig& config, Naming naming);

}  // namespace bitloom
