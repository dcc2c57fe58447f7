// SPDX-License-Identifier: Apache-2.0
// When a memory answers: the timing interface that the testbench and the cycle model share.
// Requests are whole bursts; the data beats of a burst are streamed by the port, one per port
// clock, from the completion on. A model keeps no data, so the cycle model needs none either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace bitloom::sim {

/// Simulated time. 2^64 picoseconds are 213 days.
using Picoseconds = std::uint64_t;
inline constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();

enum class MemoryOp : std::uint8_t { read, write };

/// AXI ids are below this.
inline constexpr std::size_t kMaxMemoryIds = 16;

/// One burst. A read is issued when its address is accepted, a write when its last beat is.
struct MemoryRequest {
  std::uint32_t port = 0;  ///< channel the burst came in on
  std::uint32_t id = 0;    ///< bursts of one port, operation and id complete in order of issue
  MemoryOp op = MemoryOp::read;
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  std::uint64_t tag = 0;  ///< returned with the completion
};

/// From `time` on the first data beat of a read, or the response of a write, may be transferred.
/// `ok` is false when the burst touched an address that is not mapped (DECERR).
struct MemoryCompletion {
  std::uint64_t tag = 0;
  Picoseconds time = 0;
  bool ok = true;
};

class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;

  /// Offers a request at time `now`, which never decreases from call to call. False: the memory's
  /// queue is full; offer it again after the next event.
  virtual bool try_issue(const MemoryRequest& request, Picoseconds now) = 0;

  /// The time at which something happens next (a completion, or room in a full queue); kNever when
  /// nothing is under way.
  [[nodiscard]] virtual Picoseconds next_event() const = 0;

  /// Appends the completions due at or before `now`, in order of time, equal times in order of
  /// issue. Each is returned once.
  virtual void completions(Picoseconds now, std::vector<MemoryCompletion>& due) = 0;
};

}  // namespace bitloom::sim
