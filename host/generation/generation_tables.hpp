// SPDX-License-Identifier: Apache-2.0
// What `bitloom generate` and `bitloom perplexity` print.
#pragma once

#include <string>

#include "host/generation/generation_json.hpp"

namespace bitloom {

/// The lines behind a generated text: what wrote it, how fast, and (where the backend knows them)
/// cycles per token by kind of layer.
std::string generation_summary(const GenerationReport& report);

/// What predicted the text, and a row for each precision.
std::string perplexity_summary(const PerplexityReport& report);

}  // namespace bitloom
