// SPDX-License-Identifier: Apache-2.0
// The "fixed" memory model: every burst takes the same latency, at full rate on every port, with
// any number of bursts under way. For tests each burst may take a random extra time.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <vector>

#include "sim/mem/address_space.hpp"
#include "sim/mem/memory.hpp"

namespace bitloom::sim {

/// The random extra time of a burst is uniform in 0..jitter. It depends on the seed, on the stream
/// (port, operation, id) and on how many bursts of that stream came before, and not on how the
/// streams interleave.
struct FixedTiming {
  Picoseconds latency = 0;
  Picoseconds jitter = 0;
  std::uint64_t seed = 0;
};

class FixedMemory final : public Memory {
 public:
  /// `space` says which addresses are mapped; it must outlive the model.
  FixedMemory(const FixedTiming& timing, const AddressSpace& space)
      : timing_(timing), space_(space) {}

  bool try_issue(const MemoryRequest& request, Picoseconds now) override;
  [[nodiscard]] Picoseconds next_event() const override;
  void completions(Picoseconds now, std::vector<MemoryCompletion>& due) override;

 private:
  struct Stream {
    std::uint64_t issued = 0;
    Picoseconds last_completion = 0;
  };

  using Port = std::array<std::array<Stream, kMaxMemoryIds>, 2>;  // by operation and id

  Stream& stream(const MemoryRequest& request);

  FixedTiming timing_;
  const AddressSpace& space_;
  std::vector<Port> ports_;
  std::deque<MemoryCompletion> pending_;  // in order of time, equal times in order of issue
};

}  // namespace bitloom::sim
