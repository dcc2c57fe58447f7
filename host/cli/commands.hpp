// SPDX-License-Identifier: Apache-2.0
// The subcommands of `bitloom`. Each takes the arguments behind its name and returns the exit code;
// bad input and device faults come as Error (docs/cli.md).
#pragma once

#include "host/cli/options.hpp"

namespace bitloom {

inline constexpr int kExitOk = 0;
inline constexpr int kExitMismatch = 1;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitDeviceFault = 3;

int run_command(const Arguments& arguments);
int sim_command(const Arguments& arguments);
int wave_command(const Arguments& arguments);
int list_command(const Arguments& arguments);

}  // namespace bitloom
