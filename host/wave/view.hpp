// SPDX-License-Identifier: Apache-2.0
// A GTKWave view of a waveform of the accelerator: signals grouped by unit along the data path.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bitloom {

/// One signal of the view.
struct ViewSignal {
  std::string name;       ///< below bl_top, as Verilator names it: "u_engine.plane_valid"
  unsigned width = 1;     ///< bits
  bool is_cause = false;  ///< shown by the names of sw/device/device.hpp
};

struct ViewGroup {
  std::string unit;
  std::vector<ViewSignal> signals;
};

/// The groups of the view. All widths are the same in every configuration.
const std::vector<ViewGroup>& wave_view();

/// Writes wave.gtkw, and the names that it shows for causes, beside `wave` (an FST file), so that
/// `gtkwave wave.gtkw` opens both. Returns the save file's path. Throws Error output_path.
std::filesystem::path write_wave_view(const std::filesystem::path& wave);

}  // namespace bitloom
