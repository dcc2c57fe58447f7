// SPDX-License-Identifier: Apache-2.0
#include "tests/support/model_files.hpp"

#include <bit>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace bitloom {
namespace {

template <typename Word>
std::string word(Word value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Word); ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string bytes_of(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += word(std::bit_cast<std::uint32_t>(value));
  return bytes;
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Takes the fields of a llama2.c file one after the other.
class Fields {
 public:
  explicit Fields(const std::string& bytes) : bytes_(bytes) {}

  std::int32_t number() { return std::bit_cast<std::int32_t>(take()); }
  float real() { return std::bit_cast<float>(take()); }
  std::string text(std::size_t length) {
    next_ += length;
    return bytes_.substr(next_ - length, length);
  }
  [[nodiscard]] bool at_end() const { return next_ == bytes_.size(); }

  PlainTensor tensor(std::vector<std::size_t> shape) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    PlainTensor tensor{std::move(shape), {}};
    for (std::size_t i = 0; i < count; ++i) tensor.values.push_back(std::bit_cast<float>(take()));
    return tensor;
  }

 private:
  std::uint32_t take() {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i)
      value |= std::uint32_t{static_cast<unsigned char>(bytes_.at(next_++))} << (8 * i);
    return value;
  }

  const std::string& bytes_;
  std::size_t next_ = 0;
};

bool in_q_or_k(const std::string& name) {
  for (const char* part : {"q_proj", "k_proj", "q_norm", "k_norm"})
    if (name.find(part) != std::string::npos) return true;
  return false;
}

// Elements 2i + j of every head go to j * head_dim / 2 + i.
PlainTensor halves(const PlainTensor& adjacent, std::size_t head_dim) {
  PlainTensor result = adjacent;
  const std::size_t columns = adjacent.shape.size() == 2 ? adjacent.shape[1] : 1;
  for (std::size_t row = 0; row < adjacent.shape[0]; ++row) {
    const std::size_t within = row % head_dim;
    const std::size_t to = row - within + within % 2 * (head_dim / 2) + within / 2;
    for (std::size_t column = 0; column < columns; ++column)
      result.values[to * columns + column] = adjacent.values[row * columns + column];
  }
  return result;
}

std::map<std::string, PlainTensor> with_halves(const PlainModel& model) {
  std::map<std::string, PlainTensor> tensors = model.tensors;
  for (auto& [name, tensor] : tensors)
    if (in_q_or_k(name)) tensor = halves(tensor, model.head_dim);
  return tensors;
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

std::string gguf_name(std::string name) {
  static const std::vector<std::pair<std::string, std::string>> kNames = {
      {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"},
      {"lm_head", "output"},
      {"model.layers.", "blk."},
      {"input_layernorm", "attn_norm"},
      {"post_attention_layernorm", "ffn_norm"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  for (const auto& [from, to] : kNames) replace(name, from, to);
  return name;
}

std::string gguf_text(const std::string& text) { return word(std::uint64_t{text.size()}) + text; }

std::string gguf_array(const std::string& key, std::uint32_t type, std::size_t count) {
  constexpr std::uint32_t kArray = 9;
  return gguf_text("tokenizer.ggml." + key) + word(kArray) + word(type) +
         word(std::uint64_t{count});
}

// The vocabulary as llama.cpp writes it: spaces as U+2581, and the marks without line ends.
std::vector<std::string> gguf_vocabulary(
    const std::vector<std::pair<std::string, float>>& vocabulary) {
  static const std::vector<std::string> kMarks = {"<unk>", "<s>", "</s>"};
  std::string tokens = gguf_array("tokens", 8, vocabulary.size());
  std::string scores = gguf_array("scores", 6, vocabulary.size());
  std::string types = gguf_array("token_type", 5, vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    std::string text;
    for (const char c : vocabulary[i].first) text += c == ' ' ? "\xE2\x96\x81" : std::string(1, c);
    tokens += gguf_text(i < kMarks.size() ? kMarks[i] : text);
    scores += word(std::bit_cast<std::uint32_t>(vocabulary[i].second));
    types += word(std::uint32_t{i == 0 ? 2U : i < 3 ? 3U : i < 259 ? 6U : 1U});
  }
  const std::string kind = gguf_text("tokenizer.ggml.model") + word(std::uint32_t{8});
  const auto mark = [](const char* key, std::uint32_t token) {
    return gguf_text(key) + word(std::uint32_t{4}) + word(token);
  };
  return {kind + gguf_text("llama"),
          tokens,
          scores,
          types,
          mark("tokenizer.ggml.bos_token_id", 1),
          mark("tokenizer.ggml.eos_token_id", 2)};
}

}  // namespace

PlainTensor& PlainModel::of_block(std::size_t block, const std::string& name) {
  return tensors["model.layers." + std::to_string(block) + "." + name];
}

PlainModel plain_model(const std::string& llama2c) {
  Fields fields(llama2c);
  PlainModel model;
  for (std::size_t* size :
       {&model.dim, &model.hidden, &model.blocks, &model.heads, &model.kv_heads})
    *size = static_cast<std::size_t>(fields.number());
  const std::int32_t vocab = fields.number();
  model.vocab = static_cast<std::size_t>(std::abs(vocab));
  model.context = static_cast<std::size_t>(fields.number());
  if (model.heads == 0) throw std::invalid_argument("a llama2.c file without heads");
  model.head_dim = model.dim / model.heads;
  const std::size_t kv_dim = model.kv_heads * model.head_dim;
  model.tensors["model.embed_tokens.weight"] = fields.tensor({model.vocab, model.dim});
  const auto of_blocks = [&](const std::string& name, const std::vector<std::size_t>& shape) {
    for (std::size_t block = 0; block < model.blocks; ++block)
      model.of_block(block, name) = fields.tensor(shape);
  };
  of_blocks("input_layernorm.weight", {model.dim});
  of_blocks("self_attn.q_proj.weight", {model.dim, model.dim});
  of_blocks("self_attn.k_proj.weight", {kv_dim, model.dim});
  of_blocks("self_attn.v_proj.weight", {kv_dim, model.dim});
  of_blocks("self_attn.o_proj.weight", {model.dim, model.dim});
  of_blocks("post_attention_layernorm.weight", {model.dim});
  of_blocks("mlp.gate_proj.weight", {model.hidden, model.dim});
  of_blocks("mlp.down_proj.weight", {model.dim, model.hidden});
  of_blocks("mlp.up_proj.weight", {model.hidden, model.dim});
  model.tensors["model.norm.weight"] = fields.tensor({model.dim});
  fields.tensor({model.context, model.head_dim});  // the rotary tables
  if (vocab < 0) model.tensors["lm_head.weight"] = fields.tensor({model.vocab, model.dim});
  return model;
}

std::vector<std::pair<std::string, float>> plain_vocabulary(const std::string& llama2c) {
  Fields fields(llama2c);
  fields.number();  // the longest token's length
  std::vector<std::pair<std::string, float>> vocabulary;
  while (!fields.at_end()) {
    const float score = fields.real();
    vocabulary.emplace_back(fields.text(static_cast<std::size_t>(fields.number())), score);
  }
  return vocabulary;
}

PlainModel random_plain_model(std::uint32_t seed) {
  PlainModel model{"llama", 32, 64, 2, 2, 1, 16, 270, 48};
  std::mt19937 random(seed);
  const auto tensor = [&random](std::vector<std::size_t> shape, double center, double spread) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    PlainTensor result{std::move(shape), std::vector<float>(count)};
    for (float& value : result.values)
      value = static_cast<float>(center + spread * (static_cast<double>(random()) * 0x1p-31 - 1.0));
    return result;
  };
  model.tensors["model.embed_tokens.weight"] = tensor({270, 32}, 0, 1);
  model.tensors["model.norm.weight"] = tensor({32}, 1, 0.5);
  model.tensors["lm_head.weight"] = tensor({270, 32}, 0, 0.5);
  for (std::size_t block = 0; block < model.blocks; ++block) {
    for (const char* norm : {"input_layernorm.weight", "post_attention_layernorm.weight"})
      model.of_block(block, norm) = tensor({32}, 1, 0.5);
    model.of_block(block, "self_attn.q_proj.weight") = tensor({32, 32}, 0, 0.5);
    model.of_block(block, "self_attn.k_proj.weight") = tensor({16, 32}, 0, 0.5);
    model.of_block(block, "self_attn.v_proj.weight") = tensor({16, 32}, 0, 0.5);
    model.of_block(block, "self_attn.o_proj.weight") = tensor({32, 32}, 0, 0.5);
    model.of_block(block, "mlp.gate_proj.weight") = tensor({64, 32}, 0, 0.5);
    model.of_block(block, "mlp.up_proj.weight") = tensor({64, 32}, 0, 0.5);
    model.of_block(block, "mlp.down_proj.weight") = tensor({32, 64}, 0, 0.5);
  }
  return model;
}

void write_hugging_face(const std::filesystem::path& folder, const PlainModel& model) {
  std::filesystem::create_directory(folder);
  std::ostringstream config;
  config.precision(17);
  config << R"({"model_type": ")" << model.architecture << R"(", "hidden_size": )" << model.dim
         << R"(, "intermediate_size": )" << model.hidden << R"(, "num_hidden_layers": )"
         << model.blocks << R"(, "num_attention_heads": )" << model.heads
         << R"(, "num_key_value_heads": )" << model.kv_heads << R"(, "head_dim": )"
         << model.head_dim << R"(, "vocab_size": )" << model.vocab
         << R"(, "max_position_embeddings": )" << model.context << R"(, "rms_norm_eps": )"
         << model.epsilon << R"(, "rope_theta": )" << model.theta << R"(, "tie_word_embeddings": )"
         << (model.tensors.contains("lm_head.weight") ? "false" : "true");
  for (const auto& [key, value] : model.json) config << ", \"" << key << "\": " << value;
  write_file(folder / "config.json", config.str() + "}");
  std::string header = "{";
  std::string data;
  for (const auto& [name, tensor] : with_halves(model)) {
    std::string shape;
    for (const std::size_t extent : tensor.shape)
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    if (header.size() > 1) header += ", ";
    header.append("\"").append(name).append(R"(": {"dtype": "F32", "shape": [)").append(shape);
    header.append(R"(], "data_offsets": [)").append(std::to_string(data.size())).append(", ");
    data += bytes_of(tensor.values);
    header += std::to_string(data.size()) + "]}";
  }
  header += "}";
  write_file(folder / "model.safetensors", word(std::uint64_t{header.size()}) + header + data);
}

void write_gguf(const std::filesystem::path& path, const PlainModel& model) {
  constexpr std::uint32_t kU32 = 4;
  constexpr std::uint32_t kF32 = 6;
  constexpr std::uint32_t kText = 8;
  std::vector<std::string> values = {gguf_text("general.architecture") + word(kText) +
                                     gguf_text(model.architecture)};
  const auto number = [&](const std::string& key, std::size_t value) {
    values.push_back(gguf_text(model.architecture + "." + key) + word(kU32) +
                     word(static_cast<std::uint32_t>(value)));
  };
  const auto real = [&](const std::string& key, double value) {
    values.push_back(gguf_text(model.architecture + "." + key) + word(kF32) +
                     word(std::bit_cast<std::uint32_t>(static_cast<float>(value))));
  };
  number("context_length", model.context);
  number("embedding_length", model.dim);
  number("block_count", model.blocks);
  number("feed_forward_length", model.hidden);
  number("attention.head_count", model.heads);
  number("attention.head_count_kv", model.kv_heads);
  number("attention.key_length", model.head_dim);
  number("attention.value_length", model.head_dim);
  number("rope.dimension_count", model.head_dim);
  real("attention.layer_norm_rms_epsilon", model.epsilon);
  real("rope.freq_base", model.theta);
  if (!model.vocabulary.empty())
    for (const std::string& value : gguf_vocabulary(model.vocabulary)) values.push_back(value);
  const bool qwen = model.architecture.starts_with("qwen");
  const auto tensors = qwen ? with_halves(model) : model.tensors;
  std::string infos;
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    infos += gguf_text(gguf_name(name)) + word(static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;)
      infos += word(std::uint64_t{tensor.shape[axis]});
    infos += word(std::uint32_t{0}) + word(std::uint64_t{data.size()});
    data += bytes_of(tensor.values);
    data.resize((data.size() + 31) / 32 * 32, '\0');
  }
  std::string bytes = "GGUF" + word(std::uint32_t{3}) + word(std::uint64_t{tensors.size()}) +
                      word(std::uint64_t{values.size()});
  for (const std::string& value : values) bytes += value;
  bytes += infos;
  bytes.resize((bytes.size() + 31) / 32 * 32, '\0');
  write_file(path, bytes + data);
}

}  // namespace bitloom
