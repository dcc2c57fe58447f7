// SPDX-License-Identifier: Apache-2.0
// The accelerator as a SystemC module: clock and reset, the Verilated model, and its AXI ports
// turned into TLM-2.0 (approximately timed) on the memory side and register accesses on the
// software side.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "sim/protocol/protocol.hpp"
#include "sim/tb/axi_lite.hpp"
#include "sim/tb/axi_read.hpp"
#include "sim/tb/axi_write.hpp"
#include "sim/tb/coverage.hpp"
#include "sim/tb/fault.hpp"
#include "sim/trace/observer.hpp"

namespace bitloom::sim {

/// Thrown out of what a SystemC thread waits for when the machine is reset meanwhile.
class MachineReset {};

class Accelerator : public sc_core::sc_module, private AxiPorts {
 public:
  Accelerator(const sc_core::sc_module_name& name, const SystemSettings& settings,
              const Observation& observation);
  ~Accelerator() override { write_coverage(context_); }

  /// Binds all memory ports: the read channels in their order, the write channel last.
  template <typename Target>
  void bind(Target& target) {
    for (unsigned port = 0; port < kPorts; ++port) sockets_[port].bind(target);
  }

  /// Register accesses; to be called from a SystemC thread, which waits for their end. Throw Fault
  /// when the model answers with an error or the simulation has stopped, MachineReset when a reset
  /// cuts them off.
  void write_register(std::uint32_t address, std::uint32_t value);
  std::uint32_t read_register(std::uint32_t address);

  /// Waits for the interrupt line, at most `cycles` cycles; to be called from a SystemC thread.
  /// Throws as the register accesses do.
  void wait_interrupt(std::uint64_t cycles);

  /// Resets the machine in the given cycle, which is still to come; kNoCycle: not at all. The reset
  /// lasts until the memory has answered all bursts under way, whose answers are dropped.
  void reset_at(std::uint64_t cycle) { reset_at_ = cycle; }
  static constexpr std::uint64_t kNoCycle = std::numeric_limits<std::uint64_t>::max();

  /// After MachineReset: waits until the machine runs again, at most `cycles` cycles.
  void wait_restart(std::uint64_t cycles);

  /// Error responses to give from now on, in place of those that were asked for before.
  void inject(const std::vector<ErrorResponse>& errors);

  /// Clock edges since the simulation began.
  [[nodiscard]] std::uint64_t cycle() const { return cycle_; }
  /// Grows with every memory burst: a machine that is at work keeps it moving.
  [[nodiscard]] std::uint64_t memory_bursts() const;
  /// Brings the event trace so far to its file; throws std::runtime_error when that fails.
  void flush_trace() const { observer_.flush_trace(); }
  /// Throws what stopped the simulation, if anything did, and MachineReset when it was reset.
  void check() const;

 private:
  // AXI's channels are independent, and a TLM-2.0 socket carries one request phase at a time: so
  // each has its own.
  using Socket = tlm_utils::simple_initiator_socket_tagged<Accelerator>;
  static constexpr unsigned kPorts = kReadChannels + 1;
  static constexpr std::uint64_t kResetCycles = 8;  // at least

  void reset_ports();
  void begin_reset();
  void end_reset();
  [[nodiscard]] bool drained() const;
  void tick();
  void step();
  static Picoseconds next_activity();
  [[nodiscard]] sc_core::sc_time ahead() const;
  void notify(sc_core::sc_event& event);
  void access_registers();
  AxiPort& port(int number);
  bool issue(unsigned port, Burst& burst) override;
  tlm::tlm_sync_enum answer(int number, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                            sc_core::sc_time& delay);

  sc_core::sc_vector<Socket> sockets_{"socket", kPorts};
  sc_core::sc_time period_;
  Picoseconds now_ = 0;  // not before the kernel's time
  bool moved_ = false;   // what is due next may have changed
  VerilatedContext context_;
  std::unique_ptr<Vbl_top> top_;
  Observer observer_;
  std::vector<AxiRead> reads_;
  AxiWrite write_;
  AxiLite control_;
  std::uint64_t cycle_ = 0;
  std::uint64_t reset_at_ = kNoCycle;
  std::uint64_t reset_end_ = kResetCycles;  // of the reset that every simulation begins with
  bool in_reset_ = true;
  bool was_reset_ = false;  // and nobody has been told
  bool interrupt_ = false;
  sc_core::sc_event access_ended_;
  sc_core::sc_event interrupted_;
  sc_core::sc_event restarted_;
  std::exception_ptr stopped_;
};

}  // namespace bitloom::sim
