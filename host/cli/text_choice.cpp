// SPDX-License-Identifier: Apache-2.0
#include "host/cli/text_choice.hpp"

#include <fmt/format.h>

#include <limits>

#include "host/cli/progress.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

// Its tokens stand in memory.
constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 26;

[[noreturn]] void refuse_text(const std::string& path, const std::string& found,
                              const std::string& expected) {
  throw Error(ErrorCode::usage, {"--text " + path, found, expected, "Give another text."});
}

std::vector<Window> windows_of_file(const std::string& path, const LanguageModel& language) {
  const InputFile file(path);
  if (file.size() > kMostTextBytes)
    refuse_text(path, fmt::format("{} bytes", file.size()),
                fmt::format("at most {}", kMostTextBytes));
  const std::vector<Token> tokens = language.tokenizer.encode(file.text());
  std::vector<Window> windows =
      windows_of(tokens, language.tokenizer.marks(), language.model.shape.context);
  if (windows.empty()) refuse_text(path, "no tokens to predict", "a text");
  return windows;
}

}  // namespace

void add_text_choice(po::options_description& options) {
  options.add_options()  //
      ("text", po::value<std::string>(),
       "text file; default: stories sampled from the unquantized model")  //
      ("tokens", po::value<std::string>()->default_value("1000"),
       "tokens to sample where no text is given")  //
      ("seed", po::value<std::string>()->default_value("1"), "seed of the sampled text");
}

TextChoice choose_text(const OptionValues& values, const LanguageModel& language) {
  TextChoice choice;
  choice.seed = number_of(values, "seed", 0, std::numeric_limits<std::uint64_t>::max());
  choice.count = number_of(values, "tokens", 1, std::uint64_t{1} << 24);
  if (values.contains("text")) choice.file = values["text"].as<std::string>();
  if (language.model.shape.context < 2)
    refuse_text("", "a model with a context of 1 token", "at least 2: one to predict another from");
  if (choice.file.empty() && !language.tokenizer.marks().begin)
    refuse_text("", "a tokenizer without a begin token, from which a text could be sampled",
                "a text");
  if (!choice.file.empty()) choice.windows = windows_of_file(choice.file, language);
  return choice;
}

std::vector<Window> windows_of(const TextChoice& choice, const LanguageModel& language,
                               LoadedModel& loaded) {
  if (!choice.file.empty()) return choice.windows;
  const PrecisionPlan floats(language.model, {{0, kFloatBits}});
  PlannedLayers linear(loaded, floats);
  Progress progress("sampling a text", "tokens");
  progress.expect(choice.count);
  return sampled_windows(language.model, language.tokenizer.marks(), linear, choice.seed,
                         choice.count,
                         [&progress](std::uint64_t tokens) { progress.reach(tokens); });
}

std::uint64_t predicted_tokens(const std::vector<Window>& windows) {
  std::uint64_t tokens = 0;
  for (const Window& window : windows) tokens += window.size() - 1;
  return tokens;
}

}  // namespace bitloom
