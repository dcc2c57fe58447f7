// SPDX-License-Identifier: Apache-2.0
// What the commands on texts share: a model, its tokenizer, a device.
#pragma once

#include <string>

#include "host/cli/options.hpp"
#include "host/generation/loaded_model.hpp"
#include "host/generation/text_run.hpp"
#include "sw/tokenizer/tokenizer.hpp"
#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// A model and what its tokens mean.
struct LanguageModel {
  FloatModel model;
  Tokenizer tokenizer;
};

struct TextSetup {
  TextRun run;
  LanguageModel language;
  RtlOptions rtl;
};

/// --model, --tokenizer and --help.
boost::program_options::options_description model_options(const std::string& caption);

/// Reads --model and --tokenizer. Throws Error as their readers do.
LanguageModel read_language_model(const OptionValues& values);

/// Loads every layer as floats. Throws Error as FloatLayers does.
LoadedModel load_floats(const FloatModel& model);

/// The options of `bitloom generate` and `bitloom perplexity`.
boost::program_options::options_description text_options(const std::string& caption);

/// Reads the options, the model and the tokenizer. Throws Error as these do.
TextSetup prepare_text(const OptionValues& values);

/// Refuses what the hardware cannot run before anything is made; then makes or reads the layers,
/// with progress on standard error, and loads them. Throws Error.
LoadedModel load_model(const TextSetup& setup, const NeededPrecisions& needed);

}  // namespace bitloom
