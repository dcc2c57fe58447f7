// SPDX-License-Identifier: Apache-2.0
// Tokenizers of Hugging Face's folders, as tokenizer_files.py has written them into the folder
// BITLOOM_TOKENIZERS, against its encoder.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sw/tokenizer/tokenizer.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;
using Json = nlohmann::json;

std::filesystem::path folder(const std::string& name) {
  const char* root = std::getenv("BITLOOM_TOKENIZERS");
  REQUIRE(root != nullptr);
  return std::filesystem::path(root) / name;
}

Json read_json(const std::filesystem::path& path) { return Json::parse(read_bytes(path)); }

std::string decoded(const Tokenizer& tokenizer, const std::vector<Token>& ids) {
  std::string text;
  const bool begin = tokenizer.marks().begin.has_value();
  for (std::size_t i = begin ? 1 : 0; i < ids.size(); ++i)
    text += tokenizer.decode(i == 0 ? 0 : ids[i - 1], ids[i]);
  return text;
}

std::string any_folder() {
  return GENERATE("llama3", "qwen2", "smollm2", "digit_runs", "gpt2", "llama2", "mistral",
                  "mistral_always", "mistral_never", "sentencepiece");
}

// A folder's tokenizer.json, changed.
struct Changed {
  explicit Changed(const std::string& name)
      : json(read_json(folder(name) / "tokenizer.json")),
        vocab_size(read_json(folder(name) / "cases.json")["vocab_size"]) {}

  [[nodiscard]] Tokenizer read() const {
    return {write_bytes(scratch.path("tokenizer.json"), json.dump()), vocab_size};
  }
  [[nodiscard]] Error refusal() const {
    return error_of([this] { static_cast<void>(read()); });
  }

  ScratchFolder scratch;
  Json json;
  std::uint32_t vocab_size;
};

}  // namespace

TEST_CASE("texts become the tokens of the definition, and these the text again") {
  const std::string name = any_folder();
  CAPTURE(name);
  const Json expected = read_json(folder(name) / "cases.json");
  const Tokenizer tokenizer(folder(name) / std::string(expected["file"]), expected["vocab_size"]);
  REQUIRE(expected["cases"].size() > 400);
  for (const Json& c : expected["cases"]) {
    const std::string text = c["text"];
    CAPTURE(text);
    const std::vector<Token> ids = tokenizer.encode(text);
    CHECK(ids == c["ids"].get<std::vector<Token>>());
    const std::vector<std::uint8_t> bytes = c["decoded"];
    CHECK(decoded(tokenizer, ids) == std::string(bytes.begin(), bytes.end()));
  }
  const TextMarks& marks = tokenizer.marks();
  CHECK(marks.begin.has_value() == !expected["begin"].is_null());
  if (marks.begin) CHECK(*marks.begin == expected["begin"].get<Token>());
  CHECK(marks.ends == expected["ends"].get<std::vector<Token>>());
}

TEST_CASE("a folder stands for its tokenizer.json, or else its tokenizer.model") {
  for (const std::string name : {"llama3", "sentencepiece"}) {
    const Json expected = read_json(folder(name) / "cases.json");
    const Tokenizer named(folder(name) / std::string(expected["file"]), expected["vocab_size"]);
    const Tokenizer found(folder(name), expected["vocab_size"]);
    CHECK(found.encode("Lily's 1234") == named.encode("Lily's 1234"));
  }
  const ScratchFolder empty;
  const Error error = error_of([&] { const Tokenizer none(empty.path(""), 300); });
  CHECK(error.code() == ErrorCode::tokenizer_file);
  CHECK(error.parts().found == "a folder without tokenizer.json and tokenizer.model");
}

TEST_CASE("bytes that are no UTF-8 are encoded and come back") {
  const std::string name = any_folder();
  CAPTURE(name);
  const Tokenizer tokenizer(folder(name), read_json(folder(name) / "cases.json")["vocab_size"]);
  // An accent behind an e is composed with it by qwen2; one behind a stray byte is not.
  const std::string text = "a\xFF\xC3 \x80\xE4\xBD e\xCC\x81\xFF\xCC\x81 girl\xED\xA0\x80";
  std::string expected = text;
  if (name == "qwen2") expected.replace(expected.find("e\xCC\x81"), 3, "\xC3\xA9");
  if (name == "gpt2") expected.insert(0, 1, ' ');
  CHECK(decoded(tokenizer, tokenizer.encode(text)) == expected);
}

TEST_CASE("long texts are encoded in time, whatever they repeat") {
  const Tokenizer tokenizer(folder("llama3"),
                            read_json(folder("llama3") / "cases.json")["vocab_size"]);
  for (const std::string part : {"a", " ", "1", "\n", "!", " \n", "<|", "<|end|>"}) {
    std::string text;
    for (int i = 0; i < 30000; ++i) text += part;
    CHECK(decoded(tokenizer, tokenizer.encode(text)) == text);
  }
}

TEST_CASE("ordinary texts may be long") {
  const Tokenizer tokenizer(folder("llama3"),
                            read_json(folder("llama3") / "cases.json")["vocab_size"]);
  std::string text;
  while (text.size() < std::size_t{1} << 22U)
    text += "Once upon a time, there was a little girl named Lily. She'd seen 1234567 birds.\n";
  CHECK(decoded(tokenizer, tokenizer.encode(text)) == text);
}

TEST_CASE("a Split may keep or drop what it matches, by a text or a pattern") {
  const auto pieces = [](const char* split) {
    Changed changed("llama3");
    changed.json["pre_tokenizer"]["pretokenizers"][0] = Json::parse(split);
    changed.json["model"]["merges"] = Json::array();
    changed.json["model"]["ignore_merges"] = false;
    const Tokenizer tokenizer = changed.read();
    return decoded(tokenizer, tokenizer.encode("a-b--c"));
  };
  CHECK(pieces(R"({"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated",
                   "invert": false})") == "a-b--c");
  CHECK(pieces(R"({"type": "Split", "pattern": {"String": "-"}, "behavior": "Removed",
                   "invert": false})") == "abc");
  CHECK(pieces(R"({"type": "Split", "pattern": {"Regex": "[a-c]"}, "behavior": "Removed",
                   "invert": true})") == "abc");
}

TEST_CASE("added tokens that are normalized are found in normalized texts") {
  Changed changed("qwen2");
  Json added = changed.json["added_tokens"][0];
  const Token token = changed.vocab_size - 1;
  added["id"] = token;
  added["content"] = "<\u00e9>";
  changed.json["added_tokens"].push_back(added);
  const auto finds = [&changed](const std::string& text) {
    return changed.read().encode(text).size() == 1;
  };
  CHECK(finds("<\u00e9>"));
  CHECK_FALSE(finds("<e\u0301>"));
  changed.json["added_tokens"].back()["normalized"] = true;
  changed.json["added_tokens"].back()["content"] = "<e\u0301>";
  CHECK(finds("<\u00e9>"));
  CHECK(finds("<e\u0301>"));
}

TEST_CASE("what a tokenizer.json asks for and is not known is refused by name") {
  const auto refuses = [](const std::string& name, const std::function<void(Json&)>& change,
                          const std::string& found) {
    Changed changed(name);
    change(changed.json);
    const Error error = changed.refusal();
    CHECK(error.code() == ErrorCode::tokenizer_file);
    CHECK(error.parts().found == found);
  };
  const auto set = [](const char* pointer, const char* value) {
    return [=](Json& json) { json[Json::json_pointer(pointer)] = Json::parse(value); };
  };
  refuses("llama3", set("/normalizer", R"({"type": "Lowercase"})"),
          "a normalizer of the type \"Lowercase\"");
  refuses("llama3", set("/pre_tokenizer", R"({"type": "Whitespace"})"),
          "a pre-tokenizer of the type \"Whitespace\"");
  refuses("llama3", set("/pre_tokenizer/pretokenizers/2", R"({"type": "Digits"})"),
          "a pre-tokenizer of the type \"Digits\" behind ByteLevel");
  refuses("llama3", set("/pre_tokenizer/pretokenizers/0/behavior", R"("MergedWithNext")"),
          "a Split with the behavior \"MergedWithNext\"");
  refuses("llama3", set("/pre_tokenizer", "null"),
          "neither a ByteLevel pre-tokenizer nor a model with byte_fallback");
  refuses("llama3", set("/model/type", R"("Unigram")"), "a model of the type \"Unigram\"");
  refuses("llama3", set("/model/dropout", "0.1"), "a model with dropout");
  refuses("llama3", set("/model/end_of_word_suffix", R"("</w>")"),
          "a model with end_of_word_suffix \"</w>\"");
  refuses("llama3", set("/added_tokens/0/lstrip", "true"),
          "an added token \"<|begin|>\" with lstrip");
  refuses("llama3", set("/post_processor", R"({"type": "BertProcessing"})"),
          "a post-processor of the type \"BertProcessing\"");
  refuses(
      "llama2",
      [](Json& json) {
        Json& single = json["post_processor"]["single"];
        std::swap(single[0], single[1]);
      },
      "a template that puts other than one token in front of a text");
  refuses("mistral", set("/pre_tokenizer/split", "true"),
          "Metaspace with split true, replacement \"\\xe2\\x96\\x81\", prepend_scheme \"first\"");
  refuses(
      "llama2", [](Json& json) { json["model"]["vocab"].erase("<0x41>"); }, "no token for byte 65");
  refuses("llama3", set("/pre_tokenizer/pretokenizers/0/pattern", R"({"Regex": "a(b"})"),
          "the regular expression \"a(b\" with U_REGEX_MISMATCHED_PAREN at character 3");
}

TEST_CASE("malformed values of a tokenizer.json are refused with their place") {
  const auto refuses = [](const char* pointer, const char* value, const std::string& place,
                          const std::string& found) {
    Changed changed("llama3");
    changed.json[Json::json_pointer(pointer)] = Json::parse(value);
    const Error error = changed.refusal();
    CHECK(error.code() == ErrorCode::checkpoint_config);
    CHECK(error.parts().place == changed.scratch.path("tokenizer.json").string() + ", " + place);
    CHECK(error.parts().found == found);
  };
  refuses("/model", "7", "model", "another type");
  refuses("/model/merges/1", R"("a")", "model, merges, 1", R"(""a"")");
  refuses("/model/merges/1", R"(["zzz", "a"])", "model, merges, 1", R"("["zzz","a"]")");
  refuses("/model/vocab/!", "1e3", "model, vocab, \"!\"", "\"1000.0\"");
  refuses("/model/vocab/!", "100000", "model, vocab, \"!\"", "\"100000\"");
  // The other token 5 is U+0105.
  refuses("/model/vocab/!", "5", "model, vocab, \"\\xc4\\x85\"", "token 5 a second time");
  refuses("/model/ignore_merges", "1", "model, ignore_merges", "\"1\"");
  refuses("/added_tokens/0/id", "-1", "added_tokens, 0, id", "\"-1\"");
  refuses("/added_tokens/1", "[]", "added_tokens, 1", "\"array\"");
  refuses("/pre_tokenizer/pretokenizers", "{}", "pre_tokenizer, pretokenizers", "another type");
}

TEST_CASE("a regular expression that takes too long on a text is given up") {
  Changed changed("llama3");
  changed.json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a|aa|a)+$";
  const Tokenizer tokenizer = changed.read();
  const Error error =
      error_of([&] { static_cast<void>(tokenizer.encode(std::string(200, 'a') + "b")); });
  CHECK(error.code() == ErrorCode::tokenizer_file);
  CHECK(error.parts().found.find("U_REGEX_") != std::string::npos);
}

TEST_CASE("normalizers that make a text ever longer are given up") {
  Changed changed("llama3");
  const Json twice =
      Json::parse(R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"})");
  changed.json["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  const auto add = [&] { changed.json["normalizer"]["normalizers"].push_back(twice); };
  for (int i = 0; i < 16; ++i) add();
  CHECK(changed.read().encode("a").size() > 1000);
  add();
  const Tokenizer tokenizer = changed.read();
  const Error error = error_of([&] { static_cast<void>(tokenizer.encode("a")); });
  CHECK(error.code() == ErrorCode::tokenizer_file);
  CHECK(error.parts().found ==
        "a Replace normalizer with \"aa\" behind which a text has more than 65552 bytes");
  // An added token is normalized as the file is read.
  changed.json["added_tokens"][0]["normalized"] = true;
  changed.json["added_tokens"][0]["content"] = "a";
  CHECK(changed.refusal().code() == ErrorCode::tokenizer_file);
}

TEST_CASE("a tokenizer.json cut anywhere is refused") {
  const ScratchFolder scratch;
  const std::string file = read_bytes(folder("llama3") / "tokenizer.json");
  for (std::size_t size = 2; size < file.size(); size += 97)
    CHECK(error_of([&] {
            const Tokenizer cut(write_bytes(scratch.path("t"), file.substr(0, size)), 1000);
          }).code() == ErrorCode::checkpoint_config);
}

namespace {

Error model_refusal(const std::string& bytes, std::uint32_t vocab_size) {
  const ScratchFolder scratch;
  const auto path = write_bytes(scratch.path("t"), bytes);
  const Error error = error_of([&] { const Tokenizer refused(path, vocab_size); });
  CHECK(error.code() == ErrorCode::tokenizer_file);
  return error;
}

}  // namespace

TEST_CASE("a tokenizer.model that is cut or asks for something else is refused") {
  const std::string file = read_bytes(folder("sentencepiece") / "tokenizer.model");
  const std::uint32_t size = read_json(folder("sentencepiece") / "cases.json")["vocab_size"];
  for (std::size_t length = 2; length < file.size(); length += 61)
    model_refusal(file.substr(0, length), size);
  CHECK(model_refusal(file, 300).parts().expected == "300, as many as the model has");
  // What comes later in a message holds, and so does a message that comes later.
  const auto field = [](unsigned id, unsigned value) {
    std::string bytes;
    if (id >= 16) bytes += static_cast<char>(0x80U | ((id << 3U) & 0x7FU));
    bytes += static_cast<char>(id >= 16 ? id >> 4U : id << 3U);
    return bytes + static_cast<char>(value);
  };
  const auto message = [](unsigned id, const std::string& content) {
    return std::string{static_cast<char>(id << 3U | 2U), static_cast<char>(content.size())} +
           content;
  };
  const std::string good = field(3, 2) + field(35, 1);
  const auto trained = [&](const std::string& more) {
    return model_refusal(file + message(2, good + more), size).parts().found;
  };
  CHECK(trained(field(3, 1)) == "model_type (2 = BPE) 1");
  CHECK(trained(field(24, 1)) == "treat_whitespace_as_suffix 1");
  CHECK(trained(field(35, 0)) == "byte_fallback 0");
  CHECK(trained(field(40, 3)) == "unk_id 3");
  CHECK(trained(field(41, 2)) == "bos_id 2");
  CHECK(trained(field(42, 3)) == "eos_id 3");
  const auto normalized = [&](const std::string& normalizer) {
    return model_refusal(file + message(3, normalizer), size).parts().found;
  };
  CHECK(normalized(field(4, 0) + message(2, "abc")) == "bytes of precompiled_charsmap 3");
  CHECK(normalized(field(4, 0) + field(3, 0)) == "add_dummy_prefix 0");
  CHECK(normalized(field(4, 1)) == "remove_extra_whitespaces 1");
  CHECK(normalized(field(4, 0) + field(5, 0)) == "escape_whitespaces 0");
  const auto piece = [&](unsigned type) {
    return model_refusal(file + message(1, message(1, "x") + field(3, type)), size).parts().found;
  };
  const std::string next = std::to_string(size - 2);
  CHECK(piece(4) == "token " + next + " \"x\" of type 4");
  CHECK(piece(5) == "token " + next + " \"x\" of type 5");
  CHECK(piece(7) == "token " + next + " \"x\" of type 7");
  CHECK(model_refusal(file + "\x03", size).parts().found == "a field of type 3");
  CHECK(model_refusal(file + "\x08" + std::string(11, '\xFF'), size).parts().found ==
        "a number of more than 10 bytes");
}
