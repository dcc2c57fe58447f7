// SPDX-License-Identifier: Apache-2.0
// The choice of the next token.
#pragma once

#include <cstdint>
#include <random>
#include <span>

#include "sw/tokenizer/token.hpp"

namespace bitloom {

struct SamplerOptions {
  double temperature = 0;  ///< at least 0; 0 = always the largest logit
  double top_p = 1;        ///< in (0, 1]; 1 = all tokens
  std::uint64_t seed = 1;
};

/// Draws from softmax(logits / temperature) in binary64, or from its fewest most probable tokens
/// whose probabilities add up to top_p or more (nucleus sampling; Holtzman et al., ICLR 2020). The
/// same seed and logits give the same tokens: one number of the 64-bit Mersenne Twister a token.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}

  /// At temperature 0 the largest logit, the lowest token of equal ones. `logits` are finite.
  Token pick(std::span<const float> logits);

 private:
  SamplerOptions options_;
  std::mt19937_64 random_;
};

}  // namespace bitloom
