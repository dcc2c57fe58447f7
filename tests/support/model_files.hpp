// SPDX-License-Identifier: Apache-2.0
// LLaMA models as Hugging Face folders and GGUF files, written from the formats' descriptions
// without any code of bitloom.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bitloom {

/// A tensor of floats, row-major.
struct PlainTensor {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

/// A model with Hugging Face's names. Rows of q and k, and what belongs to them, are in the order
/// of adjacent rotary pairs; write_hugging_face() puts them into that of halves.
struct PlainModel {
  std::string architecture = "llama";
  std::size_t dim = 0, hidden = 0, blocks = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0,
              context = 0;
  double epsilon = 1e-5;
  double theta = 10000;
  std::map<std::string, PlainTensor> tensors{};
  std::vector<std::pair<std::string, float>> vocabulary{};  ///< tokens and scores, for GGUF
  std::map<std::string, std::string> json{};                ///< more of config.json, by key: JSON

  /// The tensor of a block: "self_attn.q_proj.weight".
  PlainTensor& of_block(std::size_t block, const std::string& name);
};

/// The model in a llama2.c file: its bytes.
PlainModel plain_model(const std::string& llama2c);

/// The tokens and scores in a llama2.c tokenizer: its bytes.
std::vector<std::pair<std::string, float>> plain_vocabulary(const std::string& llama2c);

/// A random model with q, k, v and o of 32 x 32, 16 x 32, 16 x 32 and 32 x 32, and inner layers of
/// 64, whose sizes every format of quantized layers takes. The vocabulary is that of SmallModel.
PlainModel random_plain_model(std::uint32_t seed);

/// Writes config.json and model.safetensors into a new folder.
void write_hugging_face(const std::filesystem::path& folder, const PlainModel& model);

/// Writes a GGUF file, version 3. Qwen's models have halves in GGUF as well.
void write_gguf(const std::filesystem::path& path, const PlainModel& model);

}  // namespace bitloom
