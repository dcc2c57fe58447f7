// SPDX-License-Identifier: Apache-2.0
// What can be watched inside the model: a waveform window and the event trace. Only the observing
// executable (BITLOOM_OBSERVE) pays for it; in the fast one everything here is empty.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/mem/memory.hpp"
#include "sim/model/model.hpp"
#include "sim/protocol/protocol.hpp"

#if BITLOOM_OBSERVE
#include <verilated_fst_c.h>
#endif

namespace bitloom::sim {

#if BITLOOM_OBSERVE

class Observer {
 public:
  static constexpr bool kAvailable = true;

  /// Opens the files; throws std::system_error when one cannot be written. There is no waveform
  /// file before the window begins. The model's context must not have evaluated yet.
  Observer(VerilatedContext& context, Vbl_top& top, const Observation& observation);
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  ~Observer();

  /// The cycle that the next samples and trace records belong to.
  void begin_cycle(std::uint64_t cycle);
  /// Records the model's state after an evaluation.
  void sample(Picoseconds time) {
    if (recording_) wave_.dump(time);
  }
  /// Brings the trace so far to its file; throws std::runtime_error when that fails.
  void flush_trace() const;

 private:
  Observation observation_;
  VerilatedFstC wave_;
  bool recording_ = false;
};

#else

class Observer {
 public:
  static constexpr bool kAvailable = false;
  Observer(VerilatedContext&, Vbl_top&, const Observation&) {}
  void begin_cycle(std::uint64_t) {}
  void sample(Picoseconds) {}
  void flush_trace() const {}
};

#endif

}  // namespace bitloom::sim
