// SPDX-License-Identifier: Apache-2.0
// Many names in one message.
#pragma once

#include <string>

#include "sw/error/error.hpp"

namespace bitloom {

/// "a, b, c" of all `names` (a range of strings), as quotation() makes them harmless, without
/// quotes where they need none.
template <class Names>
std::string name_list(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    const std::string quoted = quotation(name);
    const bool plain = quoted.size() == name.size() + 2;
    text += (text.empty() ? "" : ", ") + (plain ? name : quoted);
  }
  return text;
}

}  // namespace bitloom
