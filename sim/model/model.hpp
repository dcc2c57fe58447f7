// SPDX-License-Identifier: Apache-2.0
// The Verilated top and access to its ports, whatever their width. Verilator holds a port in the
// smallest of 8, 16, 32, 64 bits or whole 32-bit words, and the host is little-endian: so in every
// case bit i of a port is bit i % 8 of its byte i / 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <systemc>
#include <type_traits>

// Verilator's headers look for SystemC's clock in the global namespace once SystemC is included.
using sc_core::sc_time_stamp;  // NOLINT(misc-unused-using-decls)

#include "Vbl_top.h"

namespace bitloom::sim {

template <typename Port>
inline constexpr std::uint32_t kPortBytes = sizeof(std::remove_reference_t<Port>);

/// Bytes of one beat of the memory ports: 8 to 64, so it fills the port of the one write channel.
inline constexpr std::uint32_t kBeatBytes = kPortBytes<decltype(Vbl_top::mem_wdata_o)>;
inline constexpr std::uint32_t kReadChannels =
    kPortBytes<decltype(Vbl_top::mem_rdata_i)> / kBeatBytes;

/// A port that holds fields of `Width` bits side by side, one per channel: field `channel`.
template <unsigned Width, typename Port>
std::uint64_t get_channel(const Port& port, unsigned channel) {
  static_assert(Width <= 8 || Width % 8 == 0);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&port);
  if constexpr (Width % 8 == 0) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes + std::size_t{channel} * (Width / 8), Width / 8);
    return value;
  } else {
    const unsigned first = channel * Width;
    unsigned two = bytes[first / 8];
    if (first % 8 + Width > 8) two |= unsigned{bytes[first / 8 + 1]} << 8;
    return (two >> (first % 8)) & ((1U << Width) - 1);
  }
}

/// Sets such a field; narrow ones must not straddle bytes.
template <unsigned Width, typename Port>
void set_channel(Port& port, unsigned channel, unsigned value) {
  static_assert(Width < 8 && 8 % Width == 0);
  auto* bytes = reinterpret_cast<std::uint8_t*>(&port);
  const unsigned first = channel * Width;
  const unsigned mask = ((1U << Width) - 1) << (first % 8);
  std::uint8_t& byte = bytes[first / 8];
  byte = static_cast<std::uint8_t>((byte & ~mask) | (value << (first % 8)));
}

/// Puts a beat on a channel of a port; byte 0 is the least significant.
template <typename Port>
void put_beat(Port& port, unsigned channel, const std::uint8_t* from) {
  std::memcpy(reinterpret_cast<std::uint8_t*>(&port) + std::size_t{channel} * kBeatBytes, from,
              kBeatBytes);
}

/// Takes a beat from the port of the write channel.
template <typename Port>
void get_beat(const Port& port, std::uint8_t* to) {
  static_assert(sizeof(Port) == kBeatBytes);
  std::memcpy(to, &port, kBeatBytes);
}

/// Strobe bits of a beat, bit i for byte i.
using Strobes = std::uint8_t[kBeatBytes / 8];

template <typename Port>
void get_strobes(const Port& port, Strobes& to) {
  static_assert(sizeof(Port) >= sizeof(Strobes));
  std::memcpy(&to, &port, sizeof(Strobes));
}

}  // namespace bitloom::sim
