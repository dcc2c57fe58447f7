// SPDX-License-Identifier: Apache-2.0
// Progress of long work on standard error.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace bitloom {

/// "quantizing: 512 of 4096 rows, 1020 rows/s, 3 s left", rewritten in place, from two seconds on
/// and only when standard error is a terminal. advance() may be called from any thread.
class Progress {
 public:
  Progress(std::string label, std::string unit);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Clears the line.
  ~Progress();

  void expect(std::uint64_t total) { total_ = total; }
  void advance() { report(++done_); }
  void reach(std::uint64_t done) { report(done_ = done); }

 private:
  using Clock = std::chrono::steady_clock;

  void report(std::uint64_t done);

  std::string label_;
  std::string unit_;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  std::atomic<std::uint64_t> total_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::mutex mutex_;
  Clock::time_point next_print_ = start_ + std::chrono::seconds(2);
  bool printed_ = false;
};

/// The line for `done` of `total` (0 = unknown) after `seconds`.
std::string progress_line(const std::string& label, const std::string& unit, std::uint64_t done,
                          std::uint64_t total, double seconds);

}  // namespace bitloom
