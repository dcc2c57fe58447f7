// SPDX-License-Identifier: Apache-2.0
#include "host/cli/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <sstream>

#include "host/runtime/calls.hpp"
#include "host/runtime/names.hpp"
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

// The value that option `name` names. Throws Error usage for a text that names none.
template <class Value, std::size_t count>
Value value_in(const std::array<Named<Value>, count>& names, const OptionValues& values,
               const char* name) {
  const auto& text = values[name].as<std::string>();
  std::vector<std::string> expected;
  for (const Named<Value>& named : names) {
    if (text == named.name) return named.value;
    expected.emplace_back(named.name);
  }
  throw Error(ErrorCode::usage,
              {std::string("--") + name, "\"" + text + "\"",
               fmt::format("{}", fmt::join(expected, " or ")), "Choose one of these."});
}

template <class Number>
Number parsed_number(const OptionValues& values, const std::string& name, Number least, Number most,
                     const char* what) {
  const auto& text = values[name].as<std::string>();
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure == std::errc() && stop == end && number >= least && number <= most) return number;
  throw Error(ErrorCode::usage,
              {"--" + name, "\"" + text + "\"", fmt::format("{} from {} to {}", what, least, most),
               "Give such a number."});
}

// "--name=" as "--name" and an empty value, which the option's own check then refuses by its words.
Arguments with_empty_values(const Arguments& arguments) {
  Arguments result;
  for (const std::string& argument : arguments) {
    const bool empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    result.push_back(empty ? argument.substr(0, argument.size() - 1) : argument);
    if (empty) result.emplace_back();
  }
  return result;
}

}  // namespace

OptionValues parse_options(const std::string& command, const Arguments& arguments,
                           const po::options_description& options) {
  OptionValues values;
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    const po::positional_options_description no_positionals;
    po::store(po::command_line_parser(with_empty_values(arguments))
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

std::uint64_t number_of(const OptionValues& values, const std::string& name, std::uint64_t least,
                        std::uint64_t most) {
  return parsed_number(values, name, least, most, "a whole number");
}

double real_of(const OptionValues& values, const std::string& name, double least, double most) {
  return parsed_number(values, name, least, most, "a number");
}

std::uint32_t repeat_of(const OptionValues& values) {
  const std::uint64_t count = number_of(values, "repeat", 0, kMostRepeats);
  if (count != 0 && count < kFewestRepeats)
    throw Error(ErrorCode::usage,
                {"--repeat", std::to_string(count),
                 fmt::format("0 for none, or {} to {} calls", kFewestRepeats, kMostRepeats),
                 "The first call is left out of the measure: ask for more."});
  return static_cast<std::uint32_t>(count);
}

unsigned bits_of(const OptionValues& values) {
  return static_cast<unsigned>(number_of(values, "bits", 0, std::numeric_limits<unsigned>::max()));
}

OutputFormat format_of(const OptionValues& values) {
  return value_in(kFormatNames, values, "out-dtype");
}

std::optional<Mode> mode_of(const OptionValues& values, const char* name) {
  if (!values.contains(name)) return std::nullopt;
  return value_in(kModeNames, values, name);
}

std::optional<std::uint32_t> group_size_of(const OptionValues& values) {
  if (!values.contains("group-size")) return std::nullopt;
  return value_in(kGroupSizeNames, values, "group-size");
}

std::uint32_t tokens_of(const OptionValues& values) {
  return static_cast<std::uint32_t>(number_of(values, "tokens", 1, kMostTokens));
}

RtlOptions rtl_options(const OptionValues& values) {
  RtlOptions options;
  if (!values.contains("design")) return options;
  const std::filesystem::path list = values["design"].as<std::string>();
  if (!std::filesystem::is_regular_file(list))
    throw Error(ErrorCode::io_read,
                {list.string(), "no such file", "a file list like rtl/files.f", "Check the path."});
  options.worker.rtl_list = list;
  return options;
}

std::vector<std::string> parse_checks(const std::string& text) {
  if (text == "none") return {};
  std::vector<std::string> checks;
  std::istringstream stream(text + ",");  // a last item is empty only if the text ends with ','
  for (std::string item; std::getline(stream, item, ',');) {
    if (item.empty())
      throw Error(ErrorCode::usage,
                  {"--check", "\"" + text + "\"", "backends separated by commas, or none",
                   "For example --check golden,cuda; --check none compares with nothing."});
    checks.push_back(item);
  }
  return checks;
}

}  // namespace bitloom
