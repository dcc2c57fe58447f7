// SPDX-License-Identifier: Apache-2.0
// The memory side of one of the model's AXI4 read channels.
#pragma once

#include "sim/model/model.hpp"
#include "sim/tb/axi_port.hpp"

namespace bitloom::sim {

/// Accepts one address per cycle and streams one beat per cycle. Bursts are streamed whole, in the
/// order in which the memory answered. Timing: a burst accepted at a clock edge and due d later has
/// its first beat transferred at the first edge at or after d, unless another burst is streaming.
/// A beat with an error response carries no data of the memory.
class AxiRead : public AxiPort {
 public:
  AxiRead(unsigned channel, BurstPool& pool, StallSource& stall, Issue issue)
      : AxiPort(pool, stall, std::move(issue)), channel_(channel) {}

  /// Sets the model's inputs for the clock edge at time `now`.
  void drive(Vbl_top& top, Picoseconds now);
  /// Acts on the handshakes of the edge; call it before the model sees the edge.
  void edge(const Vbl_top& top);

  /// The machine's reset begins: drops all bursts and withdraws what is offered.
  void reset(Vbl_top& top);

 private:
  unsigned channel_;
  Burst* streaming_ = nullptr;
  bool ready_ = false;
  bool valid_ = false;
};

}  // namespace bitloom::sim
