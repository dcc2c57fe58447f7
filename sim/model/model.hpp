// SPDX-License-Identifier: Apache-2.0
// The Verilated top and access to its wide ports, whatever their width.
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

/// Bytes of one beat of the memory ports. Verilator holds a port in the smallest of 8, 16, 32, 64
/// bits or whole 32-bit words, so this equals the port's width for every channel width (64 to
/// 1024).
inline constexpr std::uint32_t kBeatBytes =
    sizeof(std::remove_reference_t<decltype(Vbl_top::mem_rdata_i)>);

/// Puts a beat on a port; byte 0 is the least significant.
template <typename Port>
void put_beat(Port& port, const std::uint8_t* from) {
  static_assert(sizeof(Port) == kBeatBytes);
  std::memcpy(&port, from, kBeatBytes);
}

/// Takes a beat from a port.
template <typename Port>
void get_beat(const Port& port, std::uint8_t* to) {
  static_assert(sizeof(Port) == kBeatBytes);
  std::memcpy(to, &port, kBeatBytes);
}

/// Strobe bits of a beat, bit i for byte i.
using Strobes = std::uint8_t[(kBeatBytes + 7) / 8];

template <typename Port>
void get_strobes(const Port& port, Strobes& to) {
  static_assert(sizeof(Port) >= sizeof(Strobes));
  std::memcpy(&to, &port, sizeof(Strobes));
}

}  // namespace bitloom::sim
