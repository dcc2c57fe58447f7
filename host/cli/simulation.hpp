// SPDX-License-Identifier: Apache-2.0
// What `bitloom sim` and `bitloom wave` share: a layer by name, its data, a run directory.
#pragma once

#include <filesystem>
#include <string>

#include "host/cli/options.hpp"
#include "host/runtime/run.hpp"

namespace bitloom {

struct Simulation {
  LayerSource source;
  Activations acts;
  RunOptions options;
  Phases phases;
  std::filesystem::path directory;
  bool dump = false;
};

/// The options of both commands.
boost::program_options::options_description simulation_options(const std::string& caption);

/// Makes or reads the layer and the activations and prepares the run directory; refuses whatever
/// can be refused before that directory or any weight is made. Throws Error.
Simulation prepare_simulation(const OptionValues& values);

/// Runs, checks, writes result.json and prints the summary.
RunResult simulate(const Simulation& simulation);

}  // namespace bitloom
