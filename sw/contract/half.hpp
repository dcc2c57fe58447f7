// SPDX-License-Identifier: Apache-2.0
// What the contract reads in a binary16 value.
#pragma once

#include <cstdint>

#include "sw/contract/host_device.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom::contract {

inline constexpr int kMinExponent = -14;       ///< the smallest normal exponent of binary16
inline constexpr int kMaxExponent = 15;        ///< the largest exponent of a finite binary16
inline constexpr int kNonFiniteExponent = 16;  ///< what exponent() answers for NaN and Inf

/// e(v): floor(log2 |v|) of a finite v, but not below -14; 16 for NaN and Inf. Zero has -14, which
/// is what the contract gives a set without a nonzero value: the maximum over any set of values is
/// its E, and a maximum of 16 tells that the set holds a NaN or Inf.
BL_HD constexpr int exponent(Half v) {
  const int field = (v.bits >> 10) & 0x1F;
  return (field == 0 ? 1 : field) - 15;
}

BL_HD constexpr bool is_finite(Half v) { return exponent(v) != kNonFiniteExponent; }

/// The magnitude of a finite v is significand * 2^(exponent(v) - 10); 0..2047.
BL_HD constexpr std::uint32_t significand(Half v) {
  const bool normal = (v.bits & 0x7C00) != 0;
  return (v.bits & 0x3FFU) | (normal ? 0x400U : 0U);
}

BL_HD constexpr bool is_negative(Half v) { return (v.bits & 0x8000) != 0; }

/// A finite v as an integer number of 2^-24, the unit of binary16's subnormals: |result| < 2^40.
BL_HD constexpr std::int64_t units(Half v) {
  const std::int64_t magnitude = std::int64_t{significand(v)} << (exponent(v) - kMinExponent);
  return is_negative(v) ? -magnitude : magnitude;
}

/// The largest e(v) of `count` values, at least -14: E_g of a group, E_s of a layer's tables.
BL_HD constexpr int max_exponent(const Half* values, std::size_t count) {
  int largest = kMinExponent;
  for (std::size_t i = 0; i < count; ++i) {
    const int e = exponent(values[i]);
    if (e > largest) largest = e;
  }
  return largest;
}

}  // namespace bitloom::contract
