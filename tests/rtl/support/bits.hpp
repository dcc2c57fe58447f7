// SPDX-License-Identifier: Apache-2.0
// Fields of the packed vectors that Verilator makes of wide ports.
#pragma once

#include <verilated.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <boost/multiprecision/cpp_int.hpp>

namespace bitloom::rtl {

using boost::multiprecision::cpp_int;

template <std::integral Port>
bool bit(const Port& port, unsigned index) {
  return ((port >> index) & 1U) != 0;
}

template <std::size_t Words>
bool bit(const VlWide<Words>& port, unsigned index) {
  return ((port.at(index / 32) >> (index % 32)) & 1U) != 0;
}

template <std::integral Port>
void set_bit(Port& port, unsigned index, bool value) {
  const auto mask = static_cast<Port>(Port{1} << index);
  port = static_cast<Port>(value ? port | mask : port & static_cast<Port>(~mask));
}

template <std::size_t Words>
void set_bit(VlWide<Words>& port, unsigned index, bool value) {
  EData& word = port.at(index / 32);
  set_bit(word, index % 32, value);
}

/// `width` bits (at most 64) of `port` from bit `low`, as an unsigned number.
template <class Port>
std::uint64_t get(const Port& port, unsigned low, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{bit(port, low + i)} << i;
  return value;
}

/// The same bits as a number in two's complement.
template <class Port>
std::int64_t get_signed(const Port& port, unsigned low, unsigned width) {
  std::uint64_t value = get(port, low, width);
  const std::uint64_t sign = bit(port, low + width - 1) ? 1 : 0;
  for (unsigned i = width; i < 64; ++i) value |= sign << i;
  return static_cast<std::int64_t>(value);
}

/// Any number of bits in two's complement, exactly.
template <class Port>
cpp_int get_exact(const Port& port, unsigned low, unsigned width) {
  cpp_int value = 0;
  for (unsigned i = 0; i + 1 < width; ++i) {
    if (bit(port, low + i)) boost::multiprecision::bit_set(value, i);
  }
  if (bit(port, low + width - 1)) value -= cpp_int(1) << (width - 1);
  return value;
}

/// Writes the low `width` bits of `value`, a number of either sign.
template <class Port, std::integral Value>
void set(Port& port, unsigned low, unsigned width, Value value) {
  const auto bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  for (unsigned i = 0; i < width; ++i) set_bit(port, low + i, ((bits >> i) & 1U) != 0);
}

template <class Port>
void set(Port& port, unsigned low, unsigned width, const cpp_int& value) {
  const cpp_int bits = value < 0 ? value + (cpp_int(1) << width) : value;
  for (unsigned i = 0; i < width; ++i) {
    set_bit(port, low + i, boost::multiprecision::bit_test(bits, i));
  }
}

}  // namespace bitloom::rtl
