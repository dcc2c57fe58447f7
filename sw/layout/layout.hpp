// SPDX-License-Identifier: Apache-2.0
// The hardware's memory images, derived when a layer is loaded (docs/layout.md). The images follow
// the order in which the array consumes them, so every stream is read front to back.
//
//   weights:      [row tile][block][plane < plane_count][slice] plane words
//                 plane word = rows x columns bits, bit r * columns + c, LSB first: +1 of a BCQ
//                 plane, or a bit of a codebook index, plane 0 the most significant.
//   scales (b):   vectors of `rows` binary16, in the order of use
//                 BCQ:       [row tile][block][plane i < b][group of the block]: the offset, where
//                            i = 0 and there are offsets, then alpha_i
//                 per row:   [row tile]: the offset, if any, then alpha_0 .. alpha_(b-1)
//                 codebook:  [row tile]: C(0) .. C(2^b - 1)
//                 at the end a vector of zeros where their number is odd
//   activations:  [token] binary16 values of all slices, each token padded to whole lines
//   outputs:      [row tile][token][row], padded at the end to a whole beat
//
// Rows beyond M hold zero bits and zero scales; columns beyond K zero bits and zero activations.
// What is read ends with zero bytes up to a whole line, and is striped: of every line, one beat for
// each read channel, the channel's beats stand behind each other, in a part of whole pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gen/config.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// Every image, and every channel's part of one, starts at a multiple of this many bytes, so that
/// bursts never cross 4 KiB early.
inline constexpr std::size_t kImageAlignment = 4096;

/// Bytes to be read by all read channels side by side.
struct Image {
  std::vector<std::uint8_t> bytes;
  std::uint32_t stripe = 0;  ///< pages of kImageAlignment bytes from one channel's part to the next
};

/// The planes of a layer, all of them, so that one image serves every precision.
Image weight_image(const Layer& layer, const HardwareConfig& hardware);

/// Scales, and offsets where the layer has them, or centroids, of precision `bits`. Throws
/// std::out_of_range when the layer does not serve that precision.
Image scale_image(const Layer& layer, unsigned bits, const HardwareConfig& hardware);

/// Activations of tokens [first, first + count) of `acts`, for a layer of this shape.
Image activation_image(const Activations& acts, std::uint32_t first, std::uint32_t count,
                       const LayerShape& layer, const HardwareConfig& hardware);

std::size_t output_image_bytes(std::uint32_t m, std::uint32_t tokens, OutputFormat format,
                               const HardwareConfig& hardware);

/// The results of `tokens` tokens from an output image (of output_image_bytes at least), appended
/// to `bits` in [T, M] order.
void read_output_image(std::span<const std::uint8_t> image, std::uint32_t m, std::uint32_t tokens,
                       OutputFormat format, const HardwareConfig& hardware,
                       std::vector<std::uint32_t>& bits);

}  // namespace bitloom
