// SPDX-License-Identifier: Apache-2.0
// The characters of a text, and the names that vocabularies with byte fallback give to bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace bitloom {

inline constexpr unsigned kByteCount = 256;
inline constexpr std::size_t kMostBytes = 4;  ///< of a character
/// U+2581, which SentencePiece writes for a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// "<0x0A>".
inline std::string byte_name(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4U] + kDigits[byte & 15U] + ">";
}

/// The length in bytes of the character of UTF-8 at the beginning of `text`, which is not empty:
/// a byte and as many behind it as it announces, as far as these continue a character.
inline std::size_t character_length(std::string_view text) {
  const int announced = std::countl_one(static_cast<unsigned char>(text.front()));
  std::size_t length = 1;
  while (length < text.size() && std::cmp_less(length, announced) && length < kMostBytes &&
         (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U)
    ++length;
  return length;
}

/// `text` with every `from` (not empty) replaced by `to`.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    result.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return result.append(text);
}

}  // namespace bitloom
