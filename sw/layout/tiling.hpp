// SPDX-License-Identifier: Apache-2.0
// How the array works through a layer: the one place where tiles, blocks, slices and passes are
// derived from a layer and a configuration (docs/layout.md).
#pragma once

#include <cstdint>

#include "gen/config.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// Columns of a block of a per-row group: its row is worked on in such blocks.
inline constexpr std::uint32_t kRowBlockColumns = 256;

/// The order of passes is: row tile, block, round (a plane, or a code), pass. A *slice* is what one
/// plane word covers: `columns` columns. A *group* is one of the layer's, or a block of 256 columns
/// of a per-row group.
struct Tiling {
  std::uint32_t tiles = 0;          ///< row tiles of `rows` rows
  std::uint32_t group_columns = 0;  ///< columns of a group
  std::uint32_t groups = 0;         ///< in a row
  bool per_row = false;             ///< one set of scales and one exponent for all groups of a row
  /// The groups are narrower than the array: a block is a slice and holds several groups, whose
  /// passes take the same plane word. Otherwise a block is a group of one or more slices.
  bool shared_word = false;
  std::uint32_t blocks = 0;     ///< in a row tile
  std::uint32_t span = 0;       ///< passes of a block in a round: its groups, or its slices
  std::uint32_t last_span = 0;  ///< the same of a row tile's last block
  std::uint32_t slices = 0;     ///< plane words of a block and plane
  std::uint32_t columns = 0;    ///< of all slices of a row: K and the padding

  /// Groups of a block, but for the last one of a row tile.
  [[nodiscard]] std::uint32_t block_groups() const { return shared_word ? span : 1; }
};

Tiling tiling_of(const LayerShape& layer, const HardwareConfig& hardware);

/// Passes over a block: its b planes, or its 2^b codes.
std::uint32_t rounds_of(Mode mode, unsigned bits);

/// Vectors of the scale image of precision `bits`: one value per row of a row tile each.
std::uint64_t scale_vectors(const LayerShape& layer, unsigned bits, bool has_offset,
                            const HardwareConfig& hardware);

}  // namespace bitloom
