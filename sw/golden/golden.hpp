// SPDX-License-Identifier: Apache-2.0
// The arithmetic contract (docs/arithmetic.md) once more, written from its text alone on top of a
// multiprecision integer library: slow, plain, and sharing no code with any other implementation,
// so that an agreement between golden and another backend means something.
#pragma once

#include <cstdint>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom {

/// y = W x at precision `bits` for all tokens, bit for bit as the contract defines it.
///
/// `layer` serves `bits` (1..8) with finite tables; acts.k = layer.k. `nan_tokens`, unless null,
/// gets one flag per token: true when it held a NaN or Inf, in which case its outputs are the
/// canonical quiet NaN. Large layers use all cores. Throws std::invalid_argument when an argument
/// is outside these ranges or arithmetic.mantissa_bits is not in 8..24 or the accumulator not
/// in 32..128.
Outputs golden_outputs(const Layer& layer, unsigned bits, const Activations& acts,
                       Arithmetic arithmetic, OutputFormat format,
                       std::vector<bool>* nan_tokens = nullptr);

/// The signed sums that an array of planes makes for one output row and token, in units of an
/// aligned activation, for finding the first one that differs. In the order [groups, bits] the
/// integers S(r,g,i) of the contract; in codebook mode [groups, 2^bits] the sums of the one-hot
/// planes, in which a column is +1 where its code is c and -1 elsewhere. A group per row is taken
/// in blocks of 256 columns, with any accumulator. Arguments as in golden_outputs; a token with a
/// NaN or Inf gives an empty vector.
std::vector<std::int64_t> golden_partials(const Layer& layer, unsigned bits,
                                          const Activations& acts, Arithmetic arithmetic,
                                          std::uint32_t token, std::uint32_t row);

}  // namespace bitloom
