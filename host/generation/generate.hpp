// SPDX-License-Identifier: Apache-2.0
// Writing a text, token by token.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/generation/loaded_model.hpp"
#include "sw/tokenizer/token.hpp"
#include "sw/transformer/sampler.hpp"
#include "sw/transformer/transformer.hpp"

namespace bitloom {

/// Tokens of a prompt or of a given text that go through the model in one call; more are divided.
inline constexpr std::uint32_t kTokensAtOnce = 32;

/// What one part of a run took.
struct PhaseUsage {
  std::uint64_t tokens = 0;  ///< that went through the model
  double seconds = 0;        ///< wall time
  LinearUsage linear{};
};

struct Generation {
  std::vector<Token> tokens;  ///< generated, without the prompt
  bool ended = false;         ///< by the model, with a begin or end token, which is left out
  PhaseUsage prefill;         ///< the prompt
  PhaseUsage decode;          ///< the generated tokens but the last: that one is not put in again
};

/// Is told of the text so far, after each token.
using GenerationProgress = std::function<void(const Generation& so_far)>;

/// Continues `prompt` (at least one token) by at most `most` (at least 1) tokens; both together,
/// less one, are within the model's context. The text ends before that with one of `marks`. Throws
/// what Transformer::forward throws; `progress` has been told of all that was done then.
Generation generate(const FloatModel& model, const TextMarks& marks, PlannedLayers& linear,
                    Sampler& sampler, std::span<const Token> prompt, std::uint32_t most,
                    const GenerationProgress& progress);

}  // namespace bitloom
