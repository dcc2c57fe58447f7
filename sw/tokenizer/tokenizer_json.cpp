// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/tokenizer_json.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "sw/checkpoint/json_file.hpp"
#include "sw/error/error.hpp"
#include "sw/tokenizer/byte_pairs.hpp"
#include "sw/tokenizer/characters.hpp"
#include "sw/tokenizer/tokenizer_error.hpp"
#include "sw/tokenizer/unicode.hpp"

namespace bitloom {
namespace {

using nlohmann::json;

// The pattern by which GPT-2 splits texts, which byte-level files without a pattern of their own
// mean.
constexpr const char* kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::string utf8_of(unsigned code) {  // below 0x800
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3FU))};
}

// Byte-level vocabularies write a byte as a visible character: itself where Latin-1 has one there,
// else, in the order of the bytes, the characters from U+0100 on.
std::unordered_map<std::string, char> byte_characters() {
  std::unordered_map<std::string, char> bytes;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < kByteCount; ++byte) {
    const bool visible = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    bytes[utf8_of(visible ? byte : next++)] = static_cast<char>(byte);
  }
  return bytes;
}

// The bytes that a token of a byte-level vocabulary stands for; none when it is not written so.
std::optional<std::string> bytes_of(std::string_view token) {
  static const std::unordered_map<std::string, char> characters = byte_characters();
  std::string bytes;
  while (!token.empty()) {
    const std::size_t length = character_length(token);
    const auto found = characters.find(std::string(token.substr(0, length)));
    if (found == characters.end()) return std::nullopt;
    bytes += found->second;
    token.remove_prefix(length);
  }
  return bytes;
}

class Reader {
 public:
  Reader(const std::filesystem::path& path, std::uint32_t vocab_size)
      : path_(path), file_(read_json_file(path)) {
    description_.texts.resize(vocab_size);
    description_.marks = {.begin = std::nullopt, .ends = {}};
  }

  BytePairs read() {
    if (file_.has("normalizer")) read_normalizer(file_.object("normalizer"));
    if (file_.has("pre_tokenizer")) read_split(file_.object("pre_tokenizer"));
    description_.start = byte_level_ ? BytePairs::Start::bytes : BytePairs::Start::characters;
    read_model(file_.object("model"));
    if (file_.has("added_tokens"))
      for (const JsonObject& added : file_.objects("added_tokens")) read_added(added);
    if (file_.has("post_processor")) read_processor(file_.object("post_processor"));
    read_ends();
    return std::move(description_);
  }

 private:
  [[noreturn]] void refuse(const std::string& found, const std::string& expected) const {
    refuse_tokenizer(path_, found, expected);
  }

  [[noreturn]] void refuse_type(const char* what, const JsonObject& object,
                                const std::string& known) const {
    refuse(std::string("a ") + what + " of the type " + quotation(object.text("type")), known);
  }

  // ---- normalizers -------------------------------------------------------------------------

  void read_normalizer(const JsonObject& object) {
    const std::string type = object.text("type");
    if (type == "Sequence") {
      for (const JsonObject& part : object.objects("normalizers")) read_normalizer(part);
    } else if (type == "NFC") {
      description_.normalizations.emplace_back(
          [](const std::string& text, std::size_t) { return composed(text); });
    } else if (type == "Prepend") {
      const std::string front = object.text("prepend");
      if (front == kSpaceMark) description_.space_in_front = true;
      description_.normalizations.emplace_back([front](const std::string& text, std::size_t) {
        return text.empty() ? text : front + text;
      });
    } else if (type == "Replace") {
      add_replacement(pattern_of(object), object.text("content"));
    } else {
      refuse_type("normalizer", object, "Sequence, NFC, Prepend or Replace");
    }
  }

  void add_replacement(Splitter pattern, std::string to) {
    description_.normalizations.emplace_back(
        [path = path_, pattern = std::move(pattern), to = std::move(to)](const std::string& text,
                                                                         std::size_t most) {
          std::string result;
          for (const Splitter::Part& part : pattern.split(text)) {
            result += part.matched ? std::string_view(to) : part.text;
            if (result.size() > most)
              refuse_tokenizer(path,
                               "a Replace normalizer with " + quotation(to) +
                                   " behind which a text has more than " + std::to_string(most) +
                                   " bytes",
                               "at most as many, 16 times what the text had and 64 KiB");
          }
          return result;
        });
  }

  [[nodiscard]] Splitter pattern_of(const JsonObject& object) const {
    const JsonObject pattern = object.object("pattern");
    if (pattern.has("String")) return {path_, pattern.text("String"), Splitter::Kind::literal};
    return {path_, pattern.text("Regex"), Splitter::Kind::regular_expression};
  }

  // ---- pre-tokenizers ----------------------------------------------------------------------

  void read_split(const JsonObject& object) {
    const std::string type = object.text("type");
    if (byte_level_)
      refuse("a pre-tokenizer of the type " + quotation(type) + " behind ByteLevel",
             "ByteLevel as the last");
    if (type == "Sequence") {
      for (const JsonObject& part : object.objects("pretokenizers")) read_split(part);
    } else if (type == "Split") {
      read_pattern_split(object);
    } else if (type == "Digits") {
      add_split(object.flag_or("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (type == "ByteLevel") {
      read_byte_level(object);
    } else if (type == "Metaspace") {
      read_space_mark(object);
    } else {
      refuse_type("pre-tokenizer", object, "Sequence, Split, Digits, ByteLevel or Metaspace");
    }
  }

  void add_split(const char* pattern) {
    add_split({path_, pattern, Splitter::Kind::regular_expression}, std::nullopt);
  }

  // Matches and what lies between them become pieces, but for those that are dropped.
  void add_split(Splitter splitter, std::optional<bool> dropped) {
    description_.splits.emplace_back(
        [splitter = std::move(splitter), dropped](const std::string& piece, bool) {
          std::vector<std::string> pieces;
          for (const Splitter::Part& part : splitter.split(piece))
            if (part.matched != dropped) pieces.emplace_back(part.text);
          return pieces;
        });
  }

  void read_pattern_split(const JsonObject& object) {
    const std::string behavior = object.text("behavior");
    if (behavior != "Isolated" && behavior != "Removed")
      refuse("a Split with the behavior " + quotation(behavior), "Isolated or Removed");
    std::optional<bool> dropped;
    if (behavior == "Removed") dropped = !object.flag_or("invert", false);
    add_split(pattern_of(object), dropped);
  }

  void read_byte_level(const JsonObject& object) {
    if (object.flag_or("add_prefix_space", true)) {
      description_.space_in_front = true;
      description_.splits.emplace_back([](const std::string& piece, bool) {
        return std::vector<std::string>{piece.starts_with(' ') ? piece : " " + piece};
      });
    }
    if (object.flag_or("use_regex", true)) add_split(kByteLevelPattern);
    byte_level_ = true;
  }

  void read_space_mark(const JsonObject& object) {
    const std::string mark = object.text("replacement");
    const std::string scheme = object.has("prepend_scheme") ? object.text("prepend_scheme") : "";
    if (object.flag_or("split", true) || mark != kSpaceMark ||
        (scheme != "always" && scheme != "first" && scheme != "never"))
      refuse("Metaspace with split " +
                 std::string(object.flag_or("split", true) ? "true" : "false") + ", replacement " +
                 quotation(mark) + ", prepend_scheme " + quotation(scheme),
             "no split, U+2581, and always, first or never");
    description_.space_in_front = description_.space_in_front || scheme != "never";
    description_.splits.emplace_back([mark, scheme](const std::string& piece, bool first) {
      std::string text = replaced(piece, " ", mark);
      if ((scheme == "always" || (scheme == "first" && first)) && !text.starts_with(mark))
        text.insert(0, mark);
      return std::vector<std::string>{text};
    });
  }

  // ---- the model ---------------------------------------------------------------------------

  void read_model(const JsonObject& model) {
    // Older files do not say it.
    if (model.has("type") && model.text("type") != "BPE") refuse_type("model", model, "BPE");
    for (const char* option : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (model.has(option) && !model.text(option).empty())
        refuse(std::string("a model with ") + option + " " + quotation(model.text(option)), "none");
    if (model.real_or("dropout", 0, 0, 1) != 0) refuse("a model with dropout", "none");
    if (!byte_level_ && !model.flag_or("byte_fallback", false))
      refuse("neither a ByteLevel pre-tokenizer nor a model with byte_fallback", "one of them");
    description_.whole_pieces = model.flag_or("ignore_merges", false);
    std::unordered_map<std::string, Token> spelled;  // tokens as the file writes them
    const JsonObject vocabulary = model.object("vocab");
    for (const auto& [text, number] : vocabulary.value().items())
      spelled[text] = read_token(vocabulary, text, number);
    read_bytes(spelled);
    std::size_t rank = 0;
    for (const json& merge : model.array("merges"))
      read_merge(model, "merges, " + std::to_string(rank++), merge, spelled);
  }

  Token token_of(const JsonObject& object, const std::string& key, const json& number) const {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() >= description_.texts.size())
      object.fail(key, value_text(number),
                  "a token below " + std::to_string(description_.texts.size()) +
                      ", the model's vocabulary");
    return number.get<Token>();
  }

  Token read_token(const JsonObject& vocabulary, const std::string& text, const json& number) {
    const Token token = token_of(vocabulary, quotation(text), number);
    if (!description_.texts[token].empty())
      vocabulary.fail(quotation(text), "token " + std::to_string(token) + " a second time",
                      "numbers that are all different");
    const std::optional<std::string> bytes = byte_level_ ? bytes_of(text) : text;
    description_.texts[token] = bytes.value_or(text);
    if (bytes) description_.tokens[*bytes] = token;
    return token;
  }

  void read_bytes(const std::unordered_map<std::string, Token>& spelled) {
    for (unsigned byte = 0; byte < kByteCount; ++byte) {
      const std::string name =
          byte_level_ ? std::string(1, static_cast<char>(byte)) : byte_name(byte);
      const auto found = byte_level_ ? description_.tokens.find(name) : spelled.find(name);
      if (found == (byte_level_ ? description_.tokens.end() : spelled.end()))
        refuse("no token for byte " + std::to_string(byte), "tokens for all 256");
      description_.bytes.push_back(found->second);
      if (!byte_level_) description_.texts[found->second] = static_cast<char>(byte);
    }
  }

  // "left right", or the two in an array.
  void read_merge(const JsonObject& model, const std::string& key, const json& merge,
                  const std::unordered_map<std::string, Token>& spelled) {
    std::string left;
    std::string right;
    if (merge.is_string()) {
      const std::string text = merge.get<std::string>();
      const std::size_t space = text.find(' ');
      left = text.substr(0, space);
      if (space != std::string::npos) right = text.substr(space + 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    }
    const auto token = [&](const std::string& text) {
      const auto found = spelled.find(text);
      if (found == spelled.end() || left.empty() || right.empty())
        model.fail(key, quotation(merge.dump(-1, ' ', true)),
                   "two tokens that are a third one together");
      return found->second;
    };
    description_.merges.push_back({token(left), token(right), token(left + right)});
  }

  void read_added(const JsonObject& added) {
    const std::string text = added.text("content");
    for (const char* option : {"single_word", "lstrip", "rstrip"})
      if (added.flag_or(option, false))
        refuse("an added token " + quotation(text) + " with " + option, "none");
    if (!added.has("id")) added.fail("id", "no such key", "a token");
    const Token token = token_of(added, "id", added.value().at("id"));
    description_.texts[token] = text;
    description_.added.push_back({text, token, added.flag_or("normalized", false)});
  }

  // ---- the ends of a text --------------------------------------------------------------------

  void read_processor(const JsonObject& object) {
    const std::string type = object.text("type");
    if (type == "Sequence") {
      for (const JsonObject& part : object.objects("processors")) read_processor(part);
    } else if (type == "TemplateProcessing") {
      read_template(object);
    } else if (type != "ByteLevel") {  // that one concerns positions in texts only
      refuse_type("post-processor", object, "Sequence, TemplateProcessing or ByteLevel");
    }
  }

  // A token, then the text.
  void read_template(const JsonObject& object) {
    bool text_seen = false;
    for (const JsonObject& part : object.objects("single")) {
      if (part.has("Sequence") && !text_seen) {
        text_seen = true;
        continue;
      }
      if (!part.has("SpecialToken") || text_seen || description_.marks.begin)
        refuse("a template that puts other than one token in front of a text",
               "at most one token in front and nothing behind");
      const std::string name = part.object("SpecialToken").text("id");
      const JsonObject special = object.object("special_tokens").object(name);
      const json& ids = special.array("ids");
      if (ids.size() != 1) special.fail("ids", std::to_string(ids.size()) + " tokens", "one");
      description_.marks.begin = token_of(special, "ids", ids.front());
    }
  }

  void read_ends() {
    for (const char* name : {"generation_config.json", "config.json"}) {
      const std::filesystem::path path = path_.parent_path() / name;
      std::error_code ignored;
      if (!std::filesystem::is_regular_file(path, ignored)) continue;
      const JsonObject config = read_json_file(path);
      if (!config.has("eos_token_id")) continue;
      const json& ends = config.value().at("eos_token_id");
      if (ends.is_array())
        for (const json& end : ends)
          description_.marks.ends.push_back(token_of(config, "eos_token_id", end));
      else
        description_.marks.ends.push_back(token_of(config, "eos_token_id", ends));
      return;
    }
  }

  const std::filesystem::path& path_;
  JsonObject file_;
  BytePairs description_;
  bool byte_level_ = false;
};

}  // namespace

std::unique_ptr<TokenizerScheme> read_tokenizer_json(const std::filesystem::path& path,
                                                     std::uint32_t vocab_size) {
  return byte_pair_scheme(Reader(path, vocab_size).read());
}

}  // namespace bitloom
