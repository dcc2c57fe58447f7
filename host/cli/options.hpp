// SPDX-License-Identifier: Apache-2.0
// Command lines: Boost.Program_options with errors that name the nearest option.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

namespace bitloom {

using Arguments = std::vector<std::string>;
using OptionValues = boost::program_options::variables_map;

/// Parses `arguments`; throws Error usage for an unknown, repeated, valueless or missing option or
/// a value of the wrong type. No abbreviations.
OptionValues parse_options(const std::string& command, const Arguments& arguments,
                           const boost::program_options::options_description& options);

/// "golden,cuda" as a list; "none" as the empty one. Throws Error usage for an empty item.
std::vector<std::string> parse_checks(const std::string& text);

}  // namespace bitloom
