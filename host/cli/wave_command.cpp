// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <system_error>
#include <utility>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/simulation.hpp"
#include "sim/rtl/wave_view.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

constexpr std::uint64_t kMaxCycle = std::numeric_limits<std::uint64_t>::max();

sim::Observation window_of(const OptionValues& values) {
  sim::Observation window;
  window.from = number_of(values, "from", 0, kMaxCycle);
  window.to = number_of(values, "to", 0, kMaxCycle);
  if (window.from > window.to)
    throw Error(ErrorCode::usage, {"--from, --to", fmt::format("{} and {}", window.from, window.to),
                                   "a first cycle that is not behind the last", "Exchange them."});
  return window;
}

void check_reached(const sim::Observation& window, std::uint64_t cycles) {
  if (window.from < cycles) return;
  throw Error(ErrorCode::usage,
              {"--from", fmt::format("{}", window.from),
               fmt::format("a cycle of the run, which has {}", cycles), "Begin earlier."});
}

// A waveform that holds something: the simulator makes the file before the first cycle.
bool was_dumped(const std::filesystem::path& wave) {
  std::error_code absent;
  const std::uintmax_t bytes = std::filesystem::file_size(wave, absent);
  return !absent && bytes > 0;
}

void print_wave(const std::filesystem::path& wave) {
  std::cout << fmt::format("{:<14}{}\n{:<14}gtkwave {}\n", "waveform", wave.string(), "open with",
                           sim::wave_view_path(wave).string());
}

RunResult simulate_observed(const Simulation& simulation, const std::filesystem::path& wave) {
  std::filesystem::remove(wave);  // of an earlier run
  try {
    RunResult result = simulate(simulation);
    check_reached(simulation.options.rtl.observation, result.simulated_cycles);
    print_wave(wave);
    return result;
  } catch (const std::exception&) {
    // The cycles before a fault are what a waveform is for.
    if (was_dumped(wave)) {
      print_wave(wave);
    } else {
      std::filesystem::remove(wave);
      std::filesystem::remove(sim::wave_view_path(wave));
    }
    throw;
  }
}

}  // namespace

int wave_command(const Arguments& arguments) {
  auto description = simulation_options("bitloom wave: bitloom sim with a waveform of some cycles");
  description.add_options()  //
      ("from", po::value<std::string>()->default_value("0"),
       "first cycle, counted from reset")  //
      ("to", po::value<std::string>()->default_value("2000"), "last cycle");
  const OptionValues values = parse_options("wave", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  if (!is_hardware(values["backend"].as<std::string>()))
    throw Error(ErrorCode::usage, {"--backend", values["backend"].as<std::string>(), "rtl",
                                   "Only hardware has waveforms."});
  sim::Observation window = window_of(values);
  Simulation simulation = prepare_simulation(values);
  const std::filesystem::path wave = simulation.directory / "wave.fst";
  window.wave_file = wave.string();
  simulation.options.rtl.worker.observe = true;
  simulation.options.rtl.observation = std::move(window);
  return exit_code(simulate_observed(simulation, wave));
}

}  // namespace bitloom
