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
  Burst& burst = shared_.pool.acquire();
  burst.start(command, request.id, request.address, request.beats(), kBeatBytes);
  if (injection_ != nullptr) mark(burst);
  return burst;
}

void AxiPort::answered(Burst& burst) {
  ++answers_;
  if (dropping_) return burst.release();
  burst.next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = &burst;
  last_ = &burst;
}

void AxiPort::drop_answers() {
  while (Burst* burst = take_due(kNever)) burst->release();
  if (injection_ != nullptr) injection_->marks.clear();
  dropping_ = true;
}

void AxiPort::inject(std::vector<ErrorResponse> errors) {
  injection_.reset();
  if (errors.empty()) return;
  injection_ = std::make_unique<Injection>();
  injection_->waiting = std::move(errors);
}

void AxiPort::mark(const Burst& burst) {
  const std::uint64_t number = injection_->opened.at(burst.id)++;
  std::erase_if(injection_->waiting, [&](const ErrorResponse& error) {
    const bool hit = error.id == burst.id && error.burst == number;
    const std::uint32_t beat = burst.is_read() ? std::min(error.beat, burst.beats - 1) : 0;
    if (hit) injection_->marks.push_back({&burst, beat, error.response});
    return hit;
  });
}

unsigned AxiPort::take_injected(const Burst& burst, std::uint32_t beat) {
  unsigned injected = kOkay;
  std::erase_if(injection_->marks, [&](const Injection::Mark& mark) {
    const bool hit = mark.burst == &burst && mark.beat == beat;
    if (hit) injected = mark.response;
    return hit;
  });
  return injected;
}

}  // namespace bitloom::sim
