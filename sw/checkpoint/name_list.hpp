// SPDX-License-Identifier: Apache-2.0
// Many names in one message.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "sw/error/error.hpp"

namespace bitloom {

/// Bytes of names in a message: beyond these the rest is only counted.
inline constexpr std::size_t kMostNameBytes = 1 << 14;

/// "a, b, c" of `names` (a range of strings), as quotation() makes them harmless, without quotes
/// where they need none. Those of 32 blocks fit; of more, "a, b, c and 216 more".
template <class Names>
std::string name_list(const Names& names) {
  std::string text;
  std::size_t listed = 0;
  for (const std::string& name : names) {
    if (text.size() > kMostNameBytes)
      return text + fmt::format(" and {} more", names.size() - listed);
    const std::string quoted = quotation(name);
    const bool plain = quoted.size() == name.size() + 2;
    text += (listed++ == 0 ? "" : ", ") + (plain ? name : quoted);
  }
  return text;
}

}  // namespace bitloom
