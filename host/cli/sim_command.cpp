// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/simulation.hpp"

namespace bitloom {

int sim_command(const Arguments& arguments) {
  const auto description =
      simulation_options("bitloom sim: a layer by name on one backend, checked bit for bit");
  const OptionValues values = parse_options("sim", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  return exit_code(simulate(prepare_simulation(values)));
}

}  // namespace bitloom
