// SPDX-License-Identifier: Apache-2.0
// What an address channel may ask for. bl_axi_checker.sv asserts the rules of the whole protocol;
// these few are checked here as well because the testbench's buffers rely on them.
#pragma once

#include <cstdint>
#include <tlm>

namespace bitloom::sim {

struct AxiAddress {
  std::uint64_t address;
  std::uint32_t length;  ///< AxLEN: beats - 1
  std::uint32_t size;    ///< AxSIZE: log2 of the bytes of a beat
  std::uint32_t burst;   ///< AxBURST: 1 = INCR
  [[nodiscard]] std::uint32_t beats() const { return length + 1; }
};

/// Throws Fault unless the burst is INCR, of full-width aligned beats, within one 4 KiB page.
void check_address(const char* channel, const AxiAddress& request, std::uint32_t beat_bytes);

/// xRESP of a completed payload: OKAY, SLVERR or DECERR.
std::uint8_t axi_response(const tlm::tlm_generic_payload& payload);

}  // namespace bitloom::sim
