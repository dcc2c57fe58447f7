// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_port.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/model/model.hpp"
#include "sim/tb/fault.hpp"

namespace bitloom::sim {
namespace {

constexpr std::uint32_t kBurstIncr = 1;
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
  if (!errors_.empty()) mark(burst);
  return burst;
}

void AxiPort::answered(Burst& burst) {
  ++answers_;
  if (dropping_)
    burst.release();
  else
    answered_.push_back(&burst);
}

void AxiPort::drop_answers() {
  for (Burst* burst : answered_) burst->release();
  answered_.clear();
  marks_.clear();
  dropping_ = true;
}

void AxiPort::inject(std::vector<ErrorResponse> errors) {
  errors_ = std::move(errors);
  opened_.fill(0);
  marks_.clear();
}

void AxiPort::mark(const Burst& burst) {
  const std::uint64_t number = opened_.at(burst.id)++;
  std::erase_if(errors_, [&](const ErrorResponse& error) {
    const bool hit = error.id == burst.id && error.burst == number;
    const std::uint32_t beat = burst.is_read() ? std::min(error.beat, burst.beats - 1) : 0;
    if (hit) marks_.push_back({&burst, beat, error.response});
    return hit;
  });
}

unsigned AxiPort::response(const Burst& burst, std::uint32_t beat) {
  unsigned injected = kOkay;
  if (!marks_.empty())
    std::erase_if(marks_, [&](const Mark& mark) {
      const bool hit = mark.burst == &burst && mark.beat == beat;
      if (hit) injected = mark.response;
      return hit;
    });
  if (injected != kOkay) return injected;
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
