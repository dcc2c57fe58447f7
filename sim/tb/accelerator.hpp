// SPDX-License-Identifier: Apache-2.0
// The accelerator as a SystemC module: clock and reset, the Verilated model, and its AXI ports
// turned into TLM-2.0 (approximately timed) on the memory side and register accesses on the
// software side.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "sim/protocol/protocol.hpp"
#include "sim/tb/axi_lite.hpp"
#include "sim/tb/axi_read.hpp"
#include "sim/tb/axi_write.hpp"
#include "sim/tb/fault.hpp"
#include "sim/trace/observer.hpp"

namespace bitloom::sim {

class Accelerator : public sc_core::sc_module {
 public:
  Accelerator(const sc_core::sc_module_name& name, const SystemSettings& settings,
              const Observation& observation);

  /// Binds all memory ports: the read channels in their order, the write channel last.
  template <typename Target>
  void bind(Target& target) {
    for (unsigned port = 0; port < kPorts; ++port) sockets_[port].bind(target);
  }

  /// Register accesses; to be called from a SystemC thread, which waits for their end. Throw Fault
  /// when the model answers with an error or the simulation has stopped.
  void write_register(std::uint32_t address, std::uint32_t value);
  std::uint32_t read_register(std::uint32_t address);

  /// Waits for the interrupt line, at most `cycles` cycles; to be called from a SystemC thread.
  void wait_interrupt(std::uint64_t cycles);

  /// Clock edges since the simulation began; reset is the first kResetCycles of them.
  [[nodiscard]] std::uint64_t cycle() const { return cycle_; }
  /// Grows with every memory burst: a machine that is at work keeps it moving.
  [[nodiscard]] std::uint64_t memory_bursts() const;
  /// Brings the event trace so far to its file; throws std::runtime_error when that fails.
  void flush_trace() const { observer_.flush_trace(); }
  /// Throws what stopped the simulation, if anything did.
  void check() const;

 private:
  // AXI's channels are independent, and a TLM-2.0 socket carries one request phase at a time: so
  // each has its own.
  using Socket = tlm_utils::simple_initiator_socket_tagged<Accelerator>;
  static constexpr unsigned kPorts = kReadChannels + 1;
  static constexpr std::uint64_t kResetCycles = 8;

  void tick();
  void step();
  void access_registers();
  AxiPort& port(int number);
  bool request(Socket& socket, Burst& burst);
  tlm::tlm_sync_enum answer(int number, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                            sc_core::sc_time& delay);

  sc_core::sc_vector<Socket> sockets_{"socket", kPorts};
  sc_core::sc_time period_;
  VerilatedContext context_;
  std::unique_ptr<Vbl_top> top_;
  Observer observer_;
  BurstPool pool_;
  StallSource stall_;
  std::vector<AxiRead> reads_;
  AxiWrite write_;
  AxiLite control_;
  std::uint64_t cycle_ = 0;
  bool interrupt_ = false;
  sc_core::sc_event access_ended_;
  sc_core::sc_event interrupted_;
  std::exception_ptr stopped_;
};

}  // namespace bitloom::sim
