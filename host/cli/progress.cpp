// SPDX-License-Identifier: Apache-2.0
#include "host/cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <utility>

namespace bitloom {

Progress::Progress(std::string label, std::string unit)
    : label_(std::move(label)), unit_(std::move(unit)), terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (printed_) std::cerr << "\r\033[K" << std::flush;
}

void Progress::report(std::uint64_t done) {
  if (!terminal_) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const Clock::time_point now = Clock::now();
  if (!lock || now < next_print_) return;
  next_print_ = now + std::chrono::milliseconds(200);
  printed_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::cerr << "\r\033[K" << progress_line(label_, unit_, done, total_, seconds) << std::flush;
}

std::string progress_line(const std::string& label, const std::string& unit, std::uint64_t done,
                          std::uint64_t total, double seconds) {
  const double rate = static_cast<double>(done) / seconds;
  if (total == 0) return fmt::format("{}: {} {}, {:.0f} {}/s", label, done, unit, rate, unit);
  const double left = static_cast<double>(total - done) / rate;
  return fmt::format("{}: {} of {} {}, {:.0f} {}/s, {:.0f} s left", label, done, total, unit, rate,
                     unit, left);
}

}  // namespace bitloom
