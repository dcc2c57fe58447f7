// SPDX-License-Identifier: Apache-2.0
// One life of a simulation worker: what lies where in its memory, and its counters so far.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "gen/descriptor.hpp"
#include "sim/rtl/layer_images.hpp"
#include "sim/rtl/rtl_device.hpp"
#include "sim/rtl/worker_process.hpp"
#include "sw/device/device.hpp"

namespace bitloom::sim {

/// Where a layer's images are.
struct Placement {
  std::uint64_t weights = 0;
  std::map<unsigned, std::uint64_t> scales;  ///< by precision
};

/// Every function throws what WorkerProcess throws; after that the session is of no further use.
class Session {
 public:
  Session(const WorkerExecutable& worker, const Config& config, const RtlOptions& options);

  WorkerProcess& process() { return process_; }

  /// Maps a region and copies the bytes there; returns its address.
  std::uint64_t place(std::span<const std::uint8_t> bytes);
  /// Maps a region of zeros. Regions lie apart, so that an access beyond an image is an error and
  /// not a neighbour's data. Addresses are never used twice: 2^47 bytes outlast any session.
  std::uint64_t reserve(std::uint64_t bytes);
  /// Where the images of a layer are for calls at `bits`; places what is not there yet.
  const Placement& placement(const std::shared_ptr<const LayerImages>& layer, unsigned bits);
  /// Drops the images of layers that nobody else refers to any more.
  void drop_unused();

  /// Call before a run: reports count wall time from there.
  void begin_run() { last_wall_ = 0; }
  /// Adds what happened between the record before and this one.
  void account(const CompletionReport& report, const CompletionRecord& record, CycleStats& stats);

 private:
  // The counters that a completion record carries, in the order of Cause and of Stream: the low
  // words of running counters, so that differences are taken modulo 2^32.
  struct Counters {
    std::array<std::uint32_t, 6> cycles{};
    std::array<std::uint32_t, 6> beats{};
  };
  static Counters counters_of(const CompletionRecord& record);

  WorkerProcess process_;
  // Beyond 4 GiB, so that the high words of addresses are in use.
  std::uint64_t next_address_ = std::uint64_t{0x12} << 32;
  std::map<const LayerImages*, std::pair<std::shared_ptr<const LayerImages>, Placement>> placed_;
  Counters last_;
  std::uint64_t last_cycle_ = 0;
  std::uint64_t last_wall_ = 0;
};

}  // namespace bitloom::sim
