// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bitloom {
namespace {

struct Candidate {
  Token token;
  double probability;  // not normalized
};

// [0, 1), 53 bits: std::uniform_real_distribution is not the same everywhere.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11U) * 0x1p-53; }

double total(const std::vector<Candidate>& candidates) {
  double sum = 0;
  for (const Candidate& candidate : candidates) sum += candidate.probability;
  return sum;
}

// Keeps the most probable candidates that reach a share `top_p` of all.
void keep_nucleus(std::vector<Candidate>& candidates, double top_p) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.token < b.token;
  });
  const double enough = top_p * total(candidates);
  double sum = 0;
  const auto last = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
    sum += c.probability;
    return sum >= enough;
  });
  if (last != candidates.end()) candidates.erase(last + 1, candidates.end());
}

}  // namespace

Token Sampler::pick(std::span<const float> logits) {
  const auto largest = std::max_element(logits.begin(), logits.end());  // the first of equal ones
  if (options_.temperature == 0) return static_cast<Token>(largest - logits.begin());
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    candidates.push_back({static_cast<Token>(i), std::exp((static_cast<double>(logits[i]) -
                                                           static_cast<double>(*largest)) /
                                                          options_.temperature)});
  if (options_.top_p < 1) keep_nucleus(candidates, options_.top_p);
  const double drawn = uniform(random_) * total(candidates);
  double sum = 0;
  for (const Candidate& candidate : candidates) {
    sum += candidate.probability;
    if (drawn < sum) return candidate.token;
  }
  return candidates.back().token;
}

}  // namespace bitloom
