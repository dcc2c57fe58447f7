// SPDX-License-Identifier: Apache-2.0
// How well a model predicts a text, by precision.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/generation/generate.hpp"
#include "host/generation/loaded_model.hpp"

namespace bitloom {

/// A text that begins with the begin token, where there is one, and is at most as long as the
/// context; every token but the first is predicted from those before it.
using Window = std::vector<Token>;

/// Divides an encoded text (with its begin token) into windows: each has the begin token and then
/// up to context - 1 (at least 1) tokens of the text, or, where there is none, up to `context`
/// tokens, at least two, of the text; no token is predicted twice.
std::vector<Window> windows_of(std::span<const Token> text, const TextMarks& marks,
                               std::uint32_t context);

/// Texts that the float model writes at temperature 1 with `seed`, until `count` tokens are there;
/// the last text is cut there. `advance` is told the tokens so far. `floats` are the model's layers
/// at kFloatBits; the context is at least 2, and `marks` have a begin token. Throws Error
/// model_value when the model ends kMostEmptyTexts texts in a row before their first token.
inline constexpr unsigned kMostEmptyTexts = 100;
std::vector<Window> sampled_windows(const FloatModel& model, const TextMarks& marks,
                                    PlannedLayers& floats, std::uint64_t seed, std::uint64_t count,
                                    const std::function<void(std::uint64_t)>& advance);

/// The predictions at one precision. Sums are in nats.
struct PrecisionScore {
  unsigned bits = 0;
  std::uint64_t tokens = 0;            ///< predicted
  double negative_log_likelihood = 0;  ///< sum of -ln p(token)
  double divergence = 0;  ///< sum of KL(p_float || p), the float model's distribution first
  PhaseUsage usage;

  /// exp of the mean negative log-likelihood.
  [[nodiscard]] double perplexity() const;
  /// Mean, nats per token.
  [[nodiscard]] double mean_divergence() const;
};

/// Is told after each piece of a window, of up to kTokensAtOnce tokens, how many tokens are
/// predicted at every precision, and the scores so far.
using ScoreProgress =
    std::function<void(std::uint64_t tokens, const std::vector<PrecisionScore>& scores)>;

/// Predicts all windows at each of `precisions`, on `loaded`, which has every layer at kFloatBits
/// and at these; in the order of `precisions`. Throws what Transformer::forward throws.
std::vector<PrecisionScore> score_windows(const FloatModel& model, LoadedModel& loaded,
                                          std::span<const Window> windows,
                                          std::span<const unsigned> precisions,
                                          const ScoreProgress& progress);

}  // namespace bitloom
