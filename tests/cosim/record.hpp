// SPDX-License-Identifier: Apache-2.0
// What a campaign prints and records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/cosim/machines.hpp"
#include "tests/cosim/state.hpp"

namespace bitloom::cosim {

/// A markdown table: a row per configuration, the keys in which they differ.
std::string machines_table(const std::vector<Machine>& machines);

/// Every feature, with the layers that hit it and whether that is less than `minimum`.
std::string coverage_table(const State& state, std::uint64_t minimum);

/// The features that too few layers hit.
std::vector<std::string> missing_features(const State& state, std::uint64_t minimum);

/// The whole record in markdown.
std::string record(const State& state, const std::vector<Machine>& machines, std::uint64_t minimum,
                   const std::string& command);

}  // namespace bitloom::cosim
