// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "host/cli/commands.hpp"
#include "host/cli/simulation.hpp"
#include "sim/rtl/wave_view.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

sim::Observation window_of(const OptionValues& values, const std::filesystem::path& wave) {
  sim::Observation window;
  window.from = values["from"].as<std::uint64_t>();
  window.to = values["to"].as<std::uint64_t>();
  window.wave_file = wave.string();
  if (window.from > window.to)
    throw Error(ErrorCode::usage, {"--from, --to", fmt::format("{} and {}", window.from, window.to),
                                   "a first cycle that is not behind the last", "Exchange them."});
  return window;
}

}  // namespace

int wave_command(const Arguments& arguments) {
  auto description = simulation_options("bitloom wave: bitloom sim with a waveform of some cycles");
  description.add_options()                                                                      //
      ("from", po::value<std::uint64_t>()->default_value(0), "first cycle, counted from reset")  //
      ("to", po::value<std::uint64_t>()->default_value(2000), "last cycle");
  const OptionValues values = parse_options("wave", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  if (!is_hardware(values["backend"].as<std::string>()))
    throw Error(ErrorCode::usage, {"--backend", values["backend"].as<std::string>(), "rtl",
                                   "Only hardware has waveforms."});
  Simulation simulation = prepare_simulation(values);
  const std::filesystem::path wave = simulation.directory / "wave.fst";
  simulation.options.device.observation = window_of(values, wave);
  const int exit_code = simulate(simulation);
  std::cout << fmt::format("{:<14}{}\n{:<14}gtkwave {}\n", "waveform", wave.string(), "open with",
                           sim::wave_view_path(wave).string());
  return exit_code;
}

}  // namespace bitloom
