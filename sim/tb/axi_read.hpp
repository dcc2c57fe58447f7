// SPDX-License-Identifier: Apache-2.0
// The memory side of an AXI4 read channel of the model.
#pragma once

#include <deque>
#include <functional>

#include "sim/model/model.hpp"
#include "sim/tb/burst.hpp"
#include "sim/tb/stall.hpp"

namespace bitloom::sim {

/// Accepts one address per cycle and streams one beat per cycle. Bursts are streamed whole, in the
/// order in which the memory answered. Timing: a burst accepted at a clock edge and due d later has
/// its first beat transferred at the first edge at or after d, unless another burst is streaming.
class AxiRead {
 public:
  /// `issue` passes a burst on to the memory; false: no further request until resume().
  using Issue = std::function<bool(Burst&)>;

  AxiRead(BurstPool& pool, StallSource& stall, Issue issue)
      : pool_(pool), stall_(stall), issue_(std::move(issue)) {}

  /// Sets the model's inputs for the clock edge at time `now`.
  void drive(Vbl_top& top, Picoseconds now);
  /// Acts on the handshakes of the edge; call it before the model sees the edge.
  void edge(const Vbl_top& top);

  /// The memory takes requests again.
  void resume() { blocked_ = false; }
  /// The memory's answer; burst.due is set.
  void answered(Burst& burst) { answered_.push_back(&burst); }

  [[nodiscard]] std::uint64_t bursts() const { return bursts_; }

 private:
  void accept(const Vbl_top& top);

  BurstPool& pool_;
  StallSource& stall_;
  Issue issue_;
  std::deque<Burst*> answered_;
  Burst* streaming_ = nullptr;
  std::uint64_t bursts_ = 0;
  bool blocked_ = false;
  bool ready_ = false;
  bool valid_ = false;
};

}  // namespace bitloom::sim
