// SPDX-License-Identifier: Apache-2.0
// What the memory sides of AXI4 read and write channels share: bursts from the address channel to
// the memory and back.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "sim/protocol/protocol.hpp"
#include "sim/tb/burst.hpp"
#include "sim/tb/stall.hpp"

namespace bitloom::sim {

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
  /// Passes a burst on to the memory; false: no further request until resume().
  using Issue = std::function<bool(Burst&)>;

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
  AxiPort(BurstPool& pool, StallSource& stall, Issue issue)
      : stall_(stall), pool_(pool), issue_(std::move(issue)) {}

  /// A burst for a request. bl_axi_checker.sv asserts the rules of the whole protocol; those that
  /// the testbench's buffers rely on are checked here as well: throws Fault unless the burst is
  /// INCR, of full-width aligned beats, within one 4 KiB page.
  Burst& open(tlm::tlm_command command, const AxiAddress& request);
  void issue(Burst& burst) {
    ++issued_;
    blocked_ = !issue_(burst);
  }
  /// Forgets all answers, those that are still to come included.
  void drop_answers();

  /// The first burst in the order of the memory's answers, when it is due by `now`; otherwise null.
  [[nodiscard]] Burst* due(Picoseconds now) const {
    return !answered_.empty() && answered_.front()->due <= now ? answered_.front() : nullptr;
  }
  void pop_due() { answered_.pop_front(); }
  /// xRESP of an answered burst, of a read's given beat: OKAY, SLVERR or DECERR. To be asked once.
  unsigned response(const Burst& burst, std::uint32_t beat);

  [[nodiscard]] bool blocked() const { return blocked_; }

  static constexpr unsigned kOkay = 0;
  StallSource& stall_;

 private:
  // An error response that has found its burst.
  struct Mark {
    const Burst* burst;
    std::uint32_t beat;
    unsigned response;
  };

  void mark(const Burst& burst);

  BurstPool& pool_;
  Issue issue_;
  std::deque<Burst*> answered_;
  std::uint64_t issued_ = 0;
  std::uint64_t answers_ = 0;
  bool blocked_ = false;
  bool dropping_ = false;
  std::vector<ErrorResponse> errors_;                  // that wait for their burst
  std::array<std::uint64_t, kMaxMemoryIds> opened_{};  // bursts by id since inject()
  std::vector<Mark> marks_;
};

}  // namespace bitloom::sim
