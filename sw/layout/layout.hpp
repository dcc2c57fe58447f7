// SPDX-License-Identifier: Apache-2.0
// The hardware's memory images, derived when a layer is loaded (docs/layout.md). The images follow
// the order in which the array consumes them, so every stream is read front to back.
//
//   weights:      [row tile][group][plane < plane_count][slice] plane words
//                 plane word = rows x columns bits, bit r * columns + c, LSB first; a set bit is
//                 +1. Planes beyond b are skipped: their words are never addressed.
//   scales (b):   [row tile][group][alpha_0 .. alpha_(b-1), beta if any] vectors of `rows` binary16
//   activations:  [token] Kp binary16 values, each token padded to whole beats
//   outputs:      [token] values of all row tiles in row order, each token padded to whole beats
//
// A group has ceil(G / columns) slices. Rows beyond M hold zero bits and zero scales; columns
// beyond K, or beyond their group, hold zero bits and zero activations. Every image ends with zero
// bytes up to a whole beat of the memory port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gen/config.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

using Image = std::vector<std::uint8_t>;

/// Every image starts at a multiple of this many bytes (so bursts never cross 4 KiB early).
inline constexpr std::size_t kImageAlignment = 4096;

/// The planes of a layer, all of them, so that one image serves every precision.
Image weight_image(const Layer& layer, const HardwareConfig& hardware);

/// Scales, and offsets where the layer has them, of precision `bits` of a layer in BCQ mode. Throws
/// std::out_of_range when the layer does not serve that precision.
Image scale_image(const Layer& layer, unsigned bits, const HardwareConfig& hardware);

/// Activations of tokens [first, first + count) of `acts`; padded_k is the layer's Kp.
Image activation_image(const Activations& acts, std::uint32_t first, std::uint32_t count,
                       std::uint32_t padded_k, const HardwareConfig& hardware);

std::size_t output_image_bytes(std::uint32_t m, std::uint32_t tokens, OutputFormat format,
                               const HardwareConfig& hardware);

/// The results of `tokens` tokens from an output image (of output_image_bytes at least), appended
/// to `bits` in [T, M] order.
void read_output_image(std::span<const std::uint8_t> image, std::uint32_t m, std::uint32_t tokens,
                       OutputFormat format, const HardwareConfig& hardware,
                       std::vector<std::uint32_t>& bits);

}  // namespace bitloom
