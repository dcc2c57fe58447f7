// SPDX-License-Identifier: Apache-2.0
// Tokens as numbers, for what needs to know nothing of their texts.
#pragma once

#include <cstdint>

namespace bitloom {

/// A token: its number in the vocabulary.
using Token = std::uint32_t;

inline constexpr Token kBeginToken = 1;  ///< of a text, BOS
inline constexpr Token kEndToken = 2;    ///< of a text, EOS

}  // namespace bitloom
