// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every machine: 64-bit integer arithmetic, and doubles in
// which only + - * / and sqrt occur, which IEEE 754 fixes to the last bit. The standard library's
// distributions and its log() are not fixed so.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace bitloom {

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014):
/// output n is a hash of seed + n * gamma, so streams with different seeds need no jumping ahead.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    return mix(state_);
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

/// The seed of stream `index` of the purpose `name` under a user's seed.
inline std::uint64_t stream_seed(std::uint64_t seed, std::string_view name, std::uint64_t index) {
  std::uint64_t hash = SplitMix64::mix(seed + 1);
  for (const char c : name) hash = SplitMix64::mix(hash ^ static_cast<unsigned char>(c));
  return SplitMix64::mix(hash + index);
}

/// Natural logarithm of a normal x > 0, within 2 ulp: ln(m * 2^e) = e ln 2 + 2 atanh((m-1)/(m+1))
/// with m in [1/sqrt 2, sqrt 2) and atanh by its series, whose 12th term is below 2^-60.
inline double fixed_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.5 * std::numbers::sqrt2) {
    m *= 2;
    --exponent;
  }
  const double t = (m - 1) / (m + 1);
  const double square = t * t;
  double series = 0;
  for (int n = 23; n >= 1; n -= 2) series = series * square + 1.0 / n;
  return exponent * std::numbers::ln2 + 2 * t * series;
}

/// Standard normal values by Marsaglia's polar method.
class NormalStream {
 public:
  explicit NormalStream(std::uint64_t seed) : random_(seed) {}

  double next() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double u = 0;
    double v = 0;
    double s = 0;
    do {
      u = 2 * random_.uniform() - 1;
      v = 2 * random_.uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s == 0);
    const double radius = std::sqrt(-2 * fixed_log(s) / s);
    spare_ = v * radius;
    has_spare_ = true;
    return u * radius;
  }

  double uniform() { return random_.uniform(); }

 private:
  SplitMix64 random_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace bitloom
