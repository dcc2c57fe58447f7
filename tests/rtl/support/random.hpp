// SPDX-License-Identifier: Apache-2.0
// Seeded random choices: every run of a test sees the same ones.
#pragma once

#include <cstdint>
#include <random>

namespace bitloom::rtl {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits(unsigned width) { return engine_() >> (64 - width); }

  /// Uniform over [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }

  bool chance(unsigned percent) { return between(1, 100) <= percent; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace bitloom::rtl
