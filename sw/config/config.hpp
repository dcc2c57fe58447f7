// SPDX-License-Identifier: Apache-2.0
// Configurations: the named ones, which are built in, and complete files of the same form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gen/config.hpp"

namespace bitloom {

/// A configuration by name ("edge"), or from a file when the argument ends in ".json". Throws Error
/// (BL-CFG-*) that names file, key, found and expected.
Config load_config(std::string_view name_or_path);

/// The built-in configurations in alphabetical order.
std::vector<std::string> configuration_names();

/// The largest value that a file may give an integer key of the hardware part. Throws
/// std::out_of_range when there is no such key.
std::uint32_t largest_value(std::string_view hardware_key);

/// The hardware part in one canonical spelling: equal texts elaborate to the same machine.
std::string hardware_json(const HardwareConfig& hardware);

/// SHA-256 of hardware_json(), 64 hexadecimal digits; it names a Verilated build.
std::string hardware_hash(const HardwareConfig& hardware);

}  // namespace bitloom
