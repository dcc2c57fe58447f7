// SPDX-License-Identifier: Apache-2.0
#include "sim/mem/fixed_memory.hpp"

#include <algorithm>

namespace bitloom::sim {
namespace {

// A bijective mixer with full avalanche (three xor-shift-multiply rounds): neighbouring inputs give
// unrelated outputs, so a counter is all the state that the random times need.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93U;
  value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93U;
  return value ^ (value >> 32);
}

std::uint64_t stream_key(const MemoryRequest& request) {
  return (std::uint64_t{request.port} << 33) | (std::uint64_t{request.id} << 1) |
         (request.op == MemoryOp::write ? 1U : 0U);
}

}  // namespace

bool FixedMemory::try_issue(const MemoryRequest& request, Picoseconds now) {
  const std::uint64_t key = stream_key(request);
  Stream& stream = streams_[key];
  Picoseconds time = now + timing_.latency;
  if (timing_.jitter != 0)
    time += mix(mix(timing_.seed ^ mix(key + 1)) + stream.issued) % (timing_.jitter + 1);
  time = std::max(time, stream.last_completion);
  ++stream.issued;
  stream.last_completion = time;

  const MemoryCompletion completion{request.tag, time,
                                    space_.contains(request.address, request.bytes)};
  const auto later = [](const MemoryCompletion& a, const MemoryCompletion& b) {
    return a.time > b.time;
  };
  // lower_bound puts an equal time in front of, that is after, those already pending.
  pending_.insert(std::lower_bound(pending_.begin(), pending_.end(), completion, later),
                  completion);
  return true;
}

Picoseconds FixedMemory::next_event() const {
  return pending_.empty() ? kNever : pending_.back().time;
}

void FixedMemory::completions(Picoseconds now, std::vector<MemoryCompletion>& due) {
  while (!pending_.empty() && pending_.back().time <= now) {
    due.push_back(pending_.back());
    pending_.pop_back();
  }
}

}  // namespace bitloom::sim
