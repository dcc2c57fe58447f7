// SPDX-License-Identifier: Apache-2.0
// A batch of the co-simulation campaign: random layers of every mode, queued back to back on one
// machine behind one random memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cosim/machines.hpp"

namespace bitloom::cosim {

inline constexpr std::uint32_t kBatchLayers = 10;

/// What a batch follows from, apart from the design.
struct BatchKey {
  std::uint64_t seed = 0;
  Machine machine;
  std::uint64_t batch = 0;  ///< of this machine
};

struct Design {
  std::filesystem::path rtl_list;  ///< empty: the tree's
  std::function<void(std::string_view)> notice;
};

struct LayerReport {
  std::string layer;    ///< its parameters
  std::string problem;  ///< one line; empty when every output and NaN flag is as expected
};

struct BatchReport {
  std::string memory;  ///< its parameters
  std::vector<LayerReport> layers;
  std::uint64_t outputs = 0;                      ///< compared
  std::map<std::string, std::uint64_t> coverage;  ///< layers by feature
};

/// The features that layers on the machine can hit, none hit so far.
std::map<std::string, std::uint64_t> no_coverage(const Machine& machine);

/// Runs the batch; every output is compared with cpu, and with golden where that is quick. Throws
/// Error rtl_build when there is no worker; whatever else happens to a layer is its problem.
BatchReport run_batch(const BatchKey& key, const Design& design);

/// Names the design and the testbench: different where a result may be.
std::string design_hash(const Machine& machine, const Design& design);

}  // namespace bitloom::cosim
