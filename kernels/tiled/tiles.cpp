// SPDX-License-Identifier: Apache-2.0
#include "kernels/tiled/tiles.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "sw/contract/fixed.hpp"
#include "sw/contract/half.hpp"

namespace bitloom::kernels::tiled {
namespace {

// Calls visit(word, byte) for every byte of the interchange layout, with the index of the tiled
// word that holds it; byte i of a row is byte i % 4 of its word.
template <class Visit>
void for_each_byte(const LayerShape& shape, Visit visit) {
  const TileShape tiles(shape);
  const std::size_t row_bytes = shape.row_bytes();
  std::size_t byte = 0;
  for (std::uint32_t plane = 0; plane < shape.plane_count; ++plane)
    for (std::uint32_t row = 0; row < shape.m; ++row) {
      const std::size_t first = plane * tiles.plane_words() +
                                std::size_t{row / kTileRows} * tiles.pairs * 2 * (kStepBytes / 4);
      const std::uint32_t half = row % kTileRows / 8;
      const std::uint32_t g = row % 8;
      for (std::uint32_t i = 0; i < row_bytes; ++i, ++byte) {
        const std::uint32_t step = i / (kStepColumns / 8);
        const std::uint32_t q = i % (kStepColumns / 8) / 4;
        visit(first + std::size_t{step} * (kStepBytes / 4) + (4 * g + q) * 2 + half, byte);
      }
    }
}

// Where the terms of a row and group stand: term t is at the result + t * 16.
std::size_t table_index(std::uint32_t row, std::uint32_t group, std::uint32_t groups,
                        unsigned terms) {
  const std::size_t at = (std::size_t{row / kTileRows} * groups + group) * terms * kTileRows;
  return at + 2 * (row % 8) + row % kTileRows / 8;
}

void measure(TileTable& table) {
  std::int64_t largest = 0;
  int unit = std::numeric_limits<int>::max();
  for (const Half value : table.values) {
    const std::int64_t units = contract::units(value);
    if (units == 0) continue;
    unit = std::min(unit, std::countr_zero(static_cast<std::uint64_t>(units)));
    largest = std::max(largest, units < 0 ? -units : units);
  }
  if (largest == 0) return;
  table.unit = unit - 24;  // units() counts 2^-24
  table.bits = contract::bit_width(static_cast<std::uint64_t>(largest)) - unit;
}

}  // namespace

bool supports(const LayerShape& shape, unsigned bits, Arithmetic arithmetic) {
  return arithmetic.accumulator.exact() &&
         (shape.mode == Mode::bcq ? bits <= kMaxBits : bits <= kMaxCodebookBits);
}

TileShape::TileShape(const LayerShape& shape)
    : row_tiles((shape.m + kTileRows - 1) / kTileRows),
      pairs((shape.k + kPairColumns - 1) / kPairColumns) {
  const bool shared = shape.group_size == 0 || shape.mode == Mode::codebook;
  pair_groups = shared ? 1 : kPairColumns / shape.group_size;
  groups = shared ? 1 : pairs * pair_groups;
}

std::vector<std::uint32_t> tile_planes(const Layer& layer) {
  std::vector<std::uint32_t> words(TileShape(layer).plane_words() * layer.plane_count);
  const std::size_t row_bytes = layer.row_bytes();
  const std::uint32_t last_bits = layer.k % 8 == 0 ? 0xFF : (1U << (layer.k % 8)) - 1;
  for_each_byte(layer, [&](std::size_t word, std::size_t byte) {
    const std::size_t column = byte % row_bytes;
    const std::uint32_t in_row = column + 1 == row_bytes ? last_bits : 0xFF;
    words[word] |= (layer.planes[byte] & in_row) << (8 * (column % 4));
  });
  return words;
}

std::vector<std::uint8_t> untile_planes(const std::vector<std::uint32_t>& words,
                                        const LayerShape& shape) {
  const std::size_t row_bytes = shape.row_bytes();
  std::vector<std::uint8_t> planes(std::size_t{shape.plane_count} * shape.m * row_bytes);
  for_each_byte(shape, [&](std::size_t word, std::size_t byte) {
    planes[byte] = static_cast<std::uint8_t>(words[word] >> (8 * (byte % row_bytes % 4)));
  });
  return planes;
}

TileTable tile_table(const Layer& layer, unsigned bits) {
  const TileShape tiles(layer);
  const PrecisionTables& from = layer.precisions.at(bits);
  TileTable table;
  table.offsets = !from.beta.empty();
  table.terms = layer.mode == Mode::codebook ? 1U << bits : bits + (table.offsets ? 1 : 0);
  table.values.resize(std::size_t{tiles.row_tiles} * tiles.groups * table.terms * kTileRows);
  const std::uint32_t groups = layer.mode == Mode::codebook ? 1 : layer.groups();
  const std::vector<Half>& scales = layer.mode == Mode::codebook ? from.codebook : from.alpha;
  const unsigned scale_terms = table.terms - (table.offsets ? 1 : 0);
  for (std::uint32_t row = 0; row < layer.m; ++row)
    for (std::uint32_t group = 0; group < groups; ++group) {
      Half* to = &table.values[table_index(row, group, tiles.groups, table.terms)];
      const std::size_t at = std::size_t{row} * groups + group;
      for (unsigned term = 0; term < scale_terms; ++term)
        to[std::size_t{term} * kTileRows] = scales[at * scale_terms + term];
      if (table.offsets) to[std::size_t{scale_terms} * kTileRows] = from.beta[at];
    }
  measure(table);
  return table;
}

}  // namespace bitloom::kernels::tiled
