// SPDX-License-Identifier: Apache-2.0
// The exit codes of `bitloom` (docs/cli.md).
#pragma once

#include "host/runtime/run.hpp"
#include "sw/error/error.hpp"

namespace bitloom {

inline constexpr int kExitOk = 0;
inline constexpr int kExitMismatch = 1;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitDeviceFault = 3;

/// Of a run that came to its end.
int exit_code(const RunResult& result);

/// Of an error: that of a device that failed on valid input, or bad input.
int exit_code(ErrorCode code);

}  // namespace bitloom
