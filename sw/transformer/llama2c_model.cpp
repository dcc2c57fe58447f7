// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/llama2c_model.hpp"

#include <memory>
#include <string>

#include "sw/io/llama2c.hpp"

namespace bitloom {
namespace {

// The tensors' names, by LinearKind.
constexpr std::array<const char*, kBlockLinears> kLinearNames = {"wq", "wk", "wv", "wo",
                                                                 "w1", "w3", "w2"};

TransformerShape shape_of(const Llama2cShape& file) {
  TransformerShape shape;
  shape.dim = file.dim;
  shape.hidden_dim = file.hidden_dim;
  shape.blocks = file.n_layers;
  shape.heads = file.n_heads;
  shape.kv_heads = file.n_kv_heads;
  shape.head_dim = file.dim / file.n_heads;
  shape.vocab_size = file.vocab_size;
  shape.context = file.seq_len;
  shape.tied_classifier = file.shared_classifier;
  return shape;
}

NamedLinear linear(const std::shared_ptr<const Llama2cFile>& file, const std::string& name) {
  const Llama2cTensor tensor = file->tensor(name);
  return {name,
          {tensor.rows, tensor.columns, [file, tensor](std::uint32_t row, std::span<float> out) {
             file->read_row(tensor, row, out);
           }}};
}

}  // namespace

FloatModel read_llama2c_model(const std::filesystem::path& path) {
  const auto file = std::make_shared<const Llama2cFile>(path);
  const auto vector = [&](const std::string& name) { return file->read(file->tensor(name)); };
  FloatModel model;
  model.shape = shape_of(file->shape());
  model.embedding = linear(file, "token_embedding").weights;
  for (std::uint32_t i = 0; i < model.shape.blocks; ++i) {
    const std::string prefix = "layers." + std::to_string(i) + ".";
    DecoderBlock block;
    block.attention_norm = vector(prefix + "attention_norm");
    block.ffn_norm = vector(prefix + "ffn_norm");
    for (std::size_t kind = 0; kind < kBlockLinears; ++kind)
      block.linears.at(kind) = linear(file, prefix + kLinearNames.at(kind));
    model.blocks.push_back(std::move(block));
  }
  model.final_norm = vector("final_norm");
  model.classifier = linear(file, "classifier");
  return model;
}

}  // namespace bitloom
