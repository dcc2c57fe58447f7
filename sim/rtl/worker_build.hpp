// SPDX-License-Identifier: Apache-2.0
// Simulation workers on demand: one executable per hardware configuration, cached by what it is
// made of.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "gen/config.hpp"

namespace bitloom::sim {

struct WorkerOptions {
  bool observe = false;             ///< the executable that dumps waves and traces; slower
  std::filesystem::path directory;  ///< of the cache; empty = "worker" in the build folder
  std::filesystem::path rtl_list;   ///< file list of the design; empty = rtl/files.f
  std::function<void(std::string_view)> notice;  ///< told before a build, which takes a while
};

struct WorkerExecutable {
  std::filesystem::path path;
  std::string hash;  ///< SHA-256 of everything that the executable depends on
};

/// The worker of a hardware configuration, built first when it is not in the cache. The key covers
/// the design, the testbench, the hardware part, tools, flags and the processor. Processes that ask
/// for the same worker at once build it once. Throws Error rtl_build with the log's place and end.
WorkerExecutable ensure_worker(const HardwareConfig& hardware, const WorkerOptions& options);

}  // namespace bitloom::sim
