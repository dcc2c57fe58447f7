// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/run_directory.hpp"
#include "host/cli/text_choice.hpp"
#include "host/cli/text_setup.hpp"
#include "host/generation/generation_tables.hpp"
#include "host/generation/perplexity.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

po::options_description perplexity_options() {
  po::options_description options = text_options(
      "bitloom perplexity: how well a model predicts a text, by precision of its linear layers");
  options.add_options()  //
      ("bits", po::value<std::string>()->default_value("2,3,4,8,16"),
       "precisions, 1 to 8, or 16 for unquantized layers: 2,3 or 2-4,8");
  add_text_choice(options);
  return options;
}

// All layers at these precisions, and at that which they are compared with.
NeededPrecisions needed_for(const FloatModel& model, const std::vector<unsigned>& precisions) {
  NeededPrecisions needed;
  for (const LinearId id : model.linears()) {
    needed[id] = {precisions.begin(), precisions.end()};
    needed[id].insert(kFloatBits);
  }
  return needed;
}

}  // namespace

int perplexity_command(const Arguments& arguments) {
  const po::options_description description = perplexity_options();
  const OptionValues values = parse_options("perplexity", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const std::vector<unsigned> precisions =
      parse_precisions("--bits", values["bits"].as<std::string>());
  TextSetup setup = prepare_text(values);
  if (setup.run.weights.empty())
    setup.run.precisions = range_of({precisions.begin(), precisions.end()});
  const FloatModel& model = setup.language.model;
  const TextChoice choice = choose_text(values, setup.language);
  if (values.contains("out")) prepare_directory(values["out"].as<std::string>());

  LoadedModel loaded = load_model(setup, needed_for(model, precisions));
  const std::vector<Window> windows = windows_of(choice, setup.language, loaded);
  PerplexityReport report{
      setup.run, choice.file, choice.seed, windows.size(), predicted_tokens(windows), {}};
  const auto write = [&](const std::vector<PrecisionScore>& scores) {
    report.scores = scores;
    if (values.contains("out"))
      write_result_text(values["out"].as<std::string>(), perplexity_json(report));
  };
  const auto score = [&] {
    Progress progress("predicting", "tokens");
    progress.expect(report.text_tokens);
    return score_windows(model, loaded, windows, precisions,
                         {[&progress](std::uint64_t tokens) { progress.reach(tokens); }, write});
  };
  const std::vector<PrecisionScore> scores = score();
  report.scores = scores;
  std::cout << perplexity_summary(report);
  return kExitOk;
}

}  // namespace bitloom
