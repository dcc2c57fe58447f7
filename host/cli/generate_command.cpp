// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <optional>
#include <utility>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/result_file.hpp"
#include "host/cli/run_directory.hpp"
#include "host/cli/text_setup.hpp"
#include "host/generation/generate.hpp"
#include "host/generation/generation_tables.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

// Tokens to generate where no number is asked for and the context takes as many.
constexpr std::uint64_t kUsualTokens = 100;

po::options_description generate_options() {
  po::options_description options =
      text_options("bitloom generate: a text by a model whose linear layers run on a backend");
  options.add_options()  //
      ("bits", po::value<std::string>(),
       "precision: 1 to 8, or 16 for unquantized layers; default: 4")  //
      ("bits-schedule", po::value<std::string>(),
       "TOKEN:BITS,...: precisions from generated tokens on, for example 0:2,20:4")  //
      ("layer-bits", po::value<std::string>(),
       "PATTERN=BITS,...: precisions of layers by name, for example 'classifier=8,*.w2=4'")  //
      ("prompt", po::value<std::string>()->default_value(""), "text to continue")            //
      ("tokens", po::value<std::string>(),
       "most tokens to generate; default: 100, or what the context takes")  //
      ("temperature", po::value<std::string>()->default_value("0"),
       "0 = always the most probable token, 1 = the model's distribution")  //
      ("top-p", po::value<std::string>()->default_value("1"),
       "draw from the fewest tokens of that much probability")  //
      ("seed", po::value<std::string>()->default_value("1"), "seed of the draws");
  return options;
}

PrecisionPlan plan_of(const OptionValues& values, const FloatModel& model) {
  if (values.contains("bits") && values.contains("bits-schedule"))
    throw Error(ErrorCode::usage, {"--bits-schedule", "given together with --bits",
                                   "one of the two", "Start the schedule with 0:BITS."});
  const auto text = [&values](const char* name) { return values[name].as<std::string>(); };
  std::vector<ScheduleStep> schedule = {{0, 4}};
  if (values.contains("bits")) schedule = {{0, parse_precision("--bits", text("bits"))}};
  if (values.contains("bits-schedule"))
    schedule = parse_schedule("--bits-schedule", text("bits-schedule"));
  std::vector<LayerRule> rules;
  if (values.contains("layer-bits")) rules = parse_layer_rules("--layer-bits", text("layer-bits"));
  return {model, std::move(schedule), std::move(rules)};
}

SamplerOptions sampling_of(const OptionValues& values) {
  // Beyond these a temperature is as good as infinite, and a share as good as none.
  return {.temperature = real_of(values, "temperature", 0, 1e6),
          .top_p = real_of(values, "top-p", 1e-9, 1),
          .seed = number_of(values, "seed", 0, std::numeric_limits<std::uint64_t>::max())};
}

// The last token generated is not put in again, so that one more than the context fits.
std::uint32_t tokens_within(const OptionValues& values, std::size_t prompt_tokens,
                            std::uint32_t context) {
  const std::uint64_t most = std::uint64_t{context} + 1;
  const std::uint64_t tokens =
      values.contains("tokens")
          ? number_of(values, "tokens", 1, std::numeric_limits<std::uint32_t>::max())
          : std::min<std::uint64_t>(kUsualTokens, most - std::min(most - 1, prompt_tokens));
  if (prompt_tokens + tokens > most)
    throw Error(ErrorCode::usage,
                {"--tokens and --prompt",
                 fmt::format("{} tokens of prompt and {} more", prompt_tokens, tokens),
                 fmt::format("at most {} in all, the model's context and one", most),
                 "Ask for fewer tokens, or shorten the prompt."});
  return static_cast<std::uint32_t>(tokens);
}

// What a terminal should not act upon is left out.
std::string printable(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7F) || c == '\n' || c == '\t') kept += c;
  }
  return kept;
}

// Prints a text as it comes; the line ends with the object, whatever is thrown.
class Printer {
 public:
  explicit Printer(const std::string& prompt) { print(prompt); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;
  ~Printer() { std::cout << "\n" << std::flush; }

  void print(const std::string& text) const { std::cout << printable(text) << std::flush; }
};

}  // namespace

int generate_command(const Arguments& arguments) {
  const po::options_description description = generate_options();
  const OptionValues values = parse_options("generate", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const SamplerOptions sampling = sampling_of(values);
  TextSetup setup = prepare_text(values);
  const FloatModel& model = setup.language.model;
  const Tokenizer& tokenizer = setup.language.tokenizer;
  const PrecisionPlan plan = plan_of(values, model);
  if (setup.run.weights.empty()) setup.run.precisions = range_of(plan.scheduled());
  const std::string prompt = values["prompt"].as<std::string>();
  const std::vector<Token> prompt_tokens = tokenizer.encode(prompt);
  if (prompt_tokens.empty())
    throw Error(ErrorCode::usage, {"--prompt", "no text, and a tokenizer without a begin token",
                                   "a text to continue", "Give one."});
  const std::uint32_t most = tokens_within(values, prompt_tokens.size(), model.shape.context);
  std::optional<std::filesystem::path> directory;
  if (values.contains("out")) directory = values["out"].as<std::string>();
  if (directory) prepare_directory(*directory);

  LoadedModel loaded = load_model(setup, plan.needed());
  PlannedLayers linear(loaded, plan);
  Sampler sampler(sampling);
  GenerationReport report{setup.run, plan, sampling, prompt, prompt_tokens.size()};
  ResultFile file(directory, [&report] { return generation_json(report); });
  complete(report.outcome, file, [&] {
    const Printer printer(prompt);
    Token previous = prompt_tokens.back();
    const auto progress = [&](const Generation& so_far) {
      const Token token = so_far.tokens.back();
      const std::string piece = tokenizer.decode(std::exchange(previous, token), token);
      report.generation = so_far;
      report.text += piece;
      file.update();
      printer.print(piece);
    };
    report.generation =
        generate(model, tokenizer.marks(), linear, sampler, prompt_tokens, most, progress);
  });
  std::cout << "\n" << generation_summary(report);
  return kExitOk;
}

}  // namespace bitloom
