// SPDX-License-Identifier: Apache-2.0
// A BCQ layer as it is filled, group by group. Bytes of different rows are distinct, so rows may be
// written from several threads.
#pragma once

#include <cstdint>
#include <string>

#include "sw/quant/quantized.hpp"
#include "sw/quant/scale_fit.hpp"

namespace bitloom {

/// A layer of these precisions with its planes and tables at 0, with offsets or without.
Layer empty_bcq_layer(std::string name, const FloatMatrix& weights, PrecisionRange precisions,
                      std::uint32_t group_size, bool offset);

/// Stores a group's scales at a precision. Throws Error quant_value when one is not finite.
void store_scales(Layer& layer, unsigned bits, std::uint32_t row, std::uint32_t group,
                  const GroupScales& scales);

}  // namespace bitloom
