// SPDX-License-Identifier: Apache-2.0
// One model in every format, against the textbook in binary64.
#include "sw/transformer/checkpoint_model.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "sw/transformer/float_layers.hpp"
#include "sw/transformer/transformer.hpp"
#include "tests/support/small_model.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

const std::vector<Token> kText = {1, 261, 5, 5, 269, 0, 77, 130, 261, 13, 200, 259, 8, 4};

std::vector<float> logits_of(const std::filesystem::path& path) {
  const FloatModel model = read_model(path);
  FloatLayers linear(model, model.linears());
  Transformer transformer(model);
  return transformer.forward(kText, linear, LogitsOf::all_tokens);
}

void check_close(const std::vector<float>& found, const SmallModel& small) {
  const auto expected = small.logits(kText);
  REQUIRE(found.size() == expected.size() * SmallModel::kVocab);
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    largest = std::max(
        largest, std::abs(found[i] - expected[i / SmallModel::kVocab][i % SmallModel::kVocab]));
  CHECK(largest < 2e-4);  // of logits with a spread of several units
}

struct Files {
  ScratchFolder scratch;

  std::filesystem::path hugging_face(const PlainModel& model) {
    auto path = scratch.path("folder" + std::to_string(count_++));
    write_hugging_face(path, model);
    return path;
  }

  std::filesystem::path gguf(const PlainModel& model) {
    auto path = scratch.path("model" + std::to_string(count_++) + ".gguf");
    write_gguf(path, model);
    return path;
  }

  void check_both(const SmallModel& small, const PlainModel& plain) {
    check_close(logits_of(hugging_face(plain)), small);
    check_close(logits_of(gguf(plain)), small);
  }

 private:
  int count_ = 0;
};

Error refusal(const std::filesystem::path& path) {
  Error error = error_of([&] { read_model(path); });
  CHECK(error.code() == ErrorCode::model_unsupported);
  return error;
}

}  // namespace

TEST_CASE("a llama model has the same logits from every format") {
  const SmallModel small(21);
  Files files;
  const PlainModel plain = small.plain();
  files.check_both(small, plain);
  // GGUF has its rows in llama2.c's order, so that every sum is the same.
  CHECK(logits_of(files.gguf(plain)) ==
        logits_of(write_bytes(files.scratch.path("m.bin"), small.file())));
}

TEST_CASE("layers have the names of their checkpoint") {
  const PlainModel plain = SmallModel(22).plain();
  Files files;
  const FloatModel folder = read_model(files.hugging_face(plain));
  CHECK(folder.linear({LinearKind::up, 1}).name == "model.layers.1.mlp.up_proj");
  CHECK(folder.classifier.name == "lm_head");
  const FloatModel gguf = read_model(files.gguf(plain));
  CHECK(gguf.linear({LinearKind::o, 1}).name == "blk.1.attn_output");
  CHECK(gguf.classifier.name == "output");
  const FloatModel llama2c =
      read_model(write_bytes(files.scratch.path("m.bin"), SmallModel(22).file()));
  CHECK(llama2c.linear({LinearKind::up, 1}).name == "layers.1.w3");
  CHECK(llama2c.linear({LinearKind::down, 0}).name == "layers.0.w2");
  CHECK(llama2c.classifier.name == "classifier");
}

TEST_CASE("the base of the rotary embedding and the epsilon of the norms are the checkpoint's") {
  SmallModel small(23);
  small.theta = 500;
  small.epsilon = 0.25;
  Files files;
  files.check_both(small, small.plain());
  // The newer place of the base, which holds over the older one.
  PlainModel newer = small.plain();
  newer.theta = 10000;
  newer.json["rope_parameters"] = R"({"rope_type": "default", "rope_theta": 500})";
  check_close(logits_of(files.hugging_face(newer)), small);
}

TEST_CASE("a classifier tied to the embedding is read from there") {
  SmallModel small(24);
  small.classifier = small.embedding;
  PlainModel plain = small.plain();
  plain.tensors.erase("lm_head.weight");
  Files files;
  files.check_both(small, plain);
  CHECK(read_model(files.gguf(plain)).shape.tied_classifier);
}

TEST_CASE("biases of Qwen 2 are added") {
  SmallModel small(25);
  small.add_biases(1);
  PlainModel plain = small.plain();
  plain.architecture = "qwen2";
  Files().check_both(small, plain);
}

TEST_CASE("heads of Qwen 3 are normalized before they are turned") {
  SmallModel small(26);
  small.add_head_norms(1);
  PlainModel plain = small.plain();
  plain.architecture = "qwen3";
  Files().check_both(small, plain);
}

TEST_CASE("Mistral's window bounds the context") {
  PlainModel plain = SmallModel(27).plain();
  plain.architecture = "mistral";
  plain.json["sliding_window"] = "20";
  Files files;
  CHECK(read_model(files.hugging_face(plain)).shape.context == 20);
  plain.json["sliding_window"] = "null";
  CHECK(read_model(files.hugging_face(plain)).shape.context == SmallModel::kContext);
  plain.json["sliding_window"] = "20";
  plain.architecture = "llama";
  CHECK(read_model(files.hugging_face(plain)).shape.context == SmallModel::kContext);
}

TEST_CASE("the rotary embedding of LLaMA 3.1 is stretched as published") {
  // Wavelengths of head_dim 4 and theta 400: 2 pi and 20 * 2 pi = 125.7 positions. Of a context of
  // 100 positions, shorter than 100 / 4 turn as ever, longer than 100 / 0.5 eight times slower.
  constexpr double kWavelength = 125.66370614359172;
  const double smooth = (100 / kWavelength - 0.5) / (4 - 0.5);
  SmallModel small(28);
  small.theta = 400;
  small.divisors = {1, 1 / ((1 - smooth) / 8 + smooth)};
  PlainModel plain = small.plain();
  plain.json["rope_scaling"] = R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 0.5,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 100})";
  Files files;
  check_close(logits_of(files.hugging_face(plain)), small);
  // All of it beyond the low bound.
  small.divisors = {1, 8};
  plain.json["rope_scaling"] = R"({"type": "llama3", "factor": 8.0, "low_freq_factor": 1,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 100})";
  check_close(logits_of(files.hugging_face(plain)), small);
  // GGUF has the divisors themselves.
  plain.tensors["rope_freqs.weight"] = {{2}, {1, 8}};
  check_close(logits_of(files.gguf(plain)), small);
  for (const std::vector<float>& factors :
       {std::vector<float>{1}, {1, 0}, {1, -1}, {1, INFINITY}, {1, NAN}}) {
    plain.tensors["rope_freqs.weight"] = {{factors.size()}, factors};
    CHECK(error_of([&] { read_model(files.gguf(plain)); }).code() == ErrorCode::checkpoint_tensor);
  }
}

TEST_CASE("with the numbers of LLaMA 3.1 fast pairs turn as ever and the slowest an eighth") {
  // Turns within 8192 positions: 1304 of pair 0, 253 of pair 1, 0.013 of pair 7.
  PlainModel plain = random_plain_model(1);
  plain.theta = 500000;
  plain.json["rope_scaling"] = R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 8192})";
  Files files;
  const std::vector<double> rotation = read_model(files.hugging_face(plain)).shape.rotation;
  REQUIRE(rotation.size() == 8);
  CHECK(rotation[0] == 1);
  CHECK(rotation[1] == Approx(0.19392274474868));  // 500000^(-1/8)
  CHECK(rotation[7] == Approx(1.031338537721246e-5 / 8));
}

TEST_CASE("what inference does not know is refused by name, all of it at once") {
  Files files;
  const PlainModel llama = SmallModel(29).plain();
  const auto folder = [&](const std::function<void(PlainModel&)>& change) {
    PlainModel model = llama;
    change(model);
    return refusal(files.hugging_face(model)).parts().found;
  };
  const std::string both = folder([](PlainModel& m) {
    m.json["rope_scaling"] = R"({"rope_type": "yarn", "factor": 4})";
    m.json["hidden_act"] = R"("gelu")";
  });
  CHECK(both.find("yarn") != std::string::npos);
  CHECK(both.find("gelu") != std::string::npos);
  CHECK(folder([](PlainModel& m) {
          m.json["partial_rotary_factor"] = "0.5";
        }).find("part of each head") != std::string::npos);
  CHECK(folder([](PlainModel& m) {
          m.json["max_position_embeddings"] = "null";
        }).find("length of its context") != std::string::npos);
  CHECK(folder([](PlainModel& m) {
          m.of_block(1, "mlp.up_proj.bias") = {{1}, {0}};
        }).find("tensor model.layers.1.mlp.up_proj.bias") != std::string::npos);
  CHECK(folder([](PlainModel& m) {
          m.of_block(0, "self_attn.q_norm.weight") = {{4}, {1, 1, 1, 1}};
        }).find("q_norm") != std::string::npos);
  CHECK(folder([](PlainModel& m) {
          m.architecture = "gemma2";
          for (std::size_t block = 0; block < m.blocks; ++block)
            for (const char* norm :
                 {"pre_feedforward_layernorm.weight", "post_feedforward_layernorm.weight"})
              m.of_block(block, norm) = {{m.dim}, std::vector<float>(m.dim)};
        }) == "a model of gemma2");
}

TEST_CASE("what inference does not know is refused in GGUF as well") {
  Files files;
  PlainModel mistral = SmallModel(30).plain();
  mistral.architecture = "mistral";
  CHECK(refusal(files.gguf(mistral)).parts().found.find("mistral") != std::string::npos);
  const std::string good = read_bytes(files.gguf(SmallModel(30).plain()));
  const auto renamed = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    REQUIRE(from.size() == to.size());
    bytes.replace(bytes.find(from), from.size(), to);
    return refusal(write_bytes(files.scratch.path("m.gguf"), bytes)).parts().found;
  };
  CHECK(renamed("context_length", "context_lengxx").find("context") != std::string::npos);
  CHECK(renamed("layer_norm_rms_epsilon", "layer_norm_rms_epsilox").find("rms_epsilon") !=
        std::string::npos);
}

TEST_CASE("matrices without a model around them are refused") {
  Files files;
  const auto folder = files.hugging_face(SmallModel(31).plain());
  CHECK(refusal(folder / "model.safetensors").parts().found.find("without a description") !=
        std::string::npos);
}

TEST_CASE("numbers of a configuration that make no sense are refused") {
  Files files;
  const auto code = [&](const std::string& key, const std::string& value) {
    PlainModel model = SmallModel(32).plain();
    model.json[key] = value;
    return error_of([&] { read_model(files.hugging_face(model)); }).code();
  };
  const ErrorCode bad = ErrorCode::checkpoint_config;
  CHECK(code("rms_norm_eps", "-1") == bad);
  CHECK(code("rms_norm_eps", "\"1e-5\"") == bad);
  CHECK(code("rope_theta", "0") == bad);
  CHECK(code("rope_theta", "1e999") == bad);
  CHECK(code("rope_scaling", "3") == bad);
  CHECK(code("rope_scaling", R"({"rope_type": 3})") == bad);
  CHECK(code("rope_scaling", R"({"rope_type": "llama3", "factor": 8})") == bad);
  CHECK(code("rope_scaling", R"({"rope_type": "llama3", "factor": 0.5,
      "original_max_position_embeddings": 8192})") == bad);
  CHECK(code("rope_scaling", R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4,
      "high_freq_factor": 4, "original_max_position_embeddings": 8192})") == bad);
}
