// SPDX-License-Identifier: Apache-2.0
#include "host/generation/perplexity.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "host/runtime/devices.hpp"
#include "sw/config/config.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "tests/support/small_model.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

struct Fixture {
  explicit Fixture(SmallModel model_values)
      : small(std::move(model_values)),
        model(read_model(write_bytes(folder.path("m.bin"), small.file()))),
        loaded(load()) {}

  [[nodiscard]] LoadedModel load() const {
    NeededPrecisions needed;
    for (const LinearId id : model.linears()) needed[id] = {3, 8, kFloatBits};
    return {model, needed, quantizing_maker(Mode::bcq, 32, {}),
            make_device("cpu", load_config("tiny")), [](LinearId) {}};
  }

  std::vector<PrecisionScore> score(const std::vector<Window>& windows,
                                    const std::vector<unsigned>& precisions) {
    return score_windows(model, loaded, windows, precisions, [](std::uint64_t, auto&) {});
  }

  ScratchFolder folder;
  SmallModel small;
  FloatModel model;
  LoadedModel loaded;
};

// ln of the softmax, by its definition.
std::vector<double> log_softmax(const std::vector<double>& logits) {
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit);
  std::vector<double> result;
  result.reserve(logits.size());
  for (const double logit : logits) result.push_back(logit - std::log(sum));
  return result;
}

const std::vector<Window> kWindows = {{1, 5, 261, 77, 269, 13}, {1, 262}, {1, 9, 9, 9}};

}  // namespace

TEST_CASE("perplexity of the float layers is that of the textbook") {
  Fixture f(SmallModel(5));
  double sum = 0;
  for (const Window& window : kWindows) {
    const auto logits = f.small.logits(window);
    for (std::size_t i = 0; i + 1 < window.size(); ++i)
      sum -= log_softmax(logits[i])[window[i + 1]];
  }
  const PrecisionScore score = f.score(kWindows, {kFloatBits}).front();
  CHECK(score.tokens == 9);
  CHECK(score.negative_log_likelihood == Approx(sum).epsilon(1e-5));
  CHECK(score.perplexity() == Approx(std::exp(sum / 9)).epsilon(1e-4));
  CHECK(score.mean_divergence() == 0);
  CHECK(score.usage.tokens == 9);
}

TEST_CASE("divergence is the sum of p ln(p / q) over the vocabulary, p of the float model") {
  Fixture f(SmallModel(6));
  const PrecisionPlan plan(f.model, {{0, 3}});
  PlannedLayers linear(f.loaded, plan);
  double sum = 0;
  double likelihood = 0;
  for (const Window& window : kWindows) {
    const auto reference = f.small.logits(window);
    Transformer transformer(f.model);
    for (std::size_t i = 0; i + 1 < window.size(); ++i) {
      const std::vector<float> logits =
          transformer.forward(std::span(window).subspan(i, 1), linear, LogitsOf::last_token);
      const auto p = log_softmax(reference[i]);
      const auto q = log_softmax({logits.begin(), logits.end()});
      for (std::size_t v = 0; v < p.size(); ++v) sum += std::exp(p[v]) * (p[v] - q[v]);
      likelihood -= q[window[i + 1]];
    }
  }
  const auto scores = f.score(kWindows, {8, 3});
  CHECK(scores[1].bits == 3);
  CHECK(scores[1].mean_divergence() == Approx(sum / 9).epsilon(1e-3));
  CHECK(scores[1].negative_log_likelihood == Approx(likelihood).epsilon(1e-6));
  CHECK(scores[0].mean_divergence() < scores[1].mean_divergence() / 20);
}

TEST_CASE("windows hold every token of a text once, each behind a begin token") {
  const std::vector<Token> text = {1, 10, 11, 12, 13, 14, 15, 16};
  const TextMarks marks;
  CHECK(windows_of(text, marks, 4) ==
        std::vector<Window>{{1, 10, 11, 12}, {1, 13, 14, 15}, {1, 16}});
  CHECK(windows_of(text, marks, 8) == std::vector<Window>{{1, 10, 11, 12, 13, 14, 15, 16}});
  CHECK(windows_of(std::span(text).first(1), marks, 4).empty());
}

TEST_CASE("without a begin token windows are the text, and nothing predicts their first tokens") {
  const TextMarks marks{.begin = std::nullopt, .ends = {2}};
  const std::vector<Token> text = {10, 11, 12, 13, 14, 15, 16};
  CHECK(windows_of(text, marks, 4) == std::vector<Window>{{10, 11, 12, 13}, {14, 15, 16}});
  CHECK(windows_of(text, marks, 3) == std::vector<Window>{{10, 11, 12}, {13, 14, 15}});
  CHECK(windows_of({}, marks, 3).empty());
}

TEST_CASE("scores are told after every window") {
  Fixture f(SmallModel(7));
  std::vector<std::uint64_t> tokens;
  std::vector<std::uint64_t> scored;
  score_windows(f.model, f.loaded, kWindows, std::array{8U, 3U},
                [&](std::uint64_t count, const std::vector<PrecisionScore>& scores) {
                  REQUIRE(scores.size() == 2);
                  tokens.push_back(count);
                  scored.push_back(scores[1].tokens);
                });
  CHECK(tokens == std::vector<std::uint64_t>{5, 6, 9});
  CHECK(scored == std::vector<std::uint64_t>{5, 6, 9});
}

TEST_CASE("a sampled text has as many tokens as asked, and is one for each seed") {
  Fixture f(SmallModel(8));
  const PrecisionPlan plan(f.model, {{0, kFloatBits}});
  PlannedLayers floats(f.loaded, plan);
  const auto sample = [&](std::uint64_t seed) {
    return sampled_windows(f.model, {}, floats, seed, 100, [](std::uint64_t) {});
  };
  const std::vector<Window> windows = sample(1);
  std::size_t tokens = 0;
  for (const Window& window : windows) {
    CHECK(window.front() == kBeginToken);
    CHECK(window.size() <= SmallModel::kContext);
    tokens += window.size() - 1;
  }
  CHECK(tokens == 100);
  CHECK(sample(1) == windows);
  CHECK(sample(2) != windows);
}

TEST_CASE("a model that ends every text at once has no text to sample") {
  SmallModel small(9);
  // The end token's logit is far above all others, whatever the last norm gives: 24 positive
  // embeddings, norms and a classifier row of 100s.
  for (float& value : small.embedding) value = std::abs(value) + 0.1F;
  for (auto* tensors : {&small.wo, &small.w2})
    for (auto& tensor : *tensors) std::fill(tensor.begin(), tensor.end(), 0.0F);
  std::fill_n(small.classifier.begin() + kEndToken * SmallModel::kDim, SmallModel::kDim, 100.0F);
  Fixture f(small);
  const PrecisionPlan plan(f.model, {{0, kFloatBits}});
  PlannedLayers floats(f.loaded, plan);
  const Error error =
      error_of([&] { sampled_windows(f.model, {}, floats, 1, 10, [](std::uint64_t) {}); });
  CHECK(error.code() == ErrorCode::model_value);
  CHECK(error.parts().found.find("100 in a row") == 0);
}
