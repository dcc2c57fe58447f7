// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_rules.hpp"

#include <string>

#include "sim/tb/burst.hpp"
#include "sim/tb/fault.hpp"

namespace bitloom::sim {
namespace {

constexpr std::uint32_t kBurstIncr = 1;
constexpr std::uint8_t kOkay = 0;
constexpr std::uint8_t kSlverr = 2;
constexpr std::uint8_t kDecerr = 3;

}  // namespace

void check_address(const char* channel, const AxiAddress& request, std::uint32_t beat_bytes) {
  const auto fail = [&](const std::string& rule) {
    throw Fault(std::string("the model's ") + channel + " burst at address " +
                std::to_string(request.address) + " of " + std::to_string(request.beats()) +
                " beats " + rule);
  };
  if (request.burst != kBurstIncr) fail("is not of type INCR");
  if (request.size >= 32 || std::uint32_t{1} << request.size != beat_bytes)
    fail("does not use the channel's full width");
  if (request.address % beat_bytes != 0) fail("is not aligned to its beats");
  if (request.address % kMaxBurstBytes + std::uint64_t{request.beats()} * beat_bytes >
      kMaxBurstBytes)
    fail("crosses a 4 KiB boundary");
}

std::uint8_t axi_response(const tlm::tlm_generic_payload& payload) {
  switch (payload.get_response_status()) {
    case tlm::TLM_OK_RESPONSE:
      return kOkay;
    case tlm::TLM_ADDRESS_ERROR_RESPONSE:
      return kDecerr;
    default:
      return kSlverr;
  }
}

}  // namespace bitloom::sim
