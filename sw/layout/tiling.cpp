// SPDX-License-Identifier: Apache-2.0
#include "sw/layout/tiling.hpp"

namespace bitloom {
namespace {

std::uint32_t divide_up(std::uint32_t n, std::uint32_t d) { return (n + d - 1) / d; }

}  // namespace

Tiling tiling_of(const LayerShape& layer, const HardwareConfig& hardware) {
  Tiling t;
  t.tiles = divide_up(layer.m, hardware.rows);
  t.per_row = layer.group_size == 0;
  t.group_columns = t.per_row ? kRowBlockColumns : layer.group_size;
  t.groups = divide_up(layer.k, t.group_columns);
  t.shared_word = t.group_columns < hardware.columns;
  if (t.shared_word) {
    t.span = hardware.columns / t.group_columns;
    t.slices = 1;
    t.blocks = divide_up(t.groups, t.span);
    t.last_span = t.groups - (t.blocks - 1) * t.span;
  } else {
    t.span = t.group_columns / hardware.columns;
    t.slices = t.span;
    t.blocks = t.groups;
    t.last_span = t.span;
  }
  t.columns = t.blocks * t.slices * hardware.columns;
  return t;
}

std::uint32_t rounds_of(Mode mode, unsigned bits) {
  return mode == Mode::bcq ? bits : std::uint32_t{1} << bits;
}

std::uint64_t scale_vectors(const LayerShape& layer, unsigned bits, bool has_offset,
                            const HardwareConfig& hardware) {
  const std::uint64_t tiles = divide_up(layer.m, hardware.rows);
  if (layer.mode == Mode::codebook) return tiles << bits;
  return tiles * layer.groups() * (bits + (has_offset ? 1U : 0U));
}

}  // namespace bitloom
