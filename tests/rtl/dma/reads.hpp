// SPDX-License-Identifier: Apache-2.0
// What a read job asks for, from its definition (rtl/engine/bl_pkg.sv, docs/units/dma.md), beat by
// beat: the bursts, the lines, and what an error in a line is to be reported as.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

constexpr unsigned kBeatBytes = 8;
constexpr unsigned kPage = 4096;

struct ReadJob {
  std::uint64_t address = 0;
  unsigned run_lines = 1;
  unsigned stride_lines = 0;
  unsigned runs = 1;
  unsigned stripe = 0;
  unsigned tag = 0;
};

/// On channel 0; the other channels' bursts are `stripe` pages apart.
struct ReadBurst {
  std::uint64_t address = 0;
  unsigned beats = 0;
  unsigned stripe = 0;
};

struct Line {
  std::uint64_t address = 0;  // of channel 0's beat
  std::uint64_t burst = 0;    // first byte of its burst on channel 0
  unsigned stripe = 0;
  unsigned tag = 0;
  std::uint64_t bad = 0;  // channels that answered with an error

  [[nodiscard]] std::uint64_t address_of(unsigned channel) const {
    return address + std::uint64_t{channel} * stripe * kPage;
  }
  /// Of the burst of the lowest channel that failed.
  [[nodiscard]] std::uint64_t error_address() const {
    unsigned channel = 0;
    while (((bad >> channel) & 1U) == 0) ++channel;
    return burst + std::uint64_t{channel} * stripe * kPage;
  }
};

/// Runs are cut at multiples of a whole burst.
inline std::vector<Line> lines_of(const ReadJob& job, unsigned burst_beats) {
  std::vector<Line> lines;
  for (unsigned run = 0; run < job.runs; ++run) {
    const std::uint64_t start = job.address + std::uint64_t{run} * job.stride_lines * kBeatBytes;
    std::uint64_t burst = start;
    for (unsigned i = 0; i < job.run_lines; ++i) {
      const std::uint64_t address = start + std::uint64_t{i} * kBeatBytes;
      if (address % (burst_beats * kBeatBytes) == 0) burst = address;
      lines.push_back({address, burst, job.stripe, job.tag, 0});
    }
  }
  return lines;
}

inline std::vector<ReadBurst> bursts_of(const ReadJob& job, unsigned burst_beats) {
  std::vector<ReadBurst> bursts;
  const std::vector<Line> lines = lines_of(job, burst_beats);
  for (unsigned i = 0; i < lines.size(); ++i) {
    const bool run_starts = i % job.run_lines == 0;
    if (run_starts || lines[i].address == lines[i].burst) {
      bursts.push_back({lines[i].address, 0, job.stripe});
    }
    ++bursts.back().beats;
  }
  return bursts;
}

/// The memory's content: no two beats are alike.
inline std::uint64_t word_at(std::uint64_t address) {
  return (address + 1) * 0x9E3779B97F4A7C15ULL;
}

/// Any shape: one long run, runs with gaps, runs that overlap, the same lines again; often just
/// below the end of a page.
inline ReadJob random_job(Random& random, unsigned tag) {
  ReadJob job;
  job.address = static_cast<std::uint64_t>(random.between(1, 1000)) * kPage -
                static_cast<std::uint64_t>(random.between(0, 9)) * kBeatBytes;
  if (random.chance(20)) job.address += std::uint64_t{0xFFFF} << 40;
  job.stripe = static_cast<unsigned>(random.chance(50) ? random.between(1, 100) : random.bits(31));
  job.tag = tag;
  switch (random.between(0, 3)) {
    case 0:
      job.run_lines = static_cast<unsigned>(random.between(1, 40));
      job.stride_lines = static_cast<unsigned>(random.bits(32));
      break;
    case 1:
      job.run_lines = static_cast<unsigned>(random.between(1, 9));
      job.stride_lines = job.run_lines + static_cast<unsigned>(random.between(0, 9));
      job.runs = static_cast<unsigned>(random.between(1, 4));
      break;
    case 2:
      job.run_lines = static_cast<unsigned>(random.between(1, 9));
      job.stride_lines = static_cast<unsigned>(random.between(0, 3));
      job.runs = static_cast<unsigned>(random.between(1, 4));
      break;
    default:
      job.run_lines = static_cast<unsigned>(random.between(1, 20));
      job.runs = 2;
      break;
  }
  return job;
}

/// The packed struct bl_pkg::read_job_t, whose first member has the highest bits.
template <class Port>
void set_job(Port& port, const ReadJob& job) {
  set(port, 0, 32, job.stripe);
  set(port, 32, 32, job.runs);
  set(port, 64, 32, job.stride_lines);
  set(port, 96, 32, job.run_lines);
  set(port, 128, 64, job.address);
  set(port, 192, 4, job.tag);
}

}  // namespace bitloom::rtl
