// SPDX-License-Identifier: Apache-2.0
// Terms, their rounding in narrow accumulators, and the width of the exact accumulator.
#pragma once

#include <cstdint>

#include "sw/contract/fixed.hpp"
#include "sw/contract/half.hpp"

namespace bitloom::contract {

/// One term of the sum: scale * sum * 2^(E_g-(MB-2)), exact. `scale` is a scale, offset or
/// centroid; `sum` a (signed) sum of aligned mantissas of one group, |sum| < 2^43.
///
/// In units of 2^-48 that is units(scale) * sum * 2^(E_g-(MB-2)+24). The last exponent is negative
/// only where every mantissa of the group has as many zeros at its end (an aligned activation is a
/// multiple of 2^-24), so the right shift drops nothing.
BL_HD constexpr Fixed term(Half scale, std::int64_t sum, int group_exponent,
                           unsigned mantissa_bits) {
  const Fixed product = Fixed{units(scale)} * sum;
  const int shift = group_exponent - (static_cast<int>(mantissa_bits) - 2) + 24;
  return shift >= 0 ? product << shift : product >> -shift;
}

/// What the contract admits: 8..24 mantissa bits, an exact accumulator or one of 32..128 bits.
BL_HD constexpr bool is_valid(Arithmetic arithmetic) {
  const unsigned bits = arithmetic.accumulator.bits;
  return arithmetic.mantissa_bits >= 8 && arithmetic.mantissa_bits <= 24 &&
         (bits == 0 || (bits >= 32 && bits <= 128));
}

/// n of a narrow accumulator: a column takes part in b + 1 terms in BCQ mode (b planes and the
/// offset, there or not), in one in codebook mode.
BL_HD constexpr unsigned terms_per_column(Mode mode, unsigned bits) {
  return mode == Mode::bcq ? bits + 1 : 1;
}

/// q: each term is rounded to a multiple of 2^q before it is added. For a narrow accumulator of A
/// bits q = E_s + E_x + 4 + ceil(log2(n * Kp)) - A, for an exact one -48, where every term is one.
///
/// scale_exponent is E_s, over all tables of the layer at this precision; token_exponent is E_x,
/// the largest E_g of the token; n = terms_per_column().
BL_HD constexpr int rounding_exponent(Accumulator accumulator, int scale_exponent,
                                      int token_exponent, unsigned n, std::uint32_t padded_k) {
  if (accumulator.bits == 0) return kFixedUnit;
  const int log2_terms = bit_width(std::uint64_t{n} * padded_k - 1);  // ceil(log2(n * Kp))
  return scale_exponent + token_exponent + 4 + log2_terms - static_cast<int>(accumulator.bits);
}

/// Columns whose sum makes one term: a group's; but a narrow accumulator takes a per-row group in
/// blocks of 256 columns, so that no implementation has to hold a row's sum before it rounds.
BL_HD constexpr std::uint32_t term_columns(std::uint32_t group_columns, Accumulator accumulator) {
  constexpr std::uint32_t kBlock = 256;
  return accumulator.bits != 0 && group_columns > kBlock ? kBlock : group_columns;
}

/// Bits of an accumulator that holds the exact sum of every layer with at most `max_bits` planes
/// and `max_k` columns: 2 + floor(log2((b + 1) * Kmax * 65504^2)) + 48.
BL_HD constexpr int exact_accumulator_bits(unsigned max_bits, std::uint32_t max_k) {
  constexpr std::uint64_t kLargestSquared = std::uint64_t{65504} * 65504;
  const Magnitude largest = Magnitude{max_bits + 1} * max_k * kLargestSquared;
  return 2 + (bit_width(largest) - 1) - kFixedUnit;
}

}  // namespace bitloom::contract
