// SPDX-License-Identifier: Apache-2.0
// What the memory sides of AXI4 read and write channels share: bursts from the address channel to
// the memory and back. A port's state is small, because a machine of many channels has all of them
// at work in every cycle, and the model in between uses the host's caches for itself.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/protocol/protocol.hpp"
#include "sim/tb/burst.hpp"
#include "sim/tb/stall.hpp"

namespace bitloom::sim {

/// What the ports of a machine share.
struct AxiPorts {
  /// Passes a burst of a port on to the memory; false: no further request until resume().
  virtual bool issue(unsigned port, Burst& burst) = 0;

  BurstPool pool;
  StallSource stall;

 protected:
  explicit AxiPorts(const StallSource& stalls) : stall(stalls) {}
  ~AxiPorts() = default;
};

/// An address channel's request.
struct AxiAddress {
  std::uint32_t id;
  std::uint64_t address;
  std::uint32_t length;  ///< AxLEN: beats - 1
  std::uint32_t size;    ///< AxSIZE: log2 of the bytes of a beat
  std::uint32_t burst;   ///< AxBURST: 1 = INCR
  [[nodiscard]] std::uint32_t beats() const { return length + 1; }
};

class AxiPort {
 public:
  /// The memory takes requests again.
  void resume() { blocked_ = false; }
  /// The memory's answer; burst.due is set.
  void answered(Burst& burst);

  /// Bursts given to the memory so far.
  [[nodiscard]] std::uint64_t bursts() const { return issued_; }
  /// The memory has answered all of them.
  [[nodiscard]] bool drained() const { return answers_ == issued_; }

  /// Error responses to give from now on, in place of those that were asked for before.
  void inject(std::vector<ErrorResponse> errors);

  /// A reset of the machine is over; reset() of the derived classes begins it. In between, what the
  /// memory answers is dropped.
  void end_reset() { dropping_ = false; }

 protected:
  AxiPort(unsigned number, AxiPorts& shared) : shared_(shared), number_(number) {}

  /// A burst for a request. bl_axi_checker.sv asserts the rules of the whole protocol; those that
  /// the testbench's buffers rely on are checked here as well: throws Fault unless the burst is
  /// INCR, of full-width aligned beats, within one 4 KiB page.
  Burst& open(tlm::tlm_command command, const AxiAddress& request);
  void issue(Burst& burst) {
    ++issued_;
    blocked_ = !shared_.issue(number_, burst);
  }
  /// Forgets all answers, those that are still to come included.
  void drop_answers();

  /// Takes the first burst in the order of the memory's answers, when it is due by `now`; otherwise
  /// null.
  Burst* take_due(Picoseconds now) {
    Burst* const first = first_;
    if (first == nullptr || first->due > now) return nullptr;
    first_ = first->next;
    return first;
  }
  /// xRESP of an answered burst, of a read's given beat: OKAY, SLVERR or DECERR. To be asked once.
  unsigned response(const Burst& burst, std::uint32_t beat) {
    const unsigned injected = injection_ == nullptr ? kOkay : take_injected(burst, beat);
    return injected != kOkay ? injected : response_of(burst);
  }

  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] bool blocked() const { return blocked_; }
  bool stall() { return shared_.stall(); }

  static constexpr unsigned kOkay = 0;

 private:
  // What tests ask for, only there when they do.
  struct Injection {
    // An error response that has found its burst.
    struct Mark {
      const Burst* burst;
      std::uint32_t beat;
      unsigned response;
    };
    std::vector<ErrorResponse> waiting;
    std::array<std::uint64_t, kMaxMemoryIds> opened{};  // bursts by id since inject()
    std::vector<Mark> marks;
  };

  static unsigned response_of(const Burst& burst) {
    const tlm::tlm_response_status status = burst.get_response_status();
    return status == tlm::TLM_OK_RESPONSE              ? kOkay
           : status == tlm::TLM_ADDRESS_ERROR_RESPONSE ? 3
                                                       : 2;
  }
  void mark(const Burst& burst);
  unsigned take_injected(const Burst& burst, std::uint32_t beat);

  AxiPorts& shared_;
  Burst* first_ = nullptr;  // answered, linked by Burst::next
  Burst* last_ = nullptr;   // of them, when there are any
  std::uint64_t issued_ = 0;
  std::uint64_t answers_ = 0;
  std::unique_ptr<Injection> injection_;
  unsigned number_;
  bool blocked_ = false;
  bool dropping_ = false;
};

}  // namespace bitloom::sim
