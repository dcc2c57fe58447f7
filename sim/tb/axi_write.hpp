// SPDX-License-Identifier: Apache-2.0
// The memory side of the model's AXI4 write channel.
#pragma once

#include <deque>

#include "sim/model/model.hpp"
#include "sim/tb/axi_port.hpp"

namespace bitloom::sim {

/// Accepts one address and one beat per cycle; the beats of a burst from the cycle after its
/// address on. A burst goes to the memory with its last beat; due d later its response is
/// transferred at the first edge at or after d, one response per cycle, in the order in which the
/// memory answered.
class AxiWrite : public AxiPort {
 public:
  AxiWrite(BurstPool& pool, StallSource& stall, Issue issue)
      : AxiPort(pool, stall, std::move(issue)) {}

  void drive(Vbl_top& top, Picoseconds now);
  void edge(const Vbl_top& top);

  /// The machine's reset begins: drops all bursts and withdraws what is offered. What the memory
  /// has been given is written nevertheless.
  void reset(Vbl_top& top);

 private:
  static constexpr std::size_t kMaxAddresses = 16;  // addresses that wait for their data

  void accept_beat(const Vbl_top& top);

  std::deque<Burst*> addressed_;  // the front one is collecting its beats
  Burst* answering_ = nullptr;
  bool address_ready_ = false;
  bool data_ready_ = false;
};

}  // namespace bitloom::sim
