// SPDX-License-Identifier: Apache-2.0
// Words in the byte order of every file that this folder reads and writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitloom {

/// The unsigned word number `index` of `bytes`, the least significant byte first;
/// (index + 1) * sizeof(Word) <= bytes.size().
template <typename Word>
Word little_endian_word(std::span<const std::uint8_t> bytes, std::size_t index) {
  Word word = 0;
  for (std::size_t i = 0; i < sizeof(Word); ++i)
    word = static_cast<Word>(word |
                             static_cast<Word>(Word{bytes[index * sizeof(Word) + i]} << (8 * i)));
  return word;
}

/// Appends the bytes of an unsigned word, the least significant first.
template <typename Word>
void append_word(std::vector<std::uint8_t>& bytes, Word word) {
  for (std::size_t i = 0; i < sizeof(Word); ++i)
    bytes.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
}

}  // namespace bitloom
