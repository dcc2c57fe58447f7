// SPDX-License-Identifier: Apache-2.0
// Where a wrong result of the hardware begins: the first partial sum S(row, group, plane) of an
// event trace that golden does not have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <span>
#include <vector>

#include "gen/config.hpp"
#include "host/runtime/compare.hpp"
#include "host/runtime/localization.hpp"
#include "host/runtime/run.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// Of what an event trace (docs/simulation.md) has partial sums.
struct TracedOutput {
  std::uint64_t index = 0;  ///< descriptor
  std::uint32_t token = 0;  ///< of the descriptor
  std::uint32_t row = 0;
  friend bool operator==(const TracedOutput&, const TracedOutput&) = default;
};

/// Where a token of a call is: a call has a descriptor for every `tokens` tokens of the hardware.
TracedOutput traced_output(const Mismatch& mismatch, const HardwareConfig& hardware);

/// The partial sums of one output, in the order in which they were made. Other records are passed
/// over.
std::vector<TracedPartial> read_partials(std::istream& trace, const TracedOutput& output);

/// The first of `traced` that differs from `expected` ([groups, rounds]: planes or codes); empty
/// when none does.
std::optional<Difference> first_difference(std::span<const TracedPartial> traced,
                                           std::span<const std::int64_t> expected,
                                           std::uint32_t rounds);

/// Throws Error rtl_fault unless the trace has all the partial sums expected: only a whole trace
/// can show that all are right.
void check_complete(std::span<const TracedPartial> traced, std::span<const std::int64_t> expected,
                    const Mismatch& mismatch, const std::filesystem::path& trace);

/// Cycles of the waveform before and behind the first wrong partial sum.
inline constexpr std::uint64_t kCyclesBefore = 400;
inline constexpr std::uint64_t kCyclesBehind = 50;

/// Repeats the run in the executable that can be observed, once for the trace and once for a
/// waveform (mismatch.fst in `directory`) around the first wrong partial sum, or around the row's
/// last one when all are right, or when the token holds a NaN or Inf and so has none that golden
/// could compare. Works because a run repeats cycle for cycle. Throws Error rtl_fault as the device
/// does, and when the trace is missing or incomplete.
Localization locate_mismatch(const Layer& layer, const Activations& acts, const RunOptions& options,
                             const Mismatch& mismatch, const std::filesystem::path& directory);

}  // namespace bitloom
