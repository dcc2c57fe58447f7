// SPDX-License-Identifier: Apache-2.0
// What every fuzz target does with its input. Error is what a loader answers bad input with; any
// other exception ends the process, and so do the sanitizers, a limit on time, memory or a single
// allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "sw/error/error.hpp"

namespace bitloom::fuzz {

using Bytes = std::span<const std::uint8_t>;

/// A path to a file in memory with these bytes, the same path for every input.
std::filesystem::path file_of(Bytes bytes);

/// Replaces file `name` of a folder that lasts as long as the process.
std::filesystem::path folder();
void write(const char* name, Bytes bytes);

/// Calls load(), which may refuse the input.
template <class Load>
int run(const Load& load) {
  try {
    load();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace bitloom::fuzz
