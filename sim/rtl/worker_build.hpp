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
  std::filesystem::path source;     ///< of design and testbench; empty = the tree built from
  std::filesystem::path rtl_list;   ///< file list of the design; empty = the tree's rtl/files.f
  std::function<void(std::string_view)> notice;  ///< told before a build, which takes a while
};

struct WorkerExecutable {
  std::filesystem::path path;
  std::string hash;  ///< SHA-256 of everything that the executable depends on
};

/// The key of a worker in the cache: SHA-256 over the hardware part, the design, the testbench, the
/// tables of registers and descriptors with their generator, the versions of Verilator and the
/// compiler, flags, the processor and whether the design counts what runs (make coverage). Throws
/// Error rtl_build when a tool is missing.
std::string worker_hash(const HardwareConfig& hardware, const WorkerOptions& options);

/// The worker of a hardware configuration, built first when it is not in the cache. Processes that
/// ask for the same worker at once build it once. Throws Error rtl_build that names the missing
/// tool, the folder that cannot be written, or the log and its end.
WorkerExecutable ensure_worker(const HardwareConfig& hardware, const WorkerOptions& options);

}  // namespace bitloom::sim
