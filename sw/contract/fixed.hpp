// SPDX-License-Identifier: Apache-2.0
// The fixed-point number that holds every exact sum of the contract, and the two roundings that the
// contract applies to such numbers.
//
// Why 128 bits in units of 2^-48 are enough: a scale and an aligned activation are multiples of
// 2^-24, so every product is a multiple of 2^-48. The magnitudes of all terms of an output add up
// to at most (b + 1) * K * 65504^2 < 2^56 for b <= 8 and K <= 2^20: 105 bits with the sign.
#pragma once

#include <cstdint>

#include "sw/contract/host_device.hpp"

namespace bitloom::contract {

// __extension__ is what lets -Wpedantic accept 128-bit integers, and `using` does not take it.
__extension__ typedef __int128 Fixed;               // NOLINT(modernize-use-using)
__extension__ typedef unsigned __int128 Magnitude;  // NOLINT(modernize-use-using)

/// A Fixed counts units of 2^kFixedUnit.
inline constexpr int kFixedUnit = -48;

/// The number of bits up to the highest set one: 0 for 0, floor(log2 v) + 1 otherwise.
BL_HD constexpr int bit_width(Magnitude v) {
  int width = 0;
  for (int step = 64; step > 0; step /= 2) {
    if ((v >> step) != 0) {
      v >>= step;
      width += step;
    }
  }
  return width + (v != 0 ? 1 : 0);
}

/// v / 2^count rounded to an integer, to nearest, ties to even. count = 0..127; v < 2^127.
BL_HD constexpr Magnitude shift_right_nearest_even(Magnitude v, int count) {
  if (count == 0) return v;
  const Magnitude quotient = v >> count;
  const Magnitude rest = v - (quotient << count);
  const Magnitude half = Magnitude{1} << (count - 1);
  const bool up = rest > half || (rest == half && (quotient & 1) != 0);
  return quotient + (up ? 1 : 0);
}

/// floor(t / 2^q + 1/2) * 2^q: t rounded to a multiple of 2^q, halves upward. q is an absolute
/// exponent; t is a multiple of 2^-48 and stays what it is for q <= -48. |t| < 2^56, q <= 26.
BL_HD constexpr Fixed round_half_up(Fixed t, int q) {
  if (q <= kFixedUnit) return t;
  const int count = q - kFixedUnit;
  const Fixed half = Fixed{1} << (count - 1);
  return ((t + half) >> count) << count;  // >> of a negative number is a floor since C++20
}

}  // namespace bitloom::contract
