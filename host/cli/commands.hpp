// SPDX-License-Identifier: Apache-2.0
// The subcommands of `bitloom`. Each takes the arguments behind its name and returns the exit code
// (exit_code.hpp); bad input and device faults come as Error.
#pragma once

#include "host/cli/options.hpp"

namespace bitloom {

int run_command(const Arguments& arguments);
int sim_command(const Arguments& arguments);
int wave_command(const Arguments& arguments);
int generate_command(const Arguments& arguments);
int perplexity_command(const Arguments& arguments);
int calibrate_command(const Arguments& arguments);
int list_command(const Arguments& arguments);
int inspect_command(const Arguments& arguments);
int convert_command(const Arguments& arguments);
int quantize_command(const Arguments& arguments);

}  // namespace bitloom
