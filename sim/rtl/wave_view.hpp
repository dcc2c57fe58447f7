// SPDX-License-Identifier: Apache-2.0
// The GTKWave view that comes with every waveform (docs/waves.md).
#pragma once

#include <filesystem>

#include "gen/config.hpp"

namespace bitloom::sim {

/// Where the view of a dump is: the dump's path with the extension ".gtkw".
std::filesystem::path wave_view_path(const std::filesystem::path& dump);

/// Writes the view, with the main signals grouped by unit along the data path, and beside it the
/// files that turn enumerations into names. Throws Error output_path when it cannot.
void write_wave_view(const std::filesystem::path& dump, const HardwareConfig& hardware);

}  // namespace bitloom::sim
