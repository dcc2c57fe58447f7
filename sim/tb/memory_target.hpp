// SPDX-License-Identifier: Apache-2.0
// The memory as a TLM-2.0 approximately-timed target around the plain memory model: any other
// TLM-2.0 memory simulator can be bound in its place.
#pragma once

#include <tlm_utils/multi_passthrough_target_socket.h>

#include <deque>
#include <systemc>
#include <vector>

#include "sim/mem/address_space.hpp"
#include "sim/mem/memory.hpp"
#include "sim/tb/burst.hpp"

namespace bitloom::sim {

class MemoryTarget : public sc_core::sc_module {
 public:
  /// Every channel binds here; the order of binding numbers the ports.
  tlm_utils::multi_passthrough_target_socket<MemoryTarget> socket{"socket"};

  MemoryTarget(const sc_core::sc_module_name& name, Memory& timing, AddressSpace& space);

 private:
  struct Waiting {
    int port;
    tlm::tlm_generic_payload* payload;
  };

  tlm::tlm_sync_enum request(int port, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  bool issue(int port, tlm::tlm_generic_payload& payload, Picoseconds time);
  void respond();
  void finish(const MemoryCompletion& completion);
  void retry();
  void schedule();

  Memory& timing_;
  AddressSpace& space_;
  std::deque<Waiting> waiting_;  // requests that the memory's full queue has not taken yet
  std::vector<MemoryCompletion> due_;
  std::vector<Waiting> open_;  // by slot number, which is the tag of a request
  std::vector<std::uint64_t> free_slots_;
  Picoseconds scheduled_ = kNever;
  sc_core::sc_event wake_;
};

}  // namespace bitloom::sim
