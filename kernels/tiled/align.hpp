// SPDX-License-Identifier: Apache-2.0
// Alignment of a block's range of activations in shared memory: every block aligns what it needs,
// so that a call is one launch.
#pragma once

#include <cstdint>

#include "kernels/platform/platform.hpp"
#include "kernels/tiled/call.hpp"
#include "kernels/tiled/cores.hpp"
#include "kernels/tiled/plan.hpp"
#include "sw/contract/half.hpp"

namespace bitloom::kernels::BL_PLATFORM {

/// contract::aligned_mantissa() in 32-bit arithmetic.
BL_HD constexpr std::int32_t aligned_mantissa32(Half x, int group_exponent,
                                                unsigned mantissa_bits) {
  const int shift =
      contract::exponent(x) - 10 + static_cast<int>(mantissa_bits) - 2 - group_exponent;
  const std::uint32_t exact = contract::significand(x);
  std::uint32_t magnitude = 0;
  if (shift >= 0) {
    magnitude = exact << shift;  // below 2^(MB-1)
  } else if (shift >= -12) {     // below that it is less than half
    const std::uint32_t below = (1U << -shift) - 1;
    const std::uint32_t odd = (exact >> -shift) & 1;
    magnitude = (exact + (below >> 1) + odd) >> -shift;
  }
  const std::uint32_t limit = (1U << (mantissa_bits - 1)) - 1;
  const auto value = static_cast<std::int32_t>(magnitude < limit ? magnitude : limit);
  return contract::is_negative(x) ? -value : value;
}

/// A group's exponent so that the largest of several is that of all their nonzero values: 0 where
/// there is none.
inline constexpr int kKeyOfMinExponent = 1;
BL_DEVICE int key_of_exponent(int exponent) {
  return exponent - contract::kMinExponent + kKeyOfMinExponent;
}
BL_DEVICE int exponent_of_key(int key) {
  return key == 0 ? contract::kMinExponent : key - kKeyOfMinExponent + contract::kMinExponent;
}

/// A block's aligned range in shared memory, and what is to know of it.
struct AlignedRange {
  std::uint32_t* operand;  // [steps][Core::kStepWords]
  std::int32_t* sums;      // [token][block of columns]: of the mantissas
  std::int32_t* shifts;    // [token][block of columns]: E_g - base
  std::int32_t* base;      // [token]: the least E_g of the range's groups that are not zero
  std::int32_t* spread;    // [token]: the largest of its shifts; kNotFinite
  std::int32_t* row_keys;  // [token]: of the whole token, where a row is one group
};
inline constexpr std::int32_t kNotFinite = -1;

/// In tiled::aligned_bytes() of memory.
template <class Core>
BL_DEVICE AlignedRange place_aligned_range(const TiledCall& call, std::uint8_t* shared) {
  const std::uint32_t pairs = range_pairs(call);
  const std::uint32_t blocks = Core::kTokens * pairs * pair_blocks(call.group_columns);
  AlignedRange range{};
  range.operand = reinterpret_cast<std::uint32_t*>(shared);
  range.sums = reinterpret_cast<std::int32_t*>(range.operand + 2 * pairs * Core::kStepWords);
  range.shifts = range.sums + blocks;
  range.base = range.shifts + blocks;
  range.spread = range.base + tiled::kMaxTokens;
  range.row_keys = range.spread + tiled::kMaxTokens;
  return range;
}

/// Eight activations from `column` on; 0 beyond K and for tokens that are not there.
BL_DEVICE void load_eight(const TiledCall& call, std::uint32_t token, std::uint32_t column,
                          Half (&x)[8]) {
  const Half* from = call.x + std::size_t{token} * call.k + column;
  if (token < call.tokens && column + 8 <= call.k && call.k % 8 == 0) {
    const Words4 words = *reinterpret_cast<const Words4*>(from);
    const std::uint32_t w[4] = {words.x, words.y, words.z, words.w};
    BL_UNROLL
    for (unsigned j = 0; j < 8; ++j)
      x[j].bits = static_cast<std::uint16_t>(w[j / 2] >> (16 * (j % 2)));
    return;
  }
  BL_UNROLL
  for (unsigned j = 0; j < 8; ++j)
    x[j] = token < call.tokens && column + j < call.k ? from[j] : Half{};
}

BL_DEVICE int key_of_eight(const Half (&x)[8]) {
  int key = 0;
  BL_UNROLL
  for (const Half v : x) {
    const int of_this = (v.bits & 0x7FFF) == 0 ? 0 : key_of_exponent(contract::exponent(v));
    key = of_this > key ? of_this : key;
  }
  return key;
}

template <class T>
BL_DEVICE T larger(T a, T b) {
  return a > b ? a : b;
}

BL_DEVICE int warp_max(int value, unsigned lanes) {
  for (unsigned mask = 1; mask < lanes; mask *= 2) value = larger(value, shuffle_xor(value, mask));
  return value;
}

/// Keys of whole tokens, for layers with one group per row.
BL_DEVICE void find_row_keys(const TiledCall& call, const AlignedRange& range) {
  const unsigned lane = thread_index() % kWarp;
  for (std::uint32_t token = thread_index() / kWarp; token < call.tokens;
       token += block_threads() / kWarp) {
    int key = 0;
    for (std::uint32_t column = 8 * lane; column < call.k; column += 8 * kWarp) {
      Half x[8];
      load_eight(call, token, column, x);
      key = larger(key, key_of_eight(x));
    }
    key = warp_max(key, kWarp);
    if (lane == 0) range.row_keys[token] = key;
  }
}

/// Mantissas, sums and keys (in `shifts`) of the range; a warp takes a token's pair at a time.
template <class Core>
BL_DEVICE void align_pairs(const TiledCall& call, std::uint32_t first, std::uint32_t pairs,
                           const AlignedRange& range) {
  const unsigned lane = thread_index() % kWarp;
  const std::uint32_t blocks = pair_blocks(call.group_columns);
  const unsigned block_lanes = kWarp / blocks;
  for (std::uint32_t unit = thread_index() / kWarp; unit < Core::kTokens * pairs;
       unit += block_threads() / kWarp) {
    const std::uint32_t token = unit / pairs;
    const std::uint32_t pair = unit % pairs;
    Half x[8];
    load_eight(call, token, (first + pair) * tiled::kPairColumns + 8 * lane, x);
    int key = warp_max(key_of_eight(x), call.group_columns / 8);
    if (call.group_columns == 0) key = token < call.tokens ? range.row_keys[token] : 0;

    Mantissas mantissas{};
    std::int32_t sum = 0;
    BL_UNROLL
    for (unsigned j = 0; j < 8; ++j) {
      mantissas.m[j] = aligned_mantissa32(x[j], exponent_of_key(key), call.mantissa_bits);
      sum += mantissas.m[j];
    }
    Core::store(range.operand + (2 * pair + lane / 16) * Core::kStepWords, token, lane % 16,
                mantissas);
    for (unsigned mask = 1; mask < block_lanes; mask *= 2) sum += shuffle_xor(sum, mask);
    if (lane % block_lanes == 0) {
      const std::uint32_t at = (token * pairs + pair) * blocks + lane / block_lanes;
      range.sums[at] = sum;
      range.shifts[at] = key;
    }
  }
}

/// base and spread of every token, and shifts from keys; a warp takes a token at a time.
template <class Core>
BL_DEVICE void find_shifts(const TiledCall& call, std::uint32_t pairs, const AlignedRange& range) {
  constexpr int kNone = 1 << 20;
  const unsigned lane = thread_index() % kWarp;
  const std::uint32_t blocks = pairs * pair_blocks(call.group_columns);
  for (std::uint32_t token = thread_index() / kWarp; token < Core::kTokens;
       token += block_threads() / kWarp) {
    std::int32_t* keys = range.shifts + token * blocks;
    int largest = 0;
    int least_negated = -kNone;
    for (std::uint32_t i = lane; i < blocks; i += kWarp) {
      largest = larger(largest, keys[i]);
      if (keys[i] != 0) least_negated = larger(least_negated, -keys[i]);
    }
    largest = warp_max(largest, kWarp);
    const int least = largest == 0 ? 0 : -warp_max(least_negated, kWarp);
    const bool finite = largest < key_of_exponent(contract::kNonFiniteExponent);
    for (std::uint32_t i = lane; i < blocks; i += kWarp)
      keys[i] = finite && keys[i] != 0 ? keys[i] - least : 0;
    if (lane == 0) {
      range.base[token] = exponent_of_key(least);
      range.spread[token] = finite ? largest - least : kNotFinite;
    }
  }
}

/// All of the above; ends with a barrier.
template <class Core>
BL_DEVICE void align_range(const TiledCall& call, std::uint32_t first, std::uint32_t pairs,
                           const AlignedRange& range) {
  if (call.group_columns == 0) {
    find_row_keys(call, range);
    block_barrier();
  }
  align_pairs<Core>(call, first, pairs, range);
  block_barrier();
  find_shifts<Core>(call, pairs, range);
  block_barrier();
}

}  // namespace bitloom::kernels::BL_PLATFORM
