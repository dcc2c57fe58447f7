// SPDX-License-Identifier: Apache-2.0
#include "tests/cosim/options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <limits>
#include <map>

#include "sw/error/error.hpp"
#include "tests/cosim/batch.hpp"

namespace bitloom::cosim {
namespace {

std::uint64_t number(const std::string& option, const std::string& text, std::uint64_t least,
                     std::uint64_t most) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure == std::errc() && stop == end && value >= least && value <= most) return value;
  throw Error(ErrorCode::usage, {option, quotation(text),
                                 fmt::format("a whole number from {} to {}", least, most), ""});
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  Options options;
  using Take = std::function<void(const std::string& option, const std::string& value)>;
  const std::map<std::string, Take> takes = {
      {"--layers", [&](auto& o, auto& v) { options.layers = number(o, v, 1, kMost); }},
      {"--seed", [&](auto& o, auto& v) { options.seed = number(o, v, 0, kMost); }},
      {"--batch", [&](auto& o, auto& v) { options.batch = number(o, v, 0, kMost); }},
      {"--layer", [&](auto& o, auto& v) { options.layer = number(o, v, 0, kBatchLayers - 1); }},
      {"--config", [&](auto&, auto& v) { options.config = v; }},
      {"--state", [&](auto&, auto& v) { options.state = v; }},
      {"--record", [&](auto&, auto& v) { options.record = v; }},
      {"--design", [&](auto&, auto& v) { options.design = v; }}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    if (option == "--list" || option == "--help") {
      (option == "--list" ? options.list : options.help) = true;
      continue;
    }
    const auto take = takes.find(option);
    if (take == takes.end()) {
      std::vector<std::string> names = {"--list", "--help"};
      for (const auto& [name, unused] : takes) names.push_back(name);
      throw Error(ErrorCode::usage, {"bl_cosim", "option " + quotation(option), "a known option",
                                     fmt::format("Nearest: {}.", nearest_list(option, names))});
    }
    if (++i == arguments.size())
      throw Error(ErrorCode::usage, {option, "no value", "a value for it", ""});
    take->second(option, arguments[i]);
  }
  if (options.layer && !options.batch)
    throw Error(ErrorCode::usage, {"--layer", "no --batch", "the batch of the layer", ""});
  if (options.batch && options.config.empty())
    throw Error(ErrorCode::usage, {"--batch", "no --config", "the configuration of the batch", ""});
  if (options.state.empty())
    options.state =
        options.config.empty() ? "build/cosim.json" : "build/cosim-" + options.config + ".json";
  return options;
}

}  // namespace bitloom::cosim
