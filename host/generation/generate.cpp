// SPDX-License-Identifier: Apache-2.0
#include "host/generation/generate.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace bitloom {
namespace {

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

std::vector<float> prefill(Transformer& transformer, LinearLayers& linear,
                           std::span<const Token> prompt) {
  std::vector<float> logits;
  for (std::size_t i = 0; i < prompt.size(); i += kTokensAtOnce)
    logits = transformer.forward(
        prompt.subspan(i, std::min<std::size_t>(kTokensAtOnce, prompt.size() - i)), linear,
        LogitsOf::last_token);
  return logits;
}

}  // namespace

Generation generate(const FloatModel& model, const TextMarks& marks, PlannedLayers& linear,
                    Sampler& sampler, std::span<const Token> prompt, std::uint32_t most,
                    const GenerationProgress& progress) {
  Generation result;
  Transformer transformer(model);
  linear.begin_token(0);
  const Stopwatch prefill_time;
  std::vector<float> logits = prefill(transformer, linear, prompt);
  result.prefill = {prompt.size(), prefill_time.seconds(), linear.take_usage()};
  const Stopwatch decode_time;
  for (;;) {
    result.decode = {transformer.position() - prompt.size(), decode_time.seconds(), linear.usage()};
    const Token next = sampler.pick(logits);
    result.ended = marks.ended_by(next);
    if (result.ended) break;
    result.tokens.push_back(next);
    progress(result);
    if (result.tokens.size() == most) break;
    linear.begin_token(static_cast<std::uint32_t>(result.tokens.size()));
    logits = transformer.forward(std::span(&next, 1), linear, LogitsOf::last_token);
  }
  return result;
}

}  // namespace bitloom
