// SPDX-License-Identifier: Apache-2.0
// Tiles, blocks and passes of layers, worked out by hand.
#include "sw/layout/tiling.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace bitloom;

HardwareConfig array(std::uint32_t rows, std::uint32_t columns) {
  HardwareConfig hardware;
  hardware.rows = rows;
  hardware.columns = columns;
  return hardware;
}

LayerShape layer(std::uint32_t m, std::uint32_t k, std::uint32_t group_size) {
  LayerShape shape;
  shape.m = m;
  shape.k = k;
  shape.group_size = group_size;
  return shape;
}

}  // namespace

TEST_CASE("a group at least as wide as the array is a block of slices") {
  const Tiling t = tiling_of(layer(9, 300, 128), array(4, 16));
  CHECK(t.tiles == 3);
  CHECK(t.groups == 3);
  CHECK(t.blocks == 3);
  CHECK(t.block_groups() == 1);
  CHECK_FALSE(t.shared_word);
  CHECK(t.span == 8);
  CHECK(t.last_span == 8);
  CHECK(t.slices == 8);
  CHECK(t.columns == 384);
  CHECK_FALSE(t.per_row);
}

TEST_CASE("a group of the array's width is a block of one slice") {
  const Tiling t = tiling_of(layer(4, 65, 64), array(4, 64));
  CHECK(t.blocks == 2);
  CHECK_FALSE(t.shared_word);
  CHECK(t.span == 1);
  CHECK(t.slices == 1);
  CHECK(t.columns == 128);
}

TEST_CASE("groups narrower than the array share plane words, the last one maybe with fewer") {
  const Tiling t = tiling_of(layer(64, 160, 32), array(64, 128));  // five groups, four at once
  CHECK(t.tiles == 1);
  CHECK(t.groups == 5);
  CHECK(t.blocks == 2);
  CHECK(t.block_groups() == 4);
  CHECK(t.shared_word);
  CHECK(t.span == 4);
  CHECK(t.last_span == 1);
  CHECK(t.slices == 1);
  CHECK(t.columns == 256);
  CHECK(tiling_of(layer(64, 256, 32), array(64, 128)).last_span == 4);
}

TEST_CASE("a group per row is worked on in blocks of 256 columns, whole ones") {
  const Tiling t = tiling_of(layer(1, 257, 0), array(64, 128));
  CHECK(t.per_row);
  CHECK(t.group_columns == 256);
  CHECK(t.groups == 2);
  CHECK(t.blocks == 2);
  CHECK(t.span == 2);
  CHECK(t.last_span == 2);
  CHECK(t.columns == 512);
}

TEST_CASE("rounds are planes or codes") {
  CHECK(rounds_of(Mode::bcq, 3) == 3);
  CHECK(rounds_of(Mode::codebook, 3) == 8);
}

TEST_CASE("scale vectors are one per term of a group, of a row, or one per centroid") {
  const HardwareConfig hardware = array(4, 16);
  CHECK(scale_vectors(layer(9, 300, 128), 2, true, hardware) == 3 * 3 * 3);
  CHECK(scale_vectors(layer(9, 300, 128), 2, false, hardware) == 3 * 3 * 2);
  CHECK(scale_vectors(layer(9, 300, 0), 2, true, hardware) == 3 * 3);
  LayerShape codebook = layer(9, 300, 32);
  codebook.mode = Mode::codebook;
  CHECK(scale_vectors(codebook, 3, false, hardware) == 3 * 8);
}
