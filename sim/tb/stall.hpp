// SPDX-License-Identifier: Apache-2.0
// Random backpressure: tests hold back each AXI handshake in a share of the cycles.
#pragma once

#include <cstdint>

namespace bitloom::sim {

class StallSource {
 public:
  /// `percent` of all questions are answered with yes (0 = none, at most 90).
  StallSource(unsigned percent, std::uint64_t seed)
      : threshold_(std::uint64_t{percent} * ((std::uint64_t{1} << 32) / 100)),
        state_(seed * 2 + 1) {}  // the state of a xorshift generator must not be 0

  /// Should this handshake wait in this cycle?
  bool operator()() {
    if (threshold_ == 0) return false;
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (state_ >> 32) < threshold_;
  }

 private:
  std::uint64_t threshold_;
  std::uint64_t state_;
};

}  // namespace bitloom::sim
