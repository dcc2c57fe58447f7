// SPDX-License-Identifier: Apache-2.0
// The tokenizer of stories260K against the plain form of its algorithm: look at all pairs, merge
// the best, start again.
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>

#include "sw/io/file.hpp"
#include "sw/tokenizer/tokenizer.hpp"
#include "tests/support/test_data.hpp"

namespace {

using namespace bitloom;

constexpr std::uint32_t kVocab = 512;

struct Vocabulary {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::map<std::string, Token> tokens;

  explicit Vocabulary(const std::filesystem::path& path) {
    const InputFile file(path);
    const std::vector<std::uint8_t> bytes = file.read(0, file.size());
    std::size_t at = 4;
    for (Token token = 0; token < kVocab; ++token) {
      float score = 0;
      std::int32_t length = 0;
      std::memcpy(&score, &bytes.at(at), 4);
      std::memcpy(&length, &bytes.at(at + 4), 4);
      at += 8;
      texts.emplace_back(reinterpret_cast<const char*>(&bytes.at(at)),
                         static_cast<std::size_t>(length));
      at += static_cast<std::size_t>(length);
      scores.push_back(score);
      tokens.emplace(texts.back(), token);
    }
  }

  // Of printable ASCII, so that each character is a byte.
  [[nodiscard]] std::vector<Token> encode(const std::string& text) const {
    std::vector<Token> result;
    for (const char c : " " + text) {
      const auto found = tokens.find(std::string(1, c));
      result.push_back(found != tokens.end() ? found->second : 3 + static_cast<unsigned char>(c));
    }
    for (;;) {
      float best = -1e10F;
      std::size_t place = result.size();
      Token joint = 0;
      for (std::size_t i = 0; i + 1 < result.size(); ++i) {
        const auto found = tokens.find(texts[result[i]] + texts[result[i + 1]]);
        if (found == tokens.end() || scores[found->second] <= best) continue;
        best = scores[found->second];
        place = i;
        joint = found->second;
      }
      if (place == result.size()) break;
      result[place] = joint;
      result.erase(result.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
    result.insert(result.begin(), kBeginToken);
    return result;
  }
};

}  // namespace

TEST_CASE("texts are encoded as by the plain algorithm") {
  const auto path = test_data("stories260K/tok512.bin");
  const Tokenizer tokenizer(path, kVocab);
  const Vocabulary plain(path);
  CHECK(tokenizer.encode("Once upon a time, there was a little girl named Lily.") ==
        plain.encode("Once upon a time, there was a little girl named Lily."));
  std::mt19937 random(1);
  const std::string letters = "  aehilnorstTO.,'!dw&";
  for (int i = 0; i < 300; ++i) {
    std::string text(1 + random() % 60, ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    CAPTURE(text);
    REQUIRE(tokenizer.encode(text) == plain.encode(text));
  }
}
