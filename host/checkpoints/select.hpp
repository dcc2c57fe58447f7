// SPDX-License-Identifier: Apache-2.0
// Layers chosen by a pattern of their names.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bitloom {

/// The indices, ascending, of the names that a shell pattern matches: * any text, dots included; ?
/// one character; [abc] one of these. Throws Error layer_name when it matches none.
std::vector<std::size_t> select_layers(const std::vector<std::string>& names,
                                       const std::string& pattern);

}  // namespace bitloom
