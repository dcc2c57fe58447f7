// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <limits>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/run_directory.hpp"
#include "host/cli/text_setup.hpp"
#include "host/generation/generation_tables.hpp"
#include "host/generation/perplexity.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

// Its tokens stand in memory.
constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 26;

po::options_description perplexity_options() {
  po::options_description options = text_options(
      "bitloom perplexity: how well a model predicts a text, by precision of its linear layers");
  options.add_options()  //
      ("bits", po::value<std::string>()->default_value("2,3,4,8,16"),
       "precisions: 1 to 8, or 16 for unquantized layers")  //
      ("text", po::value<std::string>(),
       "text file; default: stories sampled from the unquantized model")  //
      ("tokens", po::value<std::string>()->default_value("1000"),
       "tokens to sample where no text is given")  //
      ("seed", po::value<std::string>()->default_value("1"), "seed of the sampled text");
  return options;
}

[[noreturn]] void refuse_text(const std::string& path, const std::string& found,
                              const std::string& expected) {
  throw Error(ErrorCode::usage, {"--text " + path, found, expected, "Give another text."});
}

std::vector<Window> windows_of_file(const std::string& path, const TextSetup& setup) {
  const InputFile file(path);
  if (file.size() > kMostTextBytes)
    refuse_text(path, fmt::format("{} bytes", file.size()),
                fmt::format("at most {}", kMostTextBytes));
  const std::vector<std::uint8_t> bytes = file.read(0, file.size());
  const std::vector<Token> tokens = setup.tokenizer.encode(std::string(bytes.begin(), bytes.end()));
  if (tokens.size() < 2) refuse_text(path, "no tokens to predict", "a text");
  return windows_of(tokens, setup.model.shape.context);
}

std::vector<Window> sampled(const TextSetup& setup, LoadedModel& loaded, std::uint64_t seed,
                            std::uint64_t count) {
  const PrecisionPlan floats(setup.model, {{0, kFloatBits}});
  PlannedLayers linear(loaded, floats);
  Progress progress("sampling a text", "tokens");
  progress.expect(count);
  return sampled_windows(setup.model, linear, seed, count,
                         [&progress](std::uint64_t tokens) { progress.reach(tokens); });
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
  const std::uint64_t seed =
      number_of(values, "seed", 0, std::numeric_limits<std::uint64_t>::max());
  const std::uint64_t count = number_of(values, "tokens", 1, std::uint64_t{1} << 24);
  const TextSetup setup = prepare_text(values);
  if (setup.model.shape.context < 2)
    refuse_text("", "a model with a context of 1 token", "at least 2: one to predict another from");
  const std::string origin = values.contains("text") ? values["text"].as<std::string>() : "";
  std::vector<Window> windows;
  if (!origin.empty()) windows = windows_of_file(origin, setup);
  if (values.contains("out")) prepare_directory(values["out"].as<std::string>());

  LoadedModel loaded = load_model(setup, needed_for(setup.model, precisions));
  if (origin.empty()) windows = sampled(setup, loaded, seed, count);
  PerplexityReport report{setup.run, origin, seed, windows.size(), 0, {}};
  for (const Window& window : windows) report.text_tokens += window.size() - 1;
  const auto write = [&](const std::vector<PrecisionScore>& scores) {
    report.scores = scores;
    if (values.contains("out"))
      write_result_text(values["out"].as<std::string>(), perplexity_json(report));
  };
  const auto score = [&] {
    Progress progress("predicting", "tokens");
    progress.expect(report.text_tokens);
    return score_windows(setup.model, loaded, windows, precisions,
                         {[&progress](std::uint64_t tokens) { progress.reach(tokens); }, write});
  };
  const std::vector<PrecisionScore> scores = score();
  report.scores = scores;
  std::cout << perplexity_summary(report);
  return kExitOk;
}

}  // namespace bitloom
