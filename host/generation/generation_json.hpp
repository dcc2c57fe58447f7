// SPDX-License-Identifier: Apache-2.0
// result.json of `bitloom generate` and `bitloom perplexity`; docs/generate.schema.json and
// docs/perplexity.schema.json fix names and units. What a backend cannot know is null.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/generation/generate.hpp"
#include "host/generation/perplexity.hpp"
#include "host/generation/precision.hpp"
#include "host/generation/text_run.hpp"
#include "sw/transformer/sampler.hpp"

namespace bitloom {

struct GenerationReport {
  const TextRun& run;
  const PrecisionPlan& plan;
  const SamplerOptions& sampling;
  std::string prompt;
  std::size_t prompt_tokens = 0;  ///< with the begin token
  Generation generation{};
  std::string text{};  ///< generated, without the prompt; bytes that are no UTF-8 are replaced
  TextOutcome outcome{};
};

std::string generation_json(const GenerationReport& report);

struct PerplexityReport {
  const TextRun& run;
  std::string origin;             ///< path of the text; empty = sampled from the float model
  std::uint64_t seed = 0;         ///< of a sampled text
  std::uint64_t windows = 0;      ///< of the text
  std::uint64_t text_tokens = 0;  ///< to predict in all windows
  std::vector<PrecisionScore> scores;
  TextOutcome outcome{};
};

std::string perplexity_json(const PerplexityReport& report);

}  // namespace bitloom
