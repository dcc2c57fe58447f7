// SPDX-License-Identifier: Apache-2.0
// How the tiled kernels hold a layer: bit-planes in the order in which the lanes of a warp take
// them as operands of tensor-core instructions, tables in the order in which they are used. Made
// from the interchange layout (docs/formats.md) when a layer is loaded.
//
// Planes: words[plane][row tile of 16][step of 128 columns][lane of 32][half of 2]. With g = lane/4
// and q = lane%4 the word holds row 16 tile + 8 half + g, columns 128 step + 32 q + 0..31, bit i
// being column i. Steps come in pairs: 512 bytes are 16 rows of 256 columns of one plane. A plane
// is contiguous, so that a precision reads its planes and no others.
//
// Tables: values[row tile][group][term][g of 8][half of 2] in BCQ mode, with the b scales as terms
// 0..b-1 and the offset, if there is one, as term b; values[row tile][code][g][half] in codebook
// mode. What lies beyond the layer's rows, columns and groups is 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom::kernels::tiled {

inline constexpr std::uint32_t kTileRows = 16;
inline constexpr std::uint32_t kStepColumns = 128;
inline constexpr std::uint32_t kPairColumns = 2 * kStepColumns;
inline constexpr std::uint32_t kStepBytes = kTileRows * kStepColumns / 8;  ///< of one plane
inline constexpr std::uint32_t kTermBytes = kTileRows * 2;                 ///< of a term's 16 rows
inline constexpr unsigned kMaxCodebookBits = 4;
inline constexpr unsigned kMaxTokens = 16;  ///< at once; more are split

/// Exact accumulators; BCQ at every precision, codebooks of at most 4 bits.
bool supports(const LayerShape& shape, unsigned bits, Arithmetic arithmetic);

/// A layer's sizes in tiles.
struct TileShape {
  explicit TileShape(const LayerShape& shape);

  std::uint32_t row_tiles;    ///< ceil(M / 16)
  std::uint32_t pairs;        ///< ceil(K / 256)
  std::uint32_t groups;       ///< of a row tile in a table: of all pairs, or 1
  std::uint32_t pair_groups;  ///< of a pair: 256 / G, or 1 where all pairs share one

  [[nodiscard]] std::size_t plane_words() const {
    return std::size_t{row_tiles} * pairs * 2 * (kStepBytes / 4);
  }
};

/// All planes of the layer; bits at k >= K are cleared.
std::vector<std::uint32_t> tile_planes(const Layer& layer);

/// The planes in the interchange layout, [plane_count, M, ceil(K/8)].
std::vector<std::uint8_t> untile_planes(const std::vector<std::uint32_t>& words,
                                        const LayerShape& shape);

/// A precision's scales and offsets, or centroids, and the integers that they are.
struct TileTable {
  std::vector<Half> values;
  unsigned terms = 0;    ///< of a group: b, b + 1 or 2^b
  bool offsets = false;  ///< the last term is the offset
  int unit = 0;          ///< every value is an integer times 2^unit, ...
  int bits = 0;          ///< ... of a magnitude below 2^bits
};

TileTable tile_table(const Layer& layer, unsigned bits);

}  // namespace bitloom::kernels::tiled
