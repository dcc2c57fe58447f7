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
  /// A channel's port has its number.
  AxiRead(unsigned channel, AxiPorts& shared) : AxiPort(channel, shared) {}

  /// Sets the model's inputs for the clock edge at time `now`.
  void drive(Vbl_top& top, Picoseconds now);
  /// Acts on the handshakes of the edge; call it before the model sees the edge.
  void edge(const Vbl_top& top);

  /// The machine's reset begins: drops all bursts and withdraws what is offered.
  void reset(Vbl_top& top);

 private:
  Burst* streaming_ = nullptr;
  const std::uint8_t* next_data_ = nullptr;  // of the beat that is or will be offered
  std::uint32_t next_beat_ = 0;
  std::uint32_t last_beat_ = 0;
  bool ready_ = false;
  bool valid_ = false;
};

}  // namespace bitloom::sim
