// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/tokenizer.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "tests/support/model_files.hpp"
#include "tests/support/small_model.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

constexpr std::uint32_t kVocab = SmallModel::kVocab;
// Where token 0 begins, and its length field.
constexpr std::size_t kFirstScore = 4;
constexpr std::size_t kFirstLength = 8;

// Tokens behind the bytes, in the order of SmallModel::tokenizer_file.
enum : Token { kSpace = 259, kA, kB, kSpaceA, kAb, kBa, kSpaceAb, kAa, kBb, kEAcute, kAbab };

Tokenizer tokenizer() {
  const ScratchFolder folder;
  return {write_bytes(folder.path("t.bin"), SmallModel::tokenizer_file()), kVocab};
}

Error refusal(const std::string& bytes, std::uint32_t vocab_size = kVocab) {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t.bin"), bytes);
  return error_of([&] { const Tokenizer refused(path, vocab_size); });
}

std::string replaced(std::size_t at, const std::string& bytes) {
  std::string file = SmallModel::tokenizer_file();
  return file.replace(at, bytes.size(), bytes);
}

Token byte_token(unsigned byte) { return 3 + byte; }

}  // namespace

TEST_CASE("a text begins with the begin token and a space") {
  CHECK(tokenizer().encode("") == std::vector<Token>{kBeginToken});
  CHECK(tokenizer().encode("b") == std::vector<Token>{kBeginToken, kSpace, kB});
  CHECK(tokenizer().encode(" ") == std::vector<Token>{kBeginToken, kSpace, kSpace});
}

TEST_CASE("the best pair is merged first, the leftmost of equal ones") {
  // " a" (-3) comes before "ab" (-4), and " ab" (-6) joins it to the b.
  CHECK(tokenizer().encode("ab") == std::vector<Token>{kBeginToken, kSpaceAb});
  // _ b a b a: "ab" (-4) beats the "ba" (-5) to its left; "ba" has no room then.
  CHECK(tokenizer().encode("baba") == std::vector<Token>{kBeginToken, kSpace, kB, kAb, kA});
  // _ b b b: two pairs "bb" (-8); the left one is taken.
  CHECK(tokenizer().encode("bbb") == std::vector<Token>{kBeginToken, kSpace, kBb, kB});
  // _ b a b a b: "ab" twice, and both join to "abab" (-10).
  CHECK(tokenizer().encode("babab") == std::vector<Token>{kBeginToken, kSpace, kB, kAbab});
}

TEST_CASE("a character without a token is its bytes, and one with a token is one") {
  CHECK(tokenizer().encode("\xC3\xA9z\xC3\xBC") ==
        std::vector<Token>{kBeginToken, kSpace, kEAcute, byte_token('z'), byte_token(0xC3),
                           byte_token(0xBC)});
}

TEST_CASE("bytes that are no UTF-8 are encoded all the same") {
  CHECK(tokenizer().encode("\xA9\xA9\xA9\xA9\xA9") ==
        std::vector<Token>{kBeginToken, kSpace, byte_token(0xA9), byte_token(0xA9),
                           byte_token(0xA9), byte_token(0xA9), byte_token(0xA9)});
  CHECK(tokenizer().encode(std::string(1, '\0')).back() == byte_token(0));
}

TEST_CASE("a decoded text is the encoded one") {
  const Tokenizer t = tokenizer();
  for (const std::string text : {"ab ba", " leading", "\xC3\xA9\n\xFF.", "bababb aab"}) {
    std::string decoded;
    Token previous = kBeginToken;
    const std::vector<Token> tokens = t.encode(text);
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      decoded += t.decode(previous, tokens[i]);
      previous = tokens[i];
    }
    CHECK(decoded == text);
  }
}

TEST_CASE("only behind the begin token a leading space is dropped") {
  const Tokenizer t = tokenizer();
  CHECK(t.decode(kBeginToken, kSpaceAb) == "ab");
  CHECK(t.decode(kA, kSpaceAb) == " ab");
  CHECK(t.decode(kA, byte_token(0x41)) == "A");
}

TEST_CASE("a long text is encoded in time") {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "b a";
  // The begin token, " ", "b", 99,999 times " ab", and " a".
  CHECK(tokenizer().encode(text).size() == 1 + 2 + 99999 + 1);
}

TEST_CASE("a tokenizer file cut at any byte is refused") {
  const std::string file = SmallModel::tokenizer_file();
  for (std::size_t size = 0; size < file.size(); size += 7)
    REQUIRE(refusal(file.substr(0, size)).code() == ErrorCode::tokenizer_file);
  CHECK(refusal(file.substr(0, file.size() - 1)).code() == ErrorCode::tokenizer_file);
}

TEST_CASE("a tokenizer of another size than the model's is refused with both sizes") {
  const std::string file = SmallModel::tokenizer_file();
  const Error longer = refusal(file + "x");
  CHECK(longer.code() == ErrorCode::tokenizer_file);
  CHECK(longer.parts().found == std::to_string(file.size() + 1) + " bytes");
  CHECK(longer.parts().expected.find(std::to_string(file.size())) == 0);
  CHECK(refusal(file, kVocab - 1).code() == ErrorCode::tokenizer_file);
  CHECK(refusal(file, 258).parts().found == "a model of 258 tokens");
  // Far longer than such a tokenizer can be: not read to its end.
  CHECK(refusal(file + std::string(1 << 20, 'x')).code() == ErrorCode::tokenizer_file);
}

TEST_CASE("lengths and scores out of range are refused by the token's number") {
  for (const std::int32_t length : {-1, 7, 0x7FFFFFFF})
    CHECK(refusal(replaced(kFirstLength, raw(length))).parts().found ==
          "length of token 0 " + std::to_string(length));
  for (const std::int32_t longest : {-1, 1025})
    CHECK(refusal(replaced(0, raw(longest))).parts().expected == "0 to 1024");
  const auto nan = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN());
  CHECK(refusal(replaced(kFirstScore, raw(nan))).parts().found ==
        "token 0 with a score that is not finite");
}

TEST_CASE("a vocabulary of llama2.c is one however long its longest token is") {
  for (const std::int32_t longest : {10, 123, 266, 379, 522, 635, 778, 891}) {
    const ScratchFolder folder;
    const Tokenizer t(write_bytes(folder.path("t.bin"), replaced(0, raw(longest))), kVocab);
    CHECK(t.encode("ab") == std::vector<Token>{kBeginToken, kSpaceAb});
  }
}

TEST_CASE("a vocabulary without the bytes is refused") {
  std::string file = SmallModel::tokenizer_file();
  file.replace(file.find("<0x41>"), 6, "<0x4g>");
  const Error error = refusal(file);
  CHECK(error.code() == ErrorCode::tokenizer_file);
  CHECK(error.parts().found == "token 68 \"<0x4g>\"");
  CHECK(error.parts().expected == "<0x41>");
}

namespace {

// The vocabulary of SmallModel in a GGUF file, which `change` may change.
std::string gguf_bytes(const std::function<void(PlainModel&)>& change = [](PlainModel&) {}) {
  const ScratchFolder folder;
  PlainModel model = SmallModel(1).plain();
  model.vocabulary = plain_vocabulary(SmallModel::tokenizer_file());
  change(model);
  write_gguf(folder.path("m.gguf"), model);
  return read_bytes(folder.path("m.gguf"));
}

}  // namespace

TEST_CASE("a vocabulary in GGUF encodes and decodes as that of llama2.c") {
  const ScratchFolder folder;
  const Tokenizer gguf(write_bytes(folder.path("m.gguf"), gguf_bytes()), kVocab);
  const Tokenizer usual = tokenizer();
  for (const std::string text :
       {"", "b", " ", "ab ba", "babab aab", "\xC3\xA9z\xC3\xBC\n", "<s>", "\xFF"}) {
    const std::vector<Token> tokens = usual.encode(text);
    CHECK(gguf.encode(text) == tokens);
    for (std::size_t i = 1; i < tokens.size(); ++i)
      CHECK(gguf.decode(tokens[i - 1], tokens[i]) == usual.decode(tokens[i - 1], tokens[i]));
  }
}

TEST_CASE("tokens of GGUF that are marks are not read out of texts") {
  std::string bytes = gguf_bytes();
  // The array's types of value and element and its length lie between its name and its values.
  const std::size_t types = bytes.find("token_type") + 10 + 16;
  REQUIRE(bytes[types + 4 * kSpaceAb] == 1);
  bytes[types + 4 * kSpaceAb] = 3;
  const ScratchFolder folder;
  const Tokenizer gguf(write_bytes(folder.path("m.gguf"), bytes), kVocab);
  CHECK(gguf.encode("ab") == std::vector<Token>{kBeginToken, kSpaceA, kB});
}

TEST_CASE("vocabularies in GGUF that cannot be used are refused") {
  const auto refused = [](const std::string& bytes, std::uint32_t vocab_size = kVocab) {
    const Error error = refusal(bytes, vocab_size);
    CHECK(error.code() == ErrorCode::tokenizer_file);
    return error.parts().found;
  };
  const auto replaced_in = [](std::string bytes, const std::string& from, const std::string& to) {
    REQUIRE(from.size() == to.size());
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  const std::string good = gguf_bytes();
  const auto word = [](std::uint32_t value) { return raw(value); };
  CHECK(refused(gguf_bytes([](PlainModel& m) { m.vocabulary.clear(); })) == "no vocabulary");
  const std::string kind = std::string("tokenizer.ggml.model") + word(8) + raw(std::uint64_t{5});
  CHECK(refused(replaced_in(good, kind + "llama", kind + "gpt-2")) ==
        "a tokenizer of the kind \"gpt-2\"");
  const std::string begin = std::string("bos_token_id") + word(4);
  CHECK(refused(replaced_in(good, begin + word(1), begin + word(9))) ==
        "begin token 9, end token 2");
  const std::string end = std::string("eos_token_id") + word(4);
  CHECK(refused(replaced_in(good, end + word(2), end + word(3))) == "begin token 1, end token 3");
  CHECK(refused(replaced_in(good, "ggml.scores", "ggml.scorex")) ==
        "270 tokens, 0 scores, 270 types");
  CHECK(refused(replaced_in(good, "token_type", "token_typx")) ==
        "270 tokens, 270 scores, 0 types");
  CHECK(refused(replaced_in(good, "<0x41>", "<0x14>")) == "token 68 \"<0x14>\"");
  CHECK(refused(good, kVocab - 1) == "270 tokens");
  CHECK(refused(gguf_bytes([](PlainModel& m) {
          m.vocabulary[260].second = std::numeric_limits<float>::quiet_NaN();
        })) == "token 260 with a score that is not finite");
  for (std::size_t length = 8; length < good.find("bos_token_id"); length += 101)
    CHECK(refusal(good.substr(0, length)).code() == ErrorCode::checkpoint_gguf);
}
