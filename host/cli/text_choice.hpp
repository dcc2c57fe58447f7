// SPDX-License-Identifier: Apache-2.0
// The text that a model reads in `bitloom perplexity` and `bitloom calibrate`: a file, or stories
// that the float model writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/cli/options.hpp"
#include "host/cli/text_setup.hpp"
#include "host/generation/perplexity.hpp"

namespace bitloom {

struct TextChoice {
  std::string file;             ///< empty = sampled
  std::uint64_t seed = 0;       ///< of the sampled text
  std::uint64_t count = 0;      ///< tokens to sample
  std::vector<Window> windows;  ///< of the file
};

/// Adds --text, --tokens and --seed.
void add_text_choice(boost::program_options::options_description& options);

/// Reads the options and the file. Throws Error usage for a model with a context of one token, a
/// text without tokens or too long, and a tokenizer without a begin token where a text is to be
/// sampled; io_read.
TextChoice choose_text(const OptionValues& values, const LanguageModel& language);

/// The windows of the file, or else of a text that is sampled here, with progress on standard
/// error; `loaded` has every layer at kFloatBits. Throws Error as sampled_windows does.
std::vector<Window> windows_of(const TextChoice& choice, const LanguageModel& language,
                               LoadedModel& loaded);

/// The tokens of them that are predicted from others.
std::uint64_t predicted_tokens(const std::vector<Window>& windows);

}  // namespace bitloom
