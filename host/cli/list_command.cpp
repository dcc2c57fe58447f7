// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/models/models.hpp"
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
  text += fmt::format("\nconfigurations: {}\n", fmt::join(configuration_names(), ", "));
  return text;
}

}  // namespace

int list_command(const Arguments& arguments) {
  po::options_description description("bitloom list: the layers and configurations known by name");
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
