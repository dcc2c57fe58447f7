// SPDX-License-Identifier: Apache-2.0
// binary16 values as the little-endian bytes of a tensor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/io/little_endian.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

inline std::vector<Half> halves_of(std::span<const std::uint8_t> bytes) {
  std::vector<Half> values(bytes.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = Half{little_endian_word<std::uint16_t>(bytes, i)};
  return values;
}

inline std::vector<std::uint8_t> bytes_of(std::span<const Half> values) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size() * 2);
  for (const Half value : values) append_word(bytes, value.bits);
  return bytes;
}

}  // namespace bitloom
