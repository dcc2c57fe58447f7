// SPDX-License-Identifier: Apache-2.0
// The tables against published models: configurations as their config.json has them, and the
// numbers of parameters that their model pages state.
#include "sw/checkpoint/architecture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

ModelConfig config_of(const std::string& json) {
  return read_model_config(JsonObject("config.json", json));
}

std::uint64_t parameters(const std::string& json) {
  std::uint64_t total = 0;
  for (const ModelTensor& tensor : model_tensors(config_of(json), Naming::hugging_face)) {
    std::uint64_t values = 1;
    for (const std::uint64_t extent : tensor.shape) values *= extent;
    total += values;
  }
  return total;
}

const std::string kLlama2 = R"({"model_type": "llama", "hidden_size": 4096,
  "intermediate_size": 11008, "num_attention_heads": 32, "num_hidden_layers": 32,
  "num_key_value_heads": 32, "vocab_size": 32000, "tie_word_embeddings": false})";
const std::string kOpt350 = R"({"model_type": "opt", "hidden_size": 1024, "ffn_dim": 4096,
  "num_attention_heads": 16, "num_hidden_layers": 24, "vocab_size": 50272,
  "word_embed_proj_dim": 512, "max_position_embeddings": 2048, "do_layer_norm_before": false})";

TEST_CASE("The tensors add up to the models' published numbers of parameters") {
  CHECK(parameters(kLlama2) == 6'738'415'616);
  CHECK(parameters(R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "vocab_size": 128256})") == 8'030'261'248);                   // Llama-3.1-8B
  CHECK(parameters(R"({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "head_dim": null, "vocab_size": 32000})") == 7'241'732'096);  // Mistral-7B-v0.1
  CHECK(parameters(R"({"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944,
    "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
    "vocab_size": 152064})") == 7'615'616'512);                   // Qwen2.5-7B
  CHECK(parameters(R"({"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288,
    "num_attention_heads": 32, "num_hidden_layers": 36, "num_key_value_heads": 8,
    "head_dim": 128, "vocab_size": 151936})") == 8'190'735'360);  // Qwen3-8B
  CHECK(parameters(R"({"model_type": "gemma2", "hidden_size": 3584, "intermediate_size": 14336,
    "num_attention_heads": 16, "num_hidden_layers": 42, "num_key_value_heads": 8,
    "head_dim": 256, "vocab_size": 256000})") == 9'241'705'984);  // gemma-2-9b
  CHECK(parameters(R"({"model_type": "opt", "hidden_size": 768, "ffn_dim": 3072,
    "num_attention_heads": 12, "num_hidden_layers": 12, "vocab_size": 50272,
    "word_embed_proj_dim": 768, "max_position_embeddings": 2048})") == 125'239'296);  // opt-125m
  CHECK(parameters(kOpt350) == 331'196'416);                                          // opt-350m
  CHECK(parameters(R"({"model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192,
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
    "vocab_size": 32064})") == 3'821'079'552);    // Phi-3-mini-4k
  CHECK(parameters(R"({"model_type": "phi3", "hidden_size": 5120, "intermediate_size": 17920,
    "num_attention_heads": 40, "num_hidden_layers": 40, "num_key_value_heads": 10,
    "vocab_size": 100352})") == 14'659'507'200);  // phi-4
}

TEST_CASE("Linear layers come in the order of the data path, with their shapes") {
  const auto layers = linear_layers(config_of(kLlama2), Naming::hugging_face);
  REQUIRE(layers.size() == 32 * 7 + 1);
  CHECK(layers[7].name == "model.layers.1.self_attn.q_proj");
  CHECK(layers[7].tensor == "model.layers.1.self_attn.q_proj.weight");
  CHECK(layers[4].name == "model.layers.0.mlp.gate_proj");
  CHECK(layers[4].m == 11008);
  CHECK(layers[4].k == 4096);
  CHECK(layers.back().name == "lm_head");
  CHECK(layers.back().tensor == "lm_head.weight");
  CHECK(linear_layers(config_of(kLlama2), Naming::gguf)[7].tensor == "blk.1.attn_q.weight");
}

TEST_CASE("Fused layers are one layer; a tied classifier is the embedding") {
  const auto phi = linear_layers(config_of(R"({"model_type": "phi3", "hidden_size": 5120,
    "intermediate_size": 17920, "num_attention_heads": 40, "num_hidden_layers": 1,
    "num_key_value_heads": 10, "vocab_size": 100352})"),
                                 Naming::hugging_face);
  REQUIRE(phi.size() == 5);
  CHECK(phi[0].name == "model.layers.0.self_attn.qkv_proj");
  CHECK(phi[0].m == 7680);
  CHECK(phi[2].m == 35840);
  const auto opt = linear_layers(config_of(kOpt350), Naming::hugging_face);
  CHECK(opt[3].name == "model.decoder.layers.0.self_attn.out_proj");
  CHECK(opt.back().tensor == "model.decoder.embed_tokens.weight");
  CHECK(opt.back().k == 512);
}

TEST_CASE("Unknown models are answered with the known ones") {
  const Error error = error_of([] { config_of(R"({"model_type": "lama"})"); });
  CHECK(error.code() == ErrorCode::checkpoint_architecture);
  CHECK_THAT(error.parts().expected, Catch::StartsWith("one of llama, "));
}

TEST_CASE("Configurations that contradict themselves are refused") {
  const auto refused = [](const char* key, const char* value) {
    nlohmann::json json = nlohmann::json::parse(kLlama2);
    json[key] = nlohmann::json::parse(value);
    return error_of([&json] { config_of(json.dump()); }).code() == ErrorCode::checkpoint_config;
  };
  CHECK(refused("num_key_value_heads", "5"));
  CHECK(refused("hidden_size", "0"));
  CHECK(refused("hidden_size", "-4096"));
  CHECK(refused("hidden_size", "4096.5"));
  CHECK(refused("hidden_size", "\"4096\""));
  CHECK(refused("hidden_size", "1e30"));
  CHECK(refused("head_dim", "1048576"));
  CHECK(refused("vocab_size", "null"));
  CHECK(refused("model_type", "5"));
  CHECK(refused("tie_word_embeddings", "1"));
  for (const char* text : {"", "[]", "{", "5", "\"a\"", "{\"a\": 1}x"})
    CHECK(error_of([text] { config_of(text); }).code() == ErrorCode::checkpoint_config);
  const std::string deep = "{\"a\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(error_of([&deep] { config_of(deep); }).code() == ErrorCode::checkpoint_config);
}

}  // namespace
}  // namespace bitloom
