// SPDX-License-Identifier: Apache-2.0
// What a run prints.
#pragma once

#include <string>

#include "host/runtime/run.hpp"

namespace bitloom {

/// The lines that a run prints on standard output: what was run, then (where the backend knows
/// cycles) time, bounds, causes, bytes and simulation speed, then accuracy and the verdict.
std::string run_summary(const LayerSource& source, const RunOptions& options,
                        const RunResult& result);

/// 1234567 as "1,234,567".
std::string grouped_digits(std::uint64_t value);

}  // namespace bitloom
