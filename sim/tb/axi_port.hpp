// SPDX-License-Identifier: Apache-2.0
// What the memory sides of AXI4 read and write channels share: bursts from the address channel to
// the memory and back.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

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
  void answered(Burst& burst) { answered_.push_back(&burst); }

  /// Bursts given to the memory so far.
  [[nodiscard]] std::uint64_t bursts() const { return bursts_; }

 protected:
  AxiPort(BurstPool& pool, StallSource& stall, Issue issue)
      : stall_(stall), pool_(pool), issue_(std::move(issue)) {}

  /// A burst for a request. bl_axi_checker.sv asserts the rules of the whole protocol; those that
  /// the testbench's buffers rely on are checked here as well: throws Fault unless the burst is
  /// INCR, of full-width aligned beats, within one 4 KiB page.
  Burst& open(tlm::tlm_command command, const AxiAddress& request);
  void issue(Burst& burst) {
    ++bursts_;
    blocked_ = !issue_(burst);
  }

  /// The first burst in the order of the memory's answers, when it is due by `now`; otherwise null.
  [[nodiscard]] Burst* due(Picoseconds now) const {
    return !answered_.empty() && answered_.front()->due <= now ? answered_.front() : nullptr;
  }
  void pop_due() { answered_.pop_front(); }
  /// xRESP of an answered burst: OKAY, SLVERR or DECERR.
  static unsigned response(const Burst& burst);

  [[nodiscard]] bool blocked() const { return blocked_; }

  StallSource& stall_;

 private:
  BurstPool& pool_;
  Issue issue_;
  std::deque<Burst*> answered_;
  std::uint64_t bursts_ = 0;
  bool blocked_ = false;
};

}  // namespace bitloom::sim
