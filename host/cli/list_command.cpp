// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/models/models.hpp"
#include "host/runtime/names.hpp"
#include "sw/config/config.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

nlohmann::ordered_json models_json() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ModelShape& model : models())
    for (const ModelLayer& layer : model.layers)
      list.push_back({{"layer", layer.name},
                      {"model", model.title},
                      {"m", layer.m},
                      {"k", layer.k},
                      {"count", layer.count}});
  return list;
}

std::string models_table() {
  std::string text = fmt::format("{:<26}{:>10}{:>10}{:>8}{:>16}\n", "layer", "M (out)", "K (in)",
                                 "count", "weights each");
  for (const ModelShape& model : models()) {
    text += fmt::format("\n{}, {} blocks\n", model.title, model.blocks);
    for (const ModelLayer& layer : model.layers)
      text += fmt::format("{:<26}{:>10}{:>10}{:>8}{:>16}\n", layer.name, layer.m, layer.k,
                          layer.count, std::uint64_t{layer.m} * layer.k);
  }
  const auto names_in = [](const auto& table) {
    std::vector<std::string> names;
    for (const auto& named : table) names.emplace_back(named.name);
    return fmt::format("{}", fmt::join(names, ", "));
  };
  text += fmt::format("\n{:<16}{}\n", "configurations", fmt::join(configuration_names(), ", "));
  text += fmt::format("{:<16}{}\n", "modes", names_in(kModeNames));
  text += fmt::format("{:<16}{}\n", "group sizes", names_in(kGroupSizeNames));
  text += fmt::format("{:<16}{}\n", "output types", names_in(kFormatNames));
  return text;
}

}  // namespace

int list_command(const Arguments& arguments) {
  po::options_description description(
      "bitloom list: the layers, configurations and modes known by name");
  description.add_options()("json", "print JSON")("help", "print this text");
  const OptionValues values = parse_options("list", arguments, description);
  if (values.contains("help"))
    std::cout << description;
  else if (values.contains("json"))
    std::cout << models_json().dump(2) << "\n";
  else
    std::cout << models_table();
  return kExitOk;
}

}  // namespace bitloom
