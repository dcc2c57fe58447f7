// SPDX-License-Identifier: Apache-2.0
// A real trained model writes the text that its release shows.
#include <catch2/catch.hpp>

#include "sw/tokenizer/tokenizer.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "sw/transformer/float_layers.hpp"
#include "sw/transformer/sampler.hpp"
#include "sw/transformer/transformer.hpp"
#include "tests/support/test_data.hpp"

namespace {

using namespace bitloom;

constexpr const char* kPublished =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
    "One day, she saw a big, red ball. She wanted to play with it, but it was too high.";

}  // namespace

TEST_CASE("stories260K at temperature 0 writes its published text token for token") {
  const FloatModel model = read_model(test_data("stories260K/stories260K.bin"));
  const Tokenizer tokenizer(test_data("stories260K/tok512.bin"), model.shape.vocab_size);
  FloatLayers linear(model, model.linears());
  Transformer transformer(model);
  Sampler greedy({.temperature = 0});
  // The published text is one of all texts with these letters; its tokens are those of encode().
  const std::vector<Token> published = tokenizer.encode(kPublished);
  REQUIRE(published.size() > 60);
  std::vector<Token> written = {kBeginToken};
  std::string text;
  while (written.size() < published.size()) {
    const std::vector<float> logits =
        transformer.forward(std::span(written).last(1), linear, LogitsOf::last_token);
    const Token next = greedy.pick(logits);
    text += tokenizer.decode(written.back(), next);
    written.push_back(next);
  }
  CHECK(text == kPublished);
  CHECK(written == published);
}
