// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_port.hpp"

#include <string>

#include "sim/model/model.hpp"
#include "sim/tb/fault.hpp"

namespace bitloom::sim {
namespace {

constexpr std::uint32_t kBurstIncr = 1;
constexpr unsigned kOkay = 0;
constexpr unsigned kSlverr = 2;
constexpr unsigned kDecerr = 3;

[[noreturn]] void refuse(tlm::tlm_command command, const AxiAddress& request, const char* rule) {
  throw Fault(std::string("the model's ") + (command == tlm::TLM_READ_COMMAND ? "read" : "write") +
              " burst at address " + std::to_string(request.address) + " of " +
              std::to_string(request.beats()) + " beats " + rule);
}

}  // namespace

Burst& AxiPort::open(tlm::tlm_command command, const AxiAddress& request) {
  if (request.burst != kBurstIncr) refuse(command, request, "is not of type INCR");
  if (std::uint32_t{1} << request.size != kBeatBytes)
    refuse(command, request, "does not use the channel's full width");
  if (request.address % kBeatBytes != 0) refuse(command, request, "is not aligned to its beats");
  if (request.address % kMaxBurstBytes + std::uint64_t{request.beats()} * kBeatBytes >
      kMaxBurstBytes)
    refuse(command, request, "crosses a 4 KiB boundary");
  Burst& burst = pool_.acquire();
  burst.start(command, request.id, request.address, request.beats(), kBeatBytes);
  return burst;
}

unsigned AxiPort::response(const Burst& burst) {
  switch (burst.get_response_status()) {
    case tlm::TLM_OK_RESPONSE:
      return kOkay;
    case tlm::TLM_ADDRESS_ERROR_RESPONSE:
      return kDecerr;
    default:
      return kSlverr;
  }
}

}  // namespace bitloom::sim
