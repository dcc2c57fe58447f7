// SPDX-License-Identifier: Apache-2.0
// Command lines: Boost.Program_options with errors that name the nearest option.
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/rtl/rtl_device.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

using Arguments = std::vector<std::string>;
using OptionValues = boost::program_options::variables_map;

/// Parses `arguments`; throws Error usage for an unknown, repeated, valueless or missing option or
/// a value of the wrong type. No abbreviations.
OptionValues parse_options(const std::string& command, const Arguments& arguments,
                           const boost::program_options::options_description& options);

/// The value of option `name`, a decimal number in [least, most]. Throws Error usage for anything
/// else, a sign or a trailing character included.
std::uint64_t number_of(const OptionValues& values, const std::string& name, std::uint64_t least,
                        std::uint64_t most);

/// The value of option `name`, a decimal number in [least, most] that may have a fraction. Throws
/// Error usage.
double real_of(const OptionValues& values, const std::string& name, double least, double most);

/// The --repeat of a command line: 0, or a number of calls that has a steady state. Throws Error
/// usage.
std::uint32_t repeat_of(const OptionValues& values);

/// The --bits of a command line; which of them a layer serves is the layer's matter.
unsigned bits_of(const OptionValues& values);

/// The --out-dtype of a command line. Throws Error usage.
inline constexpr const char* kDtypeHelp = "type of the outputs: f32 or f16";
OutputFormat format_of(const OptionValues& values);

/// The mode that option `name` gives, and the --group-size (0 for "row"), where they are given.
/// Throw Error usage.
std::optional<Mode> mode_of(const OptionValues& values, const char* name = "mode");
std::optional<std::uint32_t> group_size_of(const OptionValues& values);

/// Most tokens of --tokens: their activations stand in memory.
inline constexpr std::uint32_t kMostTokens = 65536;

/// The --tokens of a command line. Throws Error usage.
std::uint32_t tokens_of(const OptionValues& values);

/// The options of the simulator: --design.
inline constexpr const char* kDesignHelp =
    "file list of another design to simulate; default: rtl/files.f";
RtlOptions rtl_options(const OptionValues& values);

/// "golden,cuda" as a list; "none" as the empty one. Throws Error usage for an empty text or item.
std::vector<std::string> parse_checks(const std::string& text);

}  // namespace bitloom
