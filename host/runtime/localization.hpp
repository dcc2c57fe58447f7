// SPDX-License-Identifier: Apache-2.0
// What is found out about the place inside the hardware where a result went wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace bitloom {

/// A partial sum of one output row and token, as the trace has it (golden_partials).
struct TracedPartial {
  std::uint64_t cycle = 0;
  std::uint32_t group = 0;  ///< of the layer, or of 256 columns where a row is one group
  std::uint32_t plane = 0;  ///< in codebook mode the code, whose one-hot plane it is
  std::int64_t value = 0;
};

/// A partial sum that golden does not have.
struct Difference {
  TracedPartial found;
  std::int64_t expected = 0;
};

struct Localization {
  std::size_t compared = 0;              ///< partial sums; 0 for a token that holds a NaN or Inf
  std::optional<Difference> difference;  ///< empty: all that were compared are right
  std::uint64_t from = 0;                ///< cycles of the waveform
  std::uint64_t to = 0;
  std::filesystem::path wave;
};

}  // namespace bitloom
