// SPDX-License-Identifier: Apache-2.0
#include "host/generation/perplexity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

// The natural logarithms of softmax(logits).
std::vector<double> log_probabilities(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  const double log_sum = largest + std::log(sum);
  std::vector<double> result;
  result.reserve(logits.size());
  for (const float logit : logits) result.push_back(logit - log_sum);
  return result;
}

double divergence(std::span<const double> log_p, std::span<const double> log_q) {
  double sum = 0;
  for (std::size_t i = 0; i < log_p.size(); ++i) sum += std::exp(log_p[i]) * (log_p[i] - log_q[i]);
  return sum;
}

// One precision on its way through the windows.
class Scorer {
 public:
  Scorer(const FloatModel& model, LoadedModel& loaded, unsigned bits)
      : plan_(model, {{0, bits}}), layers_(loaded, plan_), transformer_(model) {
    score_.bits = bits;
  }

  void begin_window() { transformer_.restart(); }

  std::vector<float> logits(std::span<const Token> tokens) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<float> result = transformer_.forward(tokens, layers_, LogitsOf::all_tokens);
    score_.usage.seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    score_.usage.tokens += tokens.size();
    add_usage(layers_.take_usage());
    return result;
  }

  void predict(std::span<const double> log_p, std::span<const double> log_q, Token next) {
    ++score_.tokens;
    score_.negative_log_likelihood -= log_q[next];
    score_.divergence += divergence(log_p, log_q);
  }

  [[nodiscard]] const PrecisionScore& score() const { return score_; }

 private:
  void add_usage(const LinearUsage& usage) {
    for (std::size_t kind = 0; kind < usage.size(); ++kind) {
      KindUsage& sum = score_.usage.linear.at(kind);
      sum.calls += usage.at(kind).calls;
      if (usage.at(kind).cycles) sum.cycles = sum.cycles.value_or(0) + *usage.at(kind).cycles;
    }
  }

  PrecisionPlan plan_;
  PlannedLayers layers_;
  Transformer transformer_;
  PrecisionScore score_;
};

// Tokens `inputs` of a window at every precision; `targets[i]` follows inputs[i].
void score_piece(Scorer& floats, std::span<const std::unique_ptr<Scorer>> scorers,
                 std::span<const Token> inputs, std::span<const Token> targets) {
  const std::vector<float> float_logits = floats.logits(inputs);
  const std::size_t vocab_size = float_logits.size() / inputs.size();
  const auto at = [vocab_size](std::span<const float> logits, std::size_t token) {
    return log_probabilities(logits.subspan(token * vocab_size, vocab_size));
  };
  std::vector<std::vector<double>> reference;
  for (std::size_t i = 0; i < inputs.size(); ++i) reference.push_back(at(float_logits, i));
  for (const std::unique_ptr<Scorer>& scorer : scorers) {
    const std::vector<float> logits = scorer->logits(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      scorer->predict(reference[i], at(logits, i), targets[i]);
  }
}

}  // namespace

std::vector<Window> windows_of(std::span<const Token> text, const TextMarks& marks,
                               std::uint32_t context) {
  const Window front = marks.begin ? Window{*marks.begin} : Window{};
  const std::span<const Token> body = text.subspan(front.size());
  const std::size_t most = context - front.size();
  std::vector<Window> windows;
  for (std::size_t begin = 0; begin < body.size(); begin += most) {
    const auto part = body.subspan(begin, std::min(most, body.size() - begin));
    Window window = front;
    window.insert(window.end(), part.begin(), part.end());
    if (window.size() > 1) windows.push_back(std::move(window));
  }
  return windows;
}

std::vector<Window> sampled_windows(const FloatModel& model, const TextMarks& marks,
                                    PlannedLayers& floats, std::uint64_t seed, std::uint64_t count,
                                    const std::function<void(std::uint64_t)>& advance) {
  Sampler sampler({.temperature = 1, .top_p = 1, .seed = seed});
  std::vector<Window> windows;
  std::uint64_t predicted = 0;
  unsigned empty = 0;
  while (predicted < count) {
    const auto most = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(model.shape.context - 1, count - predicted));
    Window window = {marks.begin.value()};
    const Generation story = generate(model, marks, floats, sampler, window, most,
                                      [&](const Generation&) { advance(++predicted); });
    empty = story.tokens.empty() ? empty + 1 : 0;
    if (empty == kMostEmptyTexts)
      throw Error(ErrorCode::model_value,
                  {"texts sampled from the float model",
                   std::to_string(empty) + " in a row that end before their first token",
                   "texts to predict", "Give a text with --text."});
    if (empty != 0) continue;  // the next draw differs
    window.insert(window.end(), story.tokens.begin(), story.tokens.end());
    windows.push_back(std::move(window));
  }
  return windows;
}

double PrecisionScore::perplexity() const {
  return std::exp(negative_log_likelihood / static_cast<double>(tokens));
}

double PrecisionScore::mean_divergence() const { return divergence / static_cast<double>(tokens); }

std::vector<PrecisionScore> score_windows(const FloatModel& model, LoadedModel& loaded,
                                          std::span<const Window> windows,
                                          std::span<const unsigned> precisions,
                                          const ScoreProgress& progress) {
  Scorer floats(model, loaded, kFloatBits);
  std::vector<std::unique_ptr<Scorer>> scorers;
  for (const unsigned bits : precisions)
    scorers.push_back(std::make_unique<Scorer>(model, loaded, bits));
  std::vector<PrecisionScore> scores;
  std::uint64_t predicted = 0;
  for (const Window& window : windows) {
    floats.begin_window();
    for (const auto& scorer : scorers) scorer->begin_window();
    const std::span<const Token> text(window);
    for (std::size_t i = 0; i + 1 < text.size(); i += kTokensAtOnce) {
      const std::size_t count = std::min<std::size_t>(kTokensAtOnce, text.size() - 1 - i);
      score_piece(floats, scorers, text.subspan(i, count), text.subspan(i + 1, count));
      scores.clear();
      for (const auto& scorer : scorers) scores.push_back(scorer->score());
      progress(predicted += count, scores);
    }
  }
  return scores;
}

}  // namespace bitloom
