// SPDX-License-Identifier: Apache-2.0
// bl_pkg::job_t as a Verilated port has it: a packed vector whose last field is the lowest.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tests/rtl/support/bits.hpp"

namespace bitloom::rtl {

/// One layer call as the engine sees it (rtl/engine/bl_pkg.sv).
struct EngineJob {
  std::uint32_t tiles = 1;
  std::uint32_t blocks = 1;
  std::uint32_t span = 1;
  std::uint32_t last_span = 1;
  bool shared_word = false;
  unsigned group_log2 = 0;  // log2(columns per group / 32)
  unsigned bits = 1;
  unsigned rounds = 1;
  bool codebook = false;
  bool per_row = false;
  bool has_offset = false;
  bool binary16 = false;
  unsigned tokens = 1;
  int rounding_exponent = 0;
  std::uint32_t scale_pairs = 1;

  /// Slices of the weights and activations per block.
  [[nodiscard]] std::uint32_t slices() const { return shared_word ? 1 : span; }
};

/// Tiling of `k` columns in groups of `group` (0 = one per row) on an array of `columns`.
inline void set_columns(EngineJob& job, std::uint32_t k, std::uint32_t group,
                        std::uint32_t columns) {
  const auto up = [](std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; };
  job.per_row = group == 0;
  const std::uint32_t size = group == 0 ? 256 : group;
  const std::uint32_t groups = up(k, size);
  job.shared_word = size < columns;
  job.span = std::max(size, columns) / std::min(size, columns);
  job.blocks = job.shared_word ? up(groups, job.span) : groups;
  job.last_span = job.shared_word ? groups - (job.blocks - 1) * job.span : job.span;
  job.group_log2 = 0;
  while (32U << job.group_log2 < size) ++job.group_log2;
}

template <class Port>
void set_job(Port& port, const EngineJob& job) {
  unsigned low = 0;
  const auto put = [&](unsigned width, std::int64_t value) {
    set(port, low, width, value);
    low += width;
  };
  put(32, job.scale_pairs);
  put(8, job.rounding_exponent);
  put(5, job.tokens);
  put(1, job.binary16 ? 1 : 0);
  put(1, job.has_offset ? 1 : 0);
  put(1, job.per_row ? 1 : 0);
  put(1, job.codebook ? 1 : 0);
  put(5, job.rounds);
  put(4, job.bits);
  put(2, job.group_log2);
  put(1, job.shared_word ? 1 : 0);
  put(6, job.last_span);
  put(6, job.span);
  put(16, job.blocks);
  put(20, job.tiles);
}

}  // namespace bitloom::rtl
