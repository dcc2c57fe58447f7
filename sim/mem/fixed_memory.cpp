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

FixedMemory::Stream& FixedMemory::stream(const MemoryRequest& request) {
  if (request.port >= ports_.size()) ports_.resize(request.port + 1);
  return ports_[request.port].at(request.op == MemoryOp::write ? 1 : 0).at(request.id);
}

bool FixedMemory::try_issue(const MemoryRequest& request, Picoseconds now) {
  Stream& stream = this->stream(request);
  Picoseconds time = now + timing_.latency;
  if (timing_.jitter != 0)
    time += mix(mix(timing_.seed ^ mix(stream_key(request) + 1)) + stream.issued) %
            (timing_.jitter + 1);
  time = std::max(time, stream.last_completion);
  ++stream.issued;
  stream.last_completion = time;

  // Without jitter a burst completes after all those before it. With jitter it completes before
  // some of them, which are found from the end: that takes as long as it overtakes bursts.
  auto place = pending_.end();
  while (place != pending_.begin() && std::prev(place)->time > time) --place;
  pending_.insert(place, {request.tag, time, space_.contains(request.address, request.bytes)});
  return true;
}

Picoseconds FixedMemory::next_event() const {
  return pending_.empty() ? kNever : pending_.front().time;
}

void FixedMemory::completions(Picoseconds now, std::vector<MemoryCompletion>& due) {
  while (!pending_.empty() && pending_.front().time <= now) {
    due.push_back(pending_.front());
    pending_.pop_front();
  }
}

}  // namespace bitloom::sim
