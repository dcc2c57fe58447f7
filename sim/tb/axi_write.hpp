// SPDX-License-Identifier: Apache-2.0
// The memory side of the AXI4 write channel of the model.
#pragma once

#include <deque>
#include <functional>

#include "sim/model/model.hpp"
#include "sim/tb/burst.hpp"
#include "sim/tb/stall.hpp"

namespace bitloom::sim {

/// Accepts one address and one beat per cycle; the beats of a burst from the cycle after its
/// address on. A burst goes to the memory with its last beat; due d later its response is
/// transferred at the first edge at or after d, one response per cycle, in the order in which the
/// memory answered.
class AxiWrite {
 public:
  using Issue = std::function<bool(Burst&)>;

  AxiWrite(BurstPool& pool, StallSource& stall, Issue issue)
      : pool_(pool), stall_(stall), issue_(std::move(issue)) {}

  void drive(Vbl_top& top, Picoseconds now);
  void edge(const Vbl_top& top);

  void resume() { blocked_ = false; }
  void answered(Burst& burst) { answered_.push_back(&burst); }

  [[nodiscard]] std::uint64_t bursts() const { return bursts_; }

 private:
  static constexpr std::size_t kMaxAddresses = 16;  // addresses that wait for their data

  void accept_address(const Vbl_top& top);
  void accept_beat(const Vbl_top& top);

  BurstPool& pool_;
  StallSource& stall_;
  Issue issue_;
  std::deque<Burst*> addressed_;  // the front one is collecting its beats
  std::deque<Burst*> answered_;
  std::uint64_t bursts_ = 0;
  bool blocked_ = false;
  bool address_ready_ = false;
  bool data_ready_ = false;
  bool response_valid_ = false;
};

}  // namespace bitloom::sim
