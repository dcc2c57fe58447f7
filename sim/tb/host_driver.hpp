// SPDX-License-Identifier: Apache-2.0
// The software side as a SystemC process: what a kernel driver would do with the real machine.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <systemc>
#include <vector>

#include "sim/mem/address_space.hpp"
#include "sim/protocol/protocol.hpp"
#include "sim/tb/accelerator.hpp"

namespace bitloom::sim {

class HostDriver : public sc_core::sc_module {
 public:
  /// Where the driver keeps both rings; callers may map anything below kRingAddress.
  static constexpr std::uint64_t kRingAddress = std::uint64_t{1} << 47;
  static constexpr std::uint32_t kRingEntries = 256;

  struct Callbacks {
    std::function<void(const Record&)> completion;
    std::function<void()> progress;
  };

  /// A machine is declared dead when it neither completes a descriptor nor asks for a memory burst
  /// for longer than the memory's latency explains, or is at work on one descriptor for many times
  /// longer than its passes and beats explain.
  HostDriver(const sc_core::sc_module_name& name, Accelerator& machine, AddressSpace& space,
             std::uint64_t memory_latency_cycles);

  /// Runs the simulation until all descriptors have completed. Descriptors are queued in the ring
  /// as room allows, so they execute back to back. Each must ask for the interrupt. In cycle
  /// `reset_after` of the run, if it comes to that, the machine is reset: false, the run is cut off
  /// there, and the next one starts from scratch. Throws what stopped the simulation; after that no
  /// further run is possible.
  bool run(std::span<const Record> descriptors, const Callbacks& callbacks,
           std::uint64_t reset_after = Accelerator::kNoCycle);

 private:
  static constexpr std::uint64_t kPollCycles = 1U << 16;

  void thread();
  bool execute();
  void complete_all();
  void restart();
  void bring_up();
  void submit();
  void collect();
  void watch();
  [[nodiscard]] double work_limit(const Record& descriptor) const;

  Accelerator& machine_;
  AddressSpace& space_;
  std::uint64_t latency_;  // cycles
  std::uint64_t silence_limit_;
  std::span<const Record> descriptors_;
  const Callbacks* callbacks_ = nullptr;
  std::uint64_t reset_after_ = Accelerator::kNoCycle;
  std::size_t submitted_ = 0;  // of this run
  std::size_t completed_ = 0;
  std::uint32_t ring_position_ = 0;  // free-running, as in the doorbell register
  bool up_ = false;
  bool cut_off_ = false;
  bool pending_ = false;  // a run waits for the thread
  std::uint64_t last_bursts_ = 0;
  std::uint64_t last_activity_ = 0;    // cycle
  std::uint64_t last_completion_ = 0;  // cycle
  sc_core::sc_event start_;
  std::exception_ptr failure_;
};

}  // namespace bitloom::sim
