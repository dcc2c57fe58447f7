// SPDX-License-Identifier: Apache-2.0
#include "host/metrics/bounds.hpp"

#include "sw/layout/tiling.hpp"

namespace bitloom {
namespace {

std::uint64_t ceil_div(std::uint64_t value, std::uint64_t divisor) {
  return (value + divisor - 1) / divisor;
}

std::uint64_t read_bytes_per_cycle(const HardwareConfig& hardware) {
  return std::uint64_t{hardware.read_channels} * hardware.channel_bits / 8;
}

std::uint64_t padded_rows(const Layer& layer, const HardwareConfig& hardware) {
  return ceil_div(layer.m, hardware.rows) * hardware.rows;
}

// Scales and offsets, or centroids, of a row. Those of a whole row are read once and kept.
std::uint64_t values_per_row(const Layer& layer, unsigned bits) {
  if (layer.mode == Mode::codebook) return std::uint64_t{1} << bits;
  const bool offsets = !layer.precisions.at(bits).beta.empty();
  return std::uint64_t{layer.groups()} * (bits + (offsets ? 1U : 0U));
}

// A token's exponent has to be known before its first value is aligned: with a group per row, and
// where terms are rounded relative to it.
std::uint64_t activation_readings(const Layer& layer, const HardwareConfig& hardware) {
  return layer.group_size == 0 || !hardware.accumulator.exact() ? 2 : 1;
}

std::uint64_t stream_bytes(const CycleStats& stats, Stream first, Stream last) {
  std::uint64_t bytes = 0;
  for (auto i = static_cast<std::size_t>(first); i <= static_cast<std::size_t>(last); ++i)
    bytes += stats.stream_bytes.at(i);
  return bytes;
}

}  // namespace

IdealBytes ideal_bytes(const Layer& layer, unsigned bits, std::uint32_t tokens,
                       const HardwareConfig& hardware) {
  const std::uint64_t rows = padded_rows(layer, hardware);
  const std::uint64_t columns = tiling_of(layer, hardware).columns;
  const std::uint64_t passes = ceil_div(tokens, hardware.tokens);
  return {.weights = passes * rows * columns * bits / 8,
          .scales = passes * rows * values_per_row(layer, bits) * sizeof(Half),
          .activations = tokens * activation_readings(layer, hardware) * columns * sizeof(Half)};
}

Bounds bounds(const Layer& layer, unsigned bits, std::uint32_t tokens,
              const HardwareConfig& hardware) {
  const std::uint64_t group_cycles = layer.groups() *
                                     ceil_div(layer.group_columns(), hardware.columns) *
                                     rounds_of(layer.mode, bits);
  const std::uint64_t bytes = ideal_bytes(layer, bits, tokens, hardware).total();
  return {.compute_cycles =
              ceil_div(layer.m, hardware.rows) * ceil_div(tokens, hardware.tokens) * group_cycles,
          .memory_cycles = ceil_div(bytes, read_bytes_per_cycle(hardware))};
}

Rates rates(const Layer& layer, unsigned bits, std::uint32_t tokens, const CycleStats& stats,
            const Config& config) {
  const auto cycles = static_cast<double>(stats.cycles);
  const double seconds = cycles / (config.system.clock_mhz * 1e6);
  const double operations = 2.0 * layer.m * layer.k * tokens;
  const std::uint64_t bytes = bytes_read(stats) + bytes_written(stats);
  const auto busy = static_cast<double>(stats.by_cause[static_cast<std::size_t>(Cause::busy)]);
  const auto read_rate = static_cast<double>(read_bytes_per_cycle(config.hardware));
  return {.seconds = seconds,
          .tops = operations / seconds * 1e-12,
          .binary_tops = operations * bits / seconds * 1e-12,
          .gigabytes_per_second = static_cast<double>(bytes) / seconds * 1e-9,
          .array_utilization = busy / cycles,
          .memory_utilization = static_cast<double>(bytes_read(stats)) / (cycles * read_rate)};
}

std::uint64_t bytes_read(const CycleStats& stats) {
  return stream_bytes(stats, Stream::weights, Stream::descriptors);
}

std::uint64_t bytes_written(const CycleStats& stats) {
  return stream_bytes(stats, Stream::outputs, Stream::completions);
}

}  // namespace bitloom
