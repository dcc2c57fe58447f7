// SPDX-License-Identifier: Apache-2.0
// A real trained model writes the text that its release shows.
#include <catch2/catch.hpp>

#include "sw/tokenizer/tokenizer.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "sw/transformer/float_layers.hpp"
#include "sw/transformer/sampler.hpp"
#include "sw/transformer/transformer.hpp"
#include "tests/support/model_files.hpp"
#include "tests/support/test_data.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

constexpr const char* kPublished =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
    "One day, she saw a big, red ball. She wanted to play with it, but it was too high.";

// The most probable token after each, from the begin token on, until there are `count`.
std::vector<Token> written_by(const FloatModel& model, std::size_t count) {
  FloatLayers linear(model, model.linears());
  Transformer transformer(model);
  Sampler greedy({.temperature = 0});
  std::vector<Token> written = {kBeginToken};
  while (written.size() < count)
    written.push_back(
        greedy.pick(transformer.forward(std::span(written).last(1), linear, LogitsOf::last_token)));
  return written;
}

}  // namespace

TEST_CASE("stories260K at temperature 0 writes its published text token for token") {
  const FloatModel model = read_model(test_data("stories260K/stories260K.bin"));
  const Tokenizer tokenizer(test_data("stories260K/tok512.bin"), model.shape.vocab_size);
  // The published text is one of all texts with these letters; its tokens are those of encode().
  const std::vector<Token> published = tokenizer.encode(kPublished);
  REQUIRE(published.size() > 60);
  const std::vector<Token> written = written_by(model, published.size());
  std::string text;
  for (std::size_t i = 1; i < written.size(); ++i)
    text += tokenizer.decode(written[i - 1], written[i]);
  CHECK(text == kPublished);
  CHECK(written == published);
}

TEST_CASE("stories260K writes the same tokens from a Hugging Face folder and from GGUF") {
  const std::filesystem::path path = test_data("stories260K/stories260K.bin");
  constexpr std::size_t kTokens = 200;
  const std::vector<Token> expected = written_by(read_model(path), kTokens);
  PlainModel plain = plain_model(read_bytes(path));
  const ScratchFolder folder;
  write_hugging_face(folder.path("folder"), plain);
  CHECK(written_by(read_model(folder.path("folder")), kTokens) == expected);
  const std::filesystem::path vocabulary = test_data("stories260K/tok512.bin");
  plain.vocabulary = plain_vocabulary(read_bytes(vocabulary));
  write_gguf(folder.path("model.gguf"), plain);
  const Tokenizer in_gguf(folder.path("model.gguf"), 512);
  CHECK(in_gguf.encode(kPublished) == Tokenizer(vocabulary, 512).encode(kPublished));
  CHECK(written_by(read_model(folder.path("model.gguf")), kTokens) == expected);
}
