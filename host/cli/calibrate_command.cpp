// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/text_choice.hpp"
#include "host/generation/moments.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

po::options_description calibrate_options() {
  po::options_description options = model_options(
      "bitloom calibrate: mean squares of the inputs of a model's linear layers, for quantizing");
  add_text_choice(options);
  options.add_options()  //
      ("out", po::value<std::string>()->required(), "safetensors file to write");
  return options;
}

LayerMoments measure(const FloatModel& model, LoadedModel& loaded,
                     const std::vector<Window>& windows) {
  const PrecisionPlan floats(model, {{0, kFloatBits}});
  PlannedLayers linear(loaded, floats);
  Progress progress("measuring", "tokens");
  progress.expect(predicted_tokens(windows));
  return measure_moments(model, linear, windows,
                         [&progress](std::uint64_t tokens) { progress.reach(tokens); });
}

}  // namespace

int calibrate_command(const Arguments& arguments) {
  const po::options_description description = calibrate_options();
  const OptionValues values = parse_options("calibrate", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const std::string out = values["out"].as<std::string>();
  static_cast<void>(OutputFile(out));  // an unwritable path shows before the work, not behind it
  const LanguageModel language = read_language_model(values);
  const TextChoice choice = choose_text(values, language);
  LoadedModel loaded = load_floats(language.model);
  const std::vector<Window> windows = windows_of(choice, language, loaded);
  const LayerMoments moments = measure(language.model, loaded, windows);
  const MomentsOrigin origin{values["model"].as<std::string>(), predicted_tokens(windows)};
  write_moments(out, origin, moments);
  std::cout << fmt::format("{}: moments of {} layers over {} tokens\n", out, moments.size(),
                           origin.tokens);
  return kExitOk;
}

}  // namespace bitloom
