// SPDX-License-Identifier: Apache-2.0
// A worker around the fake machine (fake/bl_top.sv) with an input and an output region.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gen/descriptor.hpp"
#include "sim/rtl/worker_build.hpp"
#include "sim/rtl/worker_process.hpp"

namespace bitloom::sim {

inline constexpr std::uint64_t kInput = 0x1'0000'0000;
inline constexpr std::uint64_t kOutput = 0x2'0000'0000;
inline constexpr SystemSettings kPlain{
    .clock_mhz = 1000, .latency_ns = 100, .jitter_ns = 0, .stall_percent = 0, .seed = 1};
/// Random latencies, and backpressure on every channel.
inline constexpr SystemSettings kUneven{
    .clock_mhz = 1000, .latency_ns = 30, .jitter_ns = 60, .stall_percent = 40, .seed = 5};

/// For a worker with the fake in place of the machine.
WorkerOptions fake_options();

/// The fake on `tiny`: one channel of 8 bytes.
const WorkerExecutable& fake_worker();

/// The descriptor of a copy of `words` words of 32 bits; `k` may ask for something else.
Descriptor copy_descriptor(std::uint32_t words, std::uint32_t k = 128);
Record copy_of(std::uint32_t words, std::uint32_t k = 128);

/// Bytes whose beats all differ, up to 64 KiB.
std::vector<std::uint8_t> pattern(std::size_t bytes);

struct FakeBench {
  /// Without the regions.
  FakeBench(const SystemSettings& settings, const WorkerExecutable& executable);

  /// With both regions, the input filled with the pattern.
  explicit FakeBench(const SystemSettings& settings, std::size_t bytes = 256);

  std::vector<CompletionRecord> run(const std::vector<Record>& descriptors);

  WorkerProcess worker;
  std::vector<std::uint8_t> data;  ///< the input region's
};

}  // namespace bitloom::sim
