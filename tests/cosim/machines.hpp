// SPDX-License-Identifier: Apache-2.0
// The hardware configurations of the co-simulation campaign: the named ones, and as many more as it
// takes for every possible pair of values of two keys to occur.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gen/config.hpp"

namespace bitloom::cosim {

struct Machine {
  std::string name;
  HardwareConfig hardware;
};

/// A key of the hardware part and the values that it takes in the campaign; an accumulator of 0 is
/// the exact one.
struct PairwiseKey {
  std::string_view key;
  std::vector<std::uint32_t> values;
};
const std::vector<PairwiseKey>& pairwise_keys();

/// A configuration of the campaign: those values, in the order of pairwise_keys(), and for the
/// other keys sizes that keep builds small.
HardwareConfig pairwise_hardware(const std::vector<std::uint32_t>& values);

/// Whether the rules between keys (docs/configuration.md) admit it.
bool is_possible(const HardwareConfig& hardware);

/// pair-01, pair-02, ...: the same ones in every run. Each pair of values of different keys that
/// the rules admit together occurs in one of them.
std::vector<Machine> pairwise_machines();

/// All configurations of the campaign, small arrays first: these are built sooner.
std::vector<Machine> cosim_machines();

}  // namespace bitloom::cosim
