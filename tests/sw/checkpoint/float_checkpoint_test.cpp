// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/float_checkpoint.hpp"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>

#include "sw/checkpoint/checkpoint_format.hpp"
#include "sw/checkpoint/name_list.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

constexpr const char* kConfig = R"({"model_type": "llama", "hidden_size": 4,
  "intermediate_size": 6, "num_attention_heads": 2, "num_hidden_layers": 1,
  "num_key_value_heads": 1, "vocab_size": 3, "torch_dtype": "bfloat16"})";

NamedTensor zeros(const std::string& name, const Shape& shape, Dtype dtype = Dtype::bf16) {
  return {name, dtype, shape, std::vector<std::uint8_t>(tensor_bytes(dtype, shape).value())};
}

// The tensors of the model above; q_proj holds 0.5, -2 and zeros in binary16.
std::vector<NamedTensor> model() {
  const std::string block = "model.layers.0.";
  std::vector<NamedTensor> tensors = {zeros("model.embed_tokens.weight", {3, 4}),
                                      zeros("model.norm.weight", {4}, Dtype::f32),
                                      zeros("lm_head.weight", {3, 4}),
                                      zeros(block + "input_layernorm.weight", {4}),
                                      zeros(block + "post_attention_layernorm.weight", {4}),
                                      zeros(block + "self_attn.q_proj.weight", {4, 4}, Dtype::f16),
                                      zeros(block + "self_attn.k_proj.weight", {2, 4}),
                                      zeros(block + "self_attn.v_proj.weight", {2, 4}),
                                      zeros(block + "self_attn.o_proj.weight", {4, 4}),
                                      zeros(block + "mlp.gate_proj.weight", {6, 4}),
                                      zeros(block + "mlp.up_proj.weight", {6, 4}),
                                      zeros(block + "mlp.down_proj.weight", {4, 6})};
  tensors[1].bytes = {0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x80};  // 1, 2, 0, -0
  tensors[5].bytes[8] = 0x00;
  tensors[5].bytes[9] = 0x38;   // 0.5 at [1, 0]
  tensors[5].bytes[15] = 0xC0;  // -2 at [1, 3]
  tensors[8].bytes[3] = 0x3F;   // bfloat16 0x3F00 = 0.5 at [0, 1]
  return tensors;
}

void write_model(const ScratchFolder& folder, const std::vector<NamedTensor>& tensors) {
  write_bytes(folder.path("config.json"), kConfig);
  write_safetensors(folder.path("model.safetensors"), {{"format", "pt"}}, tensors);
}

std::vector<float> row_of(const FloatMatrix& matrix, std::uint32_t row) {
  std::vector<float> values(matrix.k);
  matrix.read_row(row, values);
  return values;
}

TEST_CASE("Rows of a Hugging Face model are read in their own types") {
  const ScratchFolder folder;
  write_model(folder, model());
  CHECK(detect_format(folder.path("")) == CheckpointFormat::hugging_face);
  const FloatCheckpoint checkpoint = open_float_checkpoint(folder.path(""));
  REQUIRE(checkpoint.layers().size() == 8);
  const FloatMatrix q = checkpoint.matrix(checkpoint.layer("model.layers.0.self_attn.q_proj"));
  CHECK(q.m == 4);
  CHECK(row_of(q, 1) == std::vector<float>{0.5F, 0, 0, -2.0F});
  const FloatMatrix o = checkpoint.matrix(checkpoint.layer("model.layers.0.self_attn.o_proj"));
  CHECK(row_of(o, 0) == std::vector<float>{0, 0.5F, 0, 0});
  CHECK(checkpoint.values("model.norm.weight") == std::vector<float>{1, 2, 0, -0.0F});
  CHECK(error_of([&] { (void)checkpoint.layer("model.layers.0.self_attn.q_prod"); }).code() ==
        ErrorCode::layer_name);
  CHECK(error_of([&] { (void)checkpoint.values("model.norm.bias"); }).code() ==
        ErrorCode::layer_name);
}

TEST_CASE("All tensors that a model lacks are named at once") {
  const ScratchFolder folder;
  std::vector<NamedTensor> tensors = model();
  tensors.erase(tensors.begin() + 8, tensors.begin() + 10);
  write_model(folder, tensors);
  const Error error = error_of([&] { open_float_checkpoint(folder.path("")); });
  CHECK(error.code() == ErrorCode::checkpoint_missing);
  CHECK(error.parts().found ==
        "2 missing: model.layers.0.self_attn.o_proj.weight, model.layers.0.mlp.gate_proj.weight");
}

TEST_CASE("Tensors that a model lacks are all named, unless the message had no end") {
  const ScratchFolder folder;
  write_model(folder, {});
  const std::string found = error_of([&] { open_float_checkpoint(folder.path("")); }).parts().found;
  CHECK(found.starts_with("12 missing: model.layers.0.input_layernorm.weight, "));
  CHECK(std::count(found.begin(), found.end(), ',') == 11);
  CHECK(found.find("more") == std::string::npos);
  // 228 names and what separates them are the first that have more than 16 KiB.
  const std::string name(70, 'n');
  CHECK(name_list(std::vector<std::string>(228, name)).size() == 72 * 228 - 2);
  CHECK(name_list(std::vector<std::string>(10000, name)).ends_with(name + " and 9772 more"));
}

TEST_CASE("A tensor of another type or shape than the configuration's is refused") {
  const ScratchFolder folder;
  for (const NamedTensor& wrong :
       {zeros("model.layers.0.self_attn.k_proj.weight", {4, 4}),
        zeros("model.layers.0.self_attn.k_proj.weight", {2, 4}, Dtype::i8)}) {
    std::vector<NamedTensor> tensors = model();
    tensors[6] = wrong;
    write_model(folder, tensors);
    CHECK(error_of([&] { open_float_checkpoint(folder.path("")); }).code() ==
          ErrorCode::checkpoint_tensor);
  }
}

TEST_CASE("A single file of tensors has its matrices as layers") {
  const ScratchFolder folder;
  write_safetensors(folder.path("m.safetensors"), {},
                    {zeros("b.weight", {2, 3}), zeros("a", {1, 2}, Dtype::f32), zeros("v", {4}),
                     zeros("i", {2, 2}, Dtype::i32), zeros("e", {0, 2})});
  const FloatCheckpoint checkpoint = open_float_checkpoint(folder.path("m.safetensors"));
  REQUIRE(checkpoint.layers().size() == 2);
  CHECK(checkpoint.layers()[1].name == "b");
  CHECK(error_of([&] { (void)checkpoint.values("i"); }).code() == ErrorCode::checkpoint_tensor);
  CHECK(error_of([&] { open_quantized_checkpoint(folder.path("m.safetensors")); }).code() ==
        ErrorCode::checkpoint_path);
}

TEST_CASE("A llama2.c model is a checkpoint") {
  const ScratchFolder folder;
  std::string bytes;
  for (const std::int32_t field : {2, 4, 1, 1, 1, 3, 1}) bytes += raw(field);
  // embedding 6, norm 2, wq, wk, wv, wo 4 each, norm 2, w1, w2, w3 8 each, norm 2, tables 2.
  for (int i = 0; i < 6 + 2 + 16 + 2 + 24 + 2 + 2; ++i)
    bytes += raw(std::bit_cast<std::uint32_t>(static_cast<float>(i)));
  const auto path = write_bytes(folder.path("m.bin"), bytes);
  const FloatCheckpoint checkpoint = open_float_checkpoint(path);
  CHECK(checkpoint.layers().size() == 8);
  CHECK(row_of(checkpoint.matrix(checkpoint.layer("layers.0.wk")), 1) ==
        std::vector<float>{14, 15});
  CHECK(checkpoint.values("final_norm") == std::vector<float>{50, 51});
}

TEST_CASE("What is no checkpoint is refused") {
  const ScratchFolder folder;
  CHECK(error_of([&] { detect_format(write_bytes(folder.path("x"), "abc")); }).code() ==
        ErrorCode::checkpoint_path);
  CHECK(error_of([&] { detect_format(folder.path("missing")); }).code() == ErrorCode::io_read);
  CHECK(error_of([&] { detect_format(folder.path("")); }).code() == ErrorCode::io_read);
  write_bytes(folder.path("config.json"), R"({"anybcq": {}})");
  CHECK(error_of([&] { open_float_checkpoint(folder.path("")); }).code() ==
        ErrorCode::checkpoint_path);
}

}  // namespace
}  // namespace bitloom
