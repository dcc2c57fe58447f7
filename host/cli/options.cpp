// SPDX-License-Identifier: Apache-2.0
#include "host/cli/options.hpp"

#include <fmt/format.h>

#include <sstream>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

std::vector<std::string> option_names(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return names;
}

[[noreturn]] void usage_error(const std::string& command, const std::string& found,
                              const std::string& expected, const std::string& advice) {
  throw Error(ErrorCode::usage, {"bitloom " + command, found, expected, advice});
}

std::string see_help(const std::string& command) {
  return fmt::format("`bitloom {} --help` lists the options.", command);
}

}  // namespace

OptionValues parse_options(const std::string& command, const Arguments& arguments,
                           const po::options_description& options) {
  OptionValues values;
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    const po::positional_options_description no_positionals;
    po::store(po::command_line_parser(arguments)
                  .options(options)
                  .positional(no_positionals)
                  .style(style)
                  .run(),
              values);
    if (!values.contains("help")) po::notify(values);
  } catch (const po::unknown_option& error) {
    usage_error(
        command, "option " + error.get_option_name(), "a known option",
        fmt::format("Nearest: {}.", nearest_list(error.get_option_name(), option_names(options))));
  } catch (const po::required_option& error) {
    usage_error(command, "no option " + error.get_option_name(), "a value for it",
                see_help(command));
  } catch (const po::error& error) {
    usage_error(command, error.what(), "options with valid values", see_help(command));
  }
  return values;
}

std::vector<std::string> parse_checks(const std::string& text) {
  std::vector<std::string> checks;
  if (text == "none") return checks;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) checks.push_back(item);
  for (const std::string& check : checks)
    if (check.empty())
      usage_error("--check", "\"" + text + "\"", "backends separated by commas, or none",
                  "For example --check golden,cuda.");
  return checks;
}

}  // namespace bitloom
