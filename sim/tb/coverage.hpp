// SPDX-License-Identifier: Apache-2.0
// What `make coverage` collects (docs/coverage.md): every model of a build with coverage leaves its
// counts in a file beside the executable. In other builds there is nothing to leave.
#pragma once

#include <verilated.h>

#if VM_COVERAGE
#include <unistd.h>
#include <verilated_cov.h>

#include <filesystem>
#include <string>
#endif

namespace bitloom::sim {

/// Call it before the model is destroyed, which its counts are part of.
inline void write_coverage([[maybe_unused]] VerilatedContext& context) {
#if VM_COVERAGE
  static unsigned models = 0;
  context.coveragep()->write((std::filesystem::read_symlink("/proc/self/exe").string() + "." +
                              std::to_string(::getpid()) + "-" + std::to_string(++models) + ".cov")
                                 .c_str());
#endif
}

}  // namespace bitloom::sim
