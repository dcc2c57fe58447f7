// SPDX-License-Identifier: Apache-2.0
// A worker around the fake machine (fake/bl_top.sv) with an input and an output region.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gen/descriptor.hpp"
#include "sim/rtl/worker_build.hpp"
#include "sim/rtl/worker_process.hpp"
#include "sw/config/config.hpp"

namespace bitloom::sim {

inline constexpr std::uint64_t kInput = 0x1'0000'0000;
inline constexpr std::uint64_t kOutput = 0x2'0000'0000;
inline constexpr SystemSettings kPlain{
    .clock_mhz = 1000, .latency_ns = 100, .jitter_ns = 0, .stall_percent = 0, .seed = 1};
/// Random latencies, and backpressure on every channel.
inline constexpr SystemSettings kUneven{
    .clock_mhz = 1000, .latency_ns = 30, .jitter_ns = 60, .stall_percent = 40, .seed = 5};

inline WorkerOptions fake_options() {
  WorkerOptions options;
  options.rtl_list = BITLOOM_FAKE_RTL;
  return options;
}

/// The fake on `tiny`: one channel of 8 bytes.
inline const WorkerExecutable& fake_worker() {
  static const WorkerExecutable worker =
      ensure_worker(load_config("tiny").hardware, fake_options());
  return worker;
}

/// The descriptor of a copy of `words` words of 32 bits.
inline Descriptor copy_descriptor(std::uint32_t words, std::uint32_t k = 128) {
  Descriptor descriptor;
  descriptor.opcode = 1;
  descriptor.interrupt = 1;
  descriptor.m = words;
  descriptor.k = k;
  descriptor.activations_address = kInput;
  descriptor.outputs_address = kOutput;
  return descriptor;
}

inline Record copy_of(std::uint32_t words, std::uint32_t k = 128) {
  return encode(copy_descriptor(words, k));
}

/// Bytes whose beats all differ, up to 64 KiB.
inline std::vector<std::uint8_t> pattern(std::size_t bytes) {
  std::vector<std::uint8_t> data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  return data;
}

struct FakeBench {
  /// Without the regions.
  FakeBench(const SystemSettings& settings, const WorkerExecutable& executable)
      : worker(executable.path, executable.hash, std::chrono::seconds(60)) {
    worker.configure(settings);
  }

  /// With both regions, the input filled with the pattern.
  explicit FakeBench(const SystemSettings& settings, std::size_t bytes = 256)
      : FakeBench(settings, fake_worker()) {
    data = pattern(bytes);
    worker.map(kInput, bytes);
    worker.map(kOutput, bytes);
    worker.write(kInput, data);
  }

  std::vector<CompletionRecord> run(const std::vector<Record>& descriptors) {
    std::vector<CompletionRecord> records;
    worker.run(
        descriptors,
        [&](const CompletionReport& report) {
          records.push_back(decode_completion(report.record));
        },
        nullptr);
    return records;
  }

  WorkerProcess worker;
  std::vector<std::uint8_t> data;
};

}  // namespace bitloom::sim
