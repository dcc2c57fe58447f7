// SPDX-License-Identifier: Apache-2.0
// The words for modes, group sizes and output types: in options, results and names of folders.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "sw/layer/layer.hpp"

namespace bitloom {

template <class Value>
struct Named {
  const char* name;
  Value value;
};

inline constexpr std::array kModeNames = {Named<Mode>{"bcq", Mode::bcq},
                                          Named<Mode>{"codebook", Mode::codebook}};

/// 0 is one group per row.
inline constexpr std::array kGroupSizeNames = {
    Named<std::uint32_t>{"32", 32}, Named<std::uint32_t>{"64", 64},
    Named<std::uint32_t>{"128", 128}, Named<std::uint32_t>{"256", 256},
    Named<std::uint32_t>{"row", 0}};

inline constexpr std::array kFormatNames = {Named<OutputFormat>{"f32", OutputFormat::binary32},
                                            Named<OutputFormat>{"f16", OutputFormat::binary16}};

/// The name of a value in a table above.
template <class Value, std::size_t count>
std::string name_in(const std::array<Named<Value>, count>& names, Value value) {
  for (const Named<Value>& named : names)
    if (named.value == value) return named.name;
  return "?";
}

}  // namespace bitloom
