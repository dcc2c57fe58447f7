// SPDX-License-Identifier: Apache-2.0
// What a layer call costs at best, and how a measured call compares with that. Pure functions of
// shapes and counters.
#pragma once

#include <cstdint>

#include "gen/config.hpp"
#include "sw/device/device.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// The bytes that a call must read from its images (docs/layout.md), of which rows are padded to
/// whole tiles and columns to whole groups, slices and blocks; without the end of each stream,
/// which is padded to what the read channels carry in a cycle. Tokens beyond those that the array
/// takes at once read weights and scales again.
struct IdealBytes {
  std::uint64_t weights = 0;  ///< planes in use
  std::uint64_t scales = 0;   ///< scales and offsets of each group, or of each row, or centroids
  std::uint64_t activations = 0;  ///< read twice with a group per row or a narrow accumulator
  [[nodiscard]] std::uint64_t total() const { return weights + scales + activations; }
};

IdealBytes ideal_bytes(const Layer& layer, unsigned bits, std::uint32_t tokens,
                       const HardwareConfig& hardware);

/// Lower bounds on the cycles of a call among back-to-back calls (docs/cli.md).
struct Bounds {
  std::uint64_t compute_cycles = 0;  ///< a pass per group, slice and plane, or centroid
  std::uint64_t memory_cycles = 0;   ///< the read channels take their full width per cycle
  [[nodiscard]] std::uint64_t roofline() const {
    return compute_cycles > memory_cycles ? compute_cycles : memory_cycles;
  }
  [[nodiscard]] bool memory_bound() const { return memory_cycles > compute_cycles; }
};

Bounds bounds(const Layer& layer, unsigned bits, std::uint32_t tokens,
              const HardwareConfig& hardware);

/// Rates of a measured call.
struct Rates {
  double seconds = 0;      ///< at the configured clock
  double tops = 0;         ///< 1e12 operations/s: 2 * M * K * T, a multiply and an add each
  double binary_tops = 0;  ///< the same per plane: 2 * M * K * b * T
  double gigabytes_per_second = 0;  ///< 1e9 bytes/s, reads and writes
  double array_utilization = 0;     ///< busy cycles / cycles
  double memory_utilization = 0;    ///< bytes read / (cycles * read bytes per cycle)
};

Rates rates(const Layer& layer, unsigned bits, std::uint32_t tokens, const CycleStats& stats,
            const Config& config);

/// Bytes of the read streams (weights, scales, activations, descriptors).
std::uint64_t bytes_read(const CycleStats& stats);
/// Bytes of the write streams (outputs, completions).
std::uint64_t bytes_written(const CycleStats& stats);

}  // namespace bitloom
