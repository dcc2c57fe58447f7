// SPDX-License-Identifier: Apache-2.0
// `bitloom generate` and `bitloom perplexity` end to end, on a small random model.
#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "host/generation/layer_makers.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/moments_file.hpp"
#include "sw/io/safetensors.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "tests/host/command.hpp"
#include "tests/support/small_model.hpp"

namespace {

using namespace host_test;
using Json = nlohmann::json;

// A command on the small model's files; options given later replace these.
struct Command {
  std::string name;
  Scratch scratch;
  std::map<std::string, std::string> options;

  explicit Command(std::string command) : name(std::move(command)) {
    write_text(scratch / "model.bin", bitloom::SmallModel(1).file());
    write_text(scratch / "tokenizer.bin", bitloom::SmallModel::tokenizer_file());
    options = {{"--model", path("model.bin")},
               {"--tokenizer", path("tokenizer.bin")},
               {"--out", path("run")}};
  }

  [[nodiscard]] std::string path(const std::string& file) const {
    return (scratch / file).string();
  }

  void set(const std::string& option, const std::string& value) { options[option] = value; }

  [[nodiscard]] Outcome operator()() const {
    std::vector<std::string> arguments = {name};
    for (const auto& [option, value] : options) {
      arguments.push_back(option);
      arguments.push_back(value);
    }
    return host_test::bitloom(arguments);
  }

  // The result of a run that must succeed.
  [[nodiscard]] Json result() const {
    const Outcome outcome = (*this)();
    CAPTURE(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return Json::parse(read_text(scratch / "run/result.json"));
  }

  void check_refused(const std::string& code, const std::vector<std::string>& parts) const {
    const Outcome outcome = (*this)();
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find("error " + code + ":") != std::string::npos);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    for (const std::string& part : parts) {
      CAPTURE(part);
      CHECK(outcome.err.find(part) != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(scratch / "run/result.json"));
  }
};

Json generated(Command& command, const std::map<std::string, std::string>& options) {
  for (const auto& [option, value] : options) command.options[option] = value;
  return command.result();
}

}  // namespace

TEST_CASE("generate prints the prompt and the text, then the summary, and writes both") {
  Command command("generate");
  const Json result =
      generated(command, {{"--prompt", "ab ba"}, {"--tokens", "6"}, {"--bits", "8"}});
  CHECK(result["prompt"] == "ab ba");
  CHECK(result["prompt_tokens"] == 4);
  CHECK(result["token_ids"].size() == 6);
  CHECK(result["prefill"]["tokens"] == 4);
  CHECK(result["decode"]["tokens"] == 5);
  CHECK(result["bits_schedule"] == Json::parse(R"([{"from_token": 0, "bits": 8}])"));
  const std::string out = command().out;
  CHECK(out.starts_with("ab ba"));
  for (const char* part : {"\nmodel         ", "\nprecision     8 bits\n",
                           "\nprefill       4 tokens in ", "\ndecode        5 tokens in "})
    CHECK(out.find(part) != std::string::npos);
}

TEST_CASE("every backend that is no simulator writes the same text") {
  Command command("generate");
  Json expected;
  for (const char* backend : {"cpu", "golden", "cuda"}) {
    const Json ids = generated(command, {{"--backend", backend},
                                         {"--method", "codebook"},
                                         {"--bits", "4"},
                                         {"--tokens", "8"}})["token_ids"];
    if (expected.is_null()) expected = ids;
    CHECK(ids == expected);
  }
}

TEST_CASE("a seed repeats a sampled text, another one gives another") {
  Command command("generate");
  command.set("--temperature", "1");
  command.set("--tokens", "20");
  const Json first = generated(command, {{"--seed", "7"}})["token_ids"];
  CHECK(generated(command, {{"--seed", "7"}})["token_ids"] == first);
  CHECK(generated(command, {{"--seed", "8"}})["token_ids"] != first);
  CHECK(generated(command, {{"--seed", "7"}, {"--top-p", "1e-9"}})["token_ids"] ==
        generated(command, {{"--temperature", "0"}, {"--top-p", "1"}})["token_ids"]);
}

TEST_CASE("layers of an interchange file write the text of those made on the fly") {
  using namespace bitloom;
  Command command("generate");
  const Json made = generated(
      command, {{"--bits-schedule", "0:3,4:2"}, {"--group-size", "32"}, {"--tokens", "8"}});
  CHECK(made["weights"].is_null());
  const FloatModel model = read_model(command.path("model.bin"));
  std::vector<Layer> layers;
  for (const LinearId id : model.linears())
    layers.push_back(quantizing_maker(Mode::bcq, 32, {})(model.linear(id), {2, 3}));
  write_layers(command.path("w.safetensors"), layers);
  command.options.erase("--group-size");
  command.options.erase("--bits-schedule");
  const Json three =
      generated(command, {{"--weights", command.path("w.safetensors")}, {"--bits", "3"}});
  CHECK(three["method"].is_null());
  CHECK(std::equal(three["token_ids"].begin(), three["token_ids"].begin() + 4,
                   made["token_ids"].begin()));
  // The file has no other precision, and says so before anything is written.
  std::filesystem::remove(command.scratch / "run/result.json");
  command.set("--bits", "4");
  command.check_refused("BL-CALL-precision", {"layer layers.0.wq", "4 bits", "serves: 2, 3"});
}

TEST_CASE("a model writes the same text from every format, its layers named as the format does") {
  Command command("generate");
  bitloom::PlainModel plain = bitloom::SmallModel(1).plain();
  plain.vocabulary = bitloom::plain_vocabulary(bitloom::SmallModel::tokenizer_file());
  bitloom::write_hugging_face(command.path("folder"), plain);
  bitloom::write_gguf(command.path("model.gguf"), plain);
  const auto ids = [&](const std::string& model, const std::string& rule) {
    return generated(command, {{"--model", command.path(model)},
                               {"--bits", "16"},
                               {"--layer-bits", rule},
                               {"--tokens", "30"},
                               {"--temperature", "1"}})["token_ids"];
  };
  const Json expected = ids("model.bin", "*.w2=3");
  REQUIRE(expected.size() > 5);
  CHECK(ids("folder", "*.down_proj=3") == expected);
  CHECK(ids("model.gguf", "*.ffn_down=3") == expected);
  CHECK(ids("model.gguf", "*.ffn_down=2") != expected);
  command.set("--tokenizer", command.path("model.gguf"));
  CHECK(ids("model.gguf", "*.ffn_down=3") == expected);
}

TEST_CASE("a model that inference does not know is refused by name") {
  Command command("generate");
  bitloom::PlainModel plain = bitloom::SmallModel(1).plain();
  plain.json["rope_scaling"] = R"({"rope_type": "longrope"})";
  bitloom::write_hugging_face(command.path("folder"), plain);
  command.set("--model", command.path("folder"));
  command.check_refused("BL-MOD-unsupported", {"folder", "longrope"});
}

TEST_CASE("quantized checkpoints of both systems write the text of our own file") {
  using namespace bitloom;
  struct Case {
    Mode mode;
    std::uint32_t group_size;
    std::string format;
  };
  for (const Case& c : {Case{Mode::bcq, 32, "anybcq"}, Case{Mode::codebook, 128, "anyprec"}}) {
    Command command("generate");
    write_hugging_face(command.path("folder"), random_plain_model(3));
    const FloatModel model = read_model(command.path("folder"));
    std::vector<Layer> layers;
    for (const LinearId id : model.linears())
      layers.push_back(quantizing_maker(c.mode, c.group_size, {})(model.linear(id), {2, 3}));
    write_layers(command.path("w.safetensors"), layers);
    REQUIRE(host_test::bitloom({"convert", "--from", command.path("w.safetensors"), "--to",
                                command.path("theirs"), "--format", c.format, "--layers",
                                "model.layers.*"})
                .exit_code == 0);
    const Json ours = generated(command, {{"--model", command.path("folder")},
                                          {"--weights", command.path("w.safetensors")},
                                          {"--layer-bits", "lm_head=16"},
                                          {"--bits-schedule", "0:2,5:3"},
                                          {"--tokens", "12"}});
    const Json theirs = generated(command, {{"--weights", command.path("theirs")}});
    CHECK(theirs["token_ids"] == ours["token_ids"]);
    CHECK(theirs["weights"] == command.path("theirs"));
    // These formats have no classifier.
    command.options.erase("--layer-bits");
    std::filesystem::remove(command.scratch / "run/result.json");
    command.check_refused("BL-LAY-name", {"no layer lm_head", "--layer-bits lm_head=16"});
    command.set("--weights", command.path("folder"));
    command.check_refused("BL-CKP-path", {"folder"});
  }
}

TEST_CASE("calibrate writes the moments of every layer and says over how many tokens") {
  using namespace bitloom;
  Command command("calibrate");
  const std::string file = command.path("moments.safetensors");
  command.set("--out", file);
  command.set("--tokens", "70");
  const Outcome outcome = command();
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out == file + ": moments of 15 layers over 70 tokens\n");
  const SafetensorsFile written(file);
  CHECK(written.metadata().at("bitloom.model") == command.path("model.bin"));
  CHECK(written.metadata().at("bitloom.tokens") == "70");
  CHECK(written.tensors().size() == 15);
  const FloatModel model = read_model(command.path("model.bin"));
  for (const LinearId id : model.linears()) {
    const NamedLinear& linear = model.linear(id);
    const std::vector<double> moments = read_moments(file, linear.name, linear.weights.k);
    CHECK(std::all_of(moments.begin(), moments.end(), [](double m) { return m > 0; }));
  }
  // A given text, and the sampled one again, are other and the same numbers.
  const auto first = read_moments(file, "layers.1.w2", SmallModel::kHidden);
  CHECK(command().exit_code == 0);
  CHECK(read_moments(file, "layers.1.w2", SmallModel::kHidden) == first);
  write_text(command.scratch / "text", "ab ba ab");
  command.set("--text", command.path("text"));
  CHECK(command().exit_code == 0);
  CHECK(read_moments(file, "layers.1.w2", SmallModel::kHidden) != first);
}

TEST_CASE("calibrate refuses what it cannot do, and leaves an older file alone") {
  Command command("calibrate");
  command.set("--out", command.path("none/moments.safetensors"));
  command.check_refused("BL-OUT-path", {"none/moments.safetensors"});
  command.set("--out", command.path("moments.safetensors"));
  write_text(command.scratch / "moments.safetensors", "older");
  command.set("--tokens", "0");
  command.check_refused("BL-USE-usage", {"--tokens"});
  command.set("--tokens", "10");
  command.set("--text", command.path("none"));
  command.check_refused("BL-IO-read", {"none"});
  CHECK(read_text(command.scratch / "moments.safetensors") == "older");
  command.options.erase("--out");
  command.check_refused("BL-USE-usage", {"--out"});
}

TEST_CASE("perplexity has a row for each precision, in the order asked for") {
  Command command("perplexity");
  const Json result = generated(
      command, {{"--bits", "16,2,8"}, {"--tokens", "60"}, {"--seed", "3"}, {"--group-size", "32"}});
  REQUIRE(result["precisions"].size() == 3);
  CHECK(result["precisions"][0]["bits"] == 16);
  CHECK(result["precisions"][0]["kl_divergence"] == 0);
  const double at_2_bits = result["precisions"][1]["kl_divergence"];
  const double at_8_bits = result["precisions"][2]["kl_divergence"];
  CHECK(at_2_bits > 10 * at_8_bits);
  CHECK(result["text"]["tokens"] == 60);
  CHECK(result["precisions"][1]["tokens"] == 60);
  const std::string out = command().out;
  CHECK(out.find("sampled from the float model, seed 3: 60 tokens") != std::string::npos);
  CHECK(out.find("\nbits      perplexity    KL, nats/token") != std::string::npos);
}

TEST_CASE("the perplexity of a given text counts its tokens") {
  Command command("perplexity");
  write_text(command.scratch / "text", std::string(100, 'z'));
  const Json result = generated(command, {{"--bits", "8"}, {"--text", command.path("text")}});
  CHECK(result["text"]["tokens"] == 101);  // the space in front included
  CHECK(result["text"]["windows"] == 3);   // of 47, 47 and 7
  CHECK(result["text"]["file"] == command.path("text"));
}

TEST_CASE("generate refuses what it cannot do, before it makes a layer") {
  Command command("generate");
  const auto refuses = [&](const std::map<std::string, std::string>& options,
                           const std::string& code, const std::vector<std::string>& parts) {
    const auto usual = command.options;
    for (const auto& [option, value] : options) command.options[option] = value;
    command.check_refused(code, parts);
    command.options = usual;
  };
  refuses({{"--bits", "9"}}, "BL-USE-usage", {"--bits", "\"9\"", "1 to 8 bits, or 16"});
  refuses({{"--bits", "2"}, {"--bits-schedule", "0:2"}}, "BL-USE-usage", {"--bits-schedule"});
  refuses({{"--bits-schedule", "5:2"}}, "BL-USE-usage", {"--bits-schedule", "\"5:2\""});
  refuses({{"--layer-bits", "wq"}}, "BL-USE-usage", {"--layer-bits", "\"wq\""});
  refuses({{"--layer-bits", "clasifier=2"}}, "BL-LAY-name", {"nearest: classifier"});
  refuses({{"--temperature", "-1"}}, "BL-USE-usage", {"--temperature", "\"-1\""});
  refuses({{"--temperature", "nan"}}, "BL-USE-usage", {"--temperature", "\"nan\""});
  refuses({{"--top-p", "0"}}, "BL-USE-usage", {"--top-p"});
  refuses({{"--top-p", "1.01"}}, "BL-USE-usage", {"--top-p"});
  refuses({{"--seed", "-1"}}, "BL-USE-usage", {"--seed"});
  refuses({{"--tokens", "0"}}, "BL-USE-usage", {"--tokens"});
  // 4 tokens of prompt and 46 more: one more than the context of 48 takes.
  refuses({{"--prompt", "ab ba"}, {"--tokens", "46"}}, "BL-USE-usage",
          {"4 tokens of prompt and 46 more", "at most 49"});
  refuses({{"--method", "ternary"}}, "BL-USE-usage", {"--method", "bcq or codebook"});
  refuses({{"--group-size", "48"}}, "BL-USE-usage", {"--group-size"});
  refuses({{"--backend", "gpu"}}, "BL-USE-backend", {"cpu"});
  refuses({{"--config", "huge"}}, "BL-CFG-name", {"huge"});
  refuses({{"--model", command.path("tokenizer.bin")}}, "BL-L2C-header", {"tokenizer.bin"});
  refuses({{"--tokenizer", command.path("model.bin")}}, "BL-TOK-file", {"model.bin"});
  refuses({{"--tokenizer", command.path("none")}}, "BL-IO-read", {"none"});
  refuses({{"--weights", command.path("model.bin")}, {"--group-size", "32"}}, "BL-USE-usage",
          {"--group-size", "--weights"});
  refuses({{"--out", command.path("model.bin")}}, "BL-OUT-path", {"model.bin"});
  // tiny's codebooks end at 4 bits, which is known before anything is quantized or built.
  refuses({{"--backend", "rtl"}, {"--config", "tiny"}, {"--method", "codebook"}, {"--bits", "5"}},
          "BL-LAY-limit", {"codebook precision = 5", "max_codebook_bits"});
}

TEST_CASE("layers of a file that the hardware cannot run are refused before the work") {
  using namespace bitloom;
  const FloatModel model = [] {
    const Command files("generate");
    return read_model(files.path("model.bin"));
  }();
  for (const char* name : {"generate", "perplexity"}) {
    Command command(name);
    std::vector<Layer> layers;
    for (const LinearId id : model.linears())
      layers.push_back(quantizing_maker(Mode::codebook, 0, {})(model.linear(id), {4, 5}));
    write_layers(command.path("w.safetensors"), layers);
    command.set("--weights", command.path("w.safetensors"));
    command.set("--backend", "rtl");
    command.set("--config", "tiny");
    command.set("--bits", "5");
    command.check_refused("BL-LAY-limit", {"codebook precision = 5", "max_codebook_bits"});
  }
}

TEST_CASE("a text that fails in its middle leaves what it had") {
  Command command("generate");
  command.set("--tokens", "30");
  command.set("--temperature", "1");
  const Json whole = command.result();
  CHECK(whole["state"] == "complete");
  CHECK(whole["error"].is_null());
  const std::vector<std::uint32_t> ids = whole["token_ids"];
  // The model breaks at the first token that was not there before, from the third on.
  std::size_t last = 2;
  while (std::count(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(last), ids.at(last)) > 0)
    ++last;
  bitloom::SmallModel small(1);
  small.embedding[ids[last] * bitloom::SmallModel::kDim] = std::numeric_limits<float>::quiet_NaN();
  write_text(command.scratch / "model.bin", small.file());
  const Outcome outcome = command();
  CHECK(outcome.exit_code == 2);
  const Json part = Json::parse(read_text(command.scratch / "run/result.json"));
  CHECK(part["state"] == "failed");
  CHECK(part["error"].get<std::string>() + "\n" == outcome.err);
  CHECK(outcome.err.find("BL-MOD-value") != std::string::npos);
  CHECK(part["token_ids"].size() == last + 1);
  CHECK(std::equal(part["token_ids"].begin(), part["token_ids"].end(), ids.begin()));
  CHECK(whole["text"].get<std::string>().starts_with(part["text"].get<std::string>()));
  CHECK(part["prefill"]["tokens"] == 1);
  CHECK(part["decode"]["tokens"] == last);
}

TEST_CASE("a perplexity that fails in its middle leaves what it had") {
  Command command("perplexity");
  write_text(command.scratch / "text", std::string(40, 'y') + "zy");
  command.set("--text", command.path("text"));
  command.set("--bits", "8,16");
  CHECK(command.result()["state"] == "complete");
  // The second piece begins behind 32 tokens; the model breaks at its last.
  bitloom::SmallModel small(1);
  small.embedding[(3 + 'z') * bitloom::SmallModel::kDim] = std::numeric_limits<float>::quiet_NaN();
  write_text(command.scratch / "model.bin", small.file());
  const Outcome outcome = command();
  CHECK(outcome.exit_code == 2);
  const Json part = Json::parse(read_text(command.scratch / "run/result.json"));
  CHECK(part["state"] == "failed");
  CHECK(part["error"].get<std::string>() + "\n" == outcome.err);
  CHECK(part["text"]["tokens"] == 43);
  CHECK(part["precisions"][0]["tokens"] == 32);
  CHECK(part["precisions"][1]["perplexity"] > 0);
}

namespace {

// A vocabulary of the bytes, at the numbers that they have in the small model's, and no begin
// token.
std::string bytes_only_tokenizer() {
  constexpr const char* kDigits = "0123456789ABCDEF";
  Json vocabulary = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (unsigned byte = 0; byte < 256; ++byte)
    vocabulary[std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">"] = 3 + byte;
  return Json{{"model",
               {{"type", "BPE"},
                {"byte_fallback", true},
                {"vocab", vocabulary},
                {"merges", Json::array()}}}}
      .dump();
}

}  // namespace

TEST_CASE("a tokenizer without a begin token needs a text, which ends with its own end token") {
  Command command("generate");
  write_text(command.scratch / "tokenizer.json", bytes_only_tokenizer());
  command.set("--tokenizer", command.path("tokenizer.json"));
  command.set("--tokens", "8");
  command.check_refused("BL-USE-usage", {"--prompt", "without a begin token"});
  command.set("--prompt", "ab");
  const Json whole = command.result();
  CHECK(whole["prompt_tokens"] == 2);
  CHECK(whole["token_ids"].size() == 8);
  const std::vector<std::uint32_t> ids = whole["token_ids"];
  const auto first = static_cast<std::size_t>(
      std::distance(ids.begin(), std::find(ids.begin(), ids.end(), ids[4])));
  write_text(command.scratch / "config.json", Json{{"eos_token_id", {9, ids[4]}}}.dump());
  const Json ended = command.result();
  CHECK(ended["ended"] == true);
  CHECK(ended["token_ids"].size() == first);

  Command perplexity("perplexity");
  write_text(perplexity.scratch / "tokenizer.json", bytes_only_tokenizer());
  perplexity.set("--tokenizer", perplexity.path("tokenizer.json"));
  perplexity.check_refused("BL-USE-usage", {"--text", "without a begin token"});
  write_text(perplexity.scratch / "text", std::string(100, 'z'));
  perplexity.set("--text", perplexity.path("text"));
  perplexity.set("--bits", "8");
  const Json result = perplexity.result();
  CHECK(result["text"]["windows"] == 3);  // of 48, 48 and 4
  CHECK(result["text"]["tokens"] == 97);  // all but their first
}

TEST_CASE("without a number of tokens a text ends with the context at the latest") {
  Command command("generate");
  const Json result = generated(command, {{"--prompt", "ab ba"}, {"--temperature", "1"}});
  CHECK((result["ended"] == true || result["token_ids"].size() == 45));
  command.set("--prompt", std::string(47, 'z'));
  std::filesystem::remove(command.scratch / "run/result.json");
  command.check_refused("BL-USE-usage", {"49 tokens of prompt and 1 more", "at most 49"});
}

TEST_CASE("perplexity refuses what it cannot do") {
  Command command("perplexity");
  const auto refuses = [&](const std::string& option, const std::string& value,
                           const std::string& code, const std::vector<std::string>& parts) {
    const auto usual = command.options;
    command.options[option] = value;
    command.check_refused(code, parts);
    command.options = usual;
  };
  refuses("--bits", "2,2", "BL-USE-usage", {"--bits", "\"2,2\""});
  refuses("--tokens", "0", "BL-USE-usage", {"--tokens"});
  refuses("--text", command.path("none"), "BL-IO-read", {"none"});
  write_text(command.scratch / "empty", "");
  refuses("--text", command.path("empty"), "BL-USE-usage", {"empty", "no tokens to predict"});
  write_text(command.scratch / "long", "");
  std::filesystem::resize_file(command.scratch / "long", (std::uintmax_t{1} << 26) + 1);
  refuses("--text", command.path("long"), "BL-USE-usage", {"67108865 bytes", "at most 67108864"});
}

TEST_CASE("a weight or norm that is not finite ends a run with its place") {
  Command command("generate");
  bitloom::SmallModel small(1);
  small.wq[0][3] = std::numeric_limits<float>::infinity();
  write_text(command.scratch / "model.bin", small.file());
  command.check_refused("BL-QNT-value", {"weight [0, 3]"});
  small = bitloom::SmallModel(1);
  small.att_norm[1][2] = std::numeric_limits<float>::quiet_NaN();
  write_text(command.scratch / "model.bin", small.file());
  const Outcome outcome = command();
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err.find("BL-MOD-value") != std::string::npos);
  CHECK(outcome.err.find("layer layers.1.wq") != std::string::npos);
}
