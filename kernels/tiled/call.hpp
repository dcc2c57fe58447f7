// SPDX-License-Identifier: Apache-2.0
// One launch of a tiled kernel: what it works on and how the work is divided.
//
// Blocks are row_blocks x ranges: a block takes a share of the row tiles and a range of the pairs
// of steps (256 columns). Its warps take its row tiles in turn. Where there are several ranges
// (split K), each writes its part of the sum to `partial`, and the last block to come of a row
// block adds the parts up, which gives the same bits in any order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/platform/platform.hpp"
#include "kernels/tiled/tiles.hpp"
#include "sw/contract/host_device.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom::kernels::BL_PLATFORM {

struct TiledCall {
  // The call.
  unsigned mantissa_bits;
  OutputFormat format;
  unsigned bits;
  std::uint32_t tokens;  // at most kMaxTokens
  std::uint32_t m;
  std::uint32_t k;
  std::uint32_t group_columns;  // 32..256; 0: one group per row

  // Its layer.
  std::uint32_t row_tiles;
  std::uint32_t pairs;
  std::uint32_t table_groups;  // TileShape::groups
  std::uint32_t pair_groups;
  unsigned terms;
  bool offsets;
  int table_unit;  // TileTable
  int table_bits;
  const std::uint32_t* planes;
  const Half* table;

  // Division of the work.
  unsigned ranges;
  unsigned row_blocks;
  unsigned stages;  // of each warp's ring of pairs: 2 or 4

  // Data.
  const Half* x;             // [T, K]
  std::uint32_t* y;          // [T, M]
  std::uint8_t* nan_tokens;  // [T]
  Words4* partial;           // [ranges, T, M], each a Fixed; unused with one range
  std::uint32_t* arrivals;   // [row_blocks], 0 before and after a launch
};

// ---- Sizes that host and device derive from a call ----------------------------------------------

BL_HD constexpr std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; }

/// Columns that enter the sum with one scale and one exponent.
BL_HD constexpr std::uint32_t block_columns(std::uint32_t group_columns) {
  return group_columns == 0 || group_columns > tiled::kStepColumns ? tiled::kStepColumns
                                                                   : group_columns;
}
BL_HD constexpr std::uint32_t pair_blocks(std::uint32_t group_columns) {
  return tiled::kPairColumns / block_columns(group_columns);
}

/// The first pair of a range; `range` may be `ranges`.
BL_HD constexpr std::uint32_t range_begin(std::uint32_t pairs, unsigned ranges, unsigned range) {
  return static_cast<std::uint32_t>(std::uint64_t{pairs} * range / ranges);
}

BL_HD constexpr std::uint32_t range_pairs(const TiledCall& call) {
  return ceil_div(call.pairs, call.ranges);  // of the longest range
}

/// Bytes of a pair's planes and terms in a warp's ring.
BL_HD constexpr std::uint32_t pair_plane_bytes(const TiledCall& call) {
  return call.bits * 2 * tiled::kStepBytes;
}
BL_HD constexpr std::uint32_t pair_table_bytes(const TiledCall& call) {
  return call.pair_groups * call.terms * tiled::kTermBytes;
}
BL_HD constexpr std::uint32_t stage_bytes(const TiledCall& call) {
  return pair_plane_bytes(call) + pair_table_bytes(call);
}

}  // namespace bitloom::kernels::BL_PLATFORM
