// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <iostream>
#include <optional>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/result_file.hpp"
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
  std::optional<std::filesystem::path> directory;
  if (values.contains("out")) directory = values["out"].as<std::string>();
  if (directory) prepare_directory(*directory);

  LoadedModel loaded = load_model(setup, needed_for(model, precisions));
  const std::vector<Window> windows = windows_of(choice, setup.language, loaded);
  PerplexityReport report{
      setup.run, choice.file, choice.seed, windows.size(), predicted_tokens(windows), {}};
  for (const unsigned bits : precisions) report.scores.emplace_back().bits = bits;
  ResultFile file(directory, [&report] { return perplexity_json(report); });
  complete(report.outcome, file, [&] {
    Progress progress("predicting", "tokens");
    progress.expect(report.text_tokens);
    const auto piece_done = [&](std::uint64_t tokens, const std::vector<PrecisionScore>& scores) {
      progress.reach(tokens);
      report.scores = scores;
      file.update();
    };
    report.scores = score_windows(model, loaded, windows, precisions, piece_done);
  });
  std::cout << perplexity_summary(report);
  return kExitOk;
}

}  // namespace bitloom
