// SPDX-License-Identifier: Apache-2.0
// The images are compared, byte for byte, with images made from an index formula: for every bit and
// value of a layer, the place that docs/layout.md gives it, in an image that is zero elsewhere.
#include "sw/layout/layout.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/support/random_layer.hpp"

namespace {

using namespace bitloom;

HardwareConfig hardware(std::uint32_t rows, std::uint32_t columns, std::uint32_t channel_bits) {
  HardwareConfig config;
  config.rows = rows;
  config.columns = columns;
  config.channel_bits = channel_bits;
  return config;
}

const HardwareConfig kTiny = hardware(4, 16, 64);
const HardwareConfig kShapes[] = {kTiny, hardware(16, 32, 512), hardware(2, 8, 128),
                                  hardware(8, 128, 64)};

std::size_t rounded_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

Image expected_weights(const Layer& layer, const HardwareConfig& h) {
  const std::size_t group_columns = layer.group_columns();
  const std::size_t slices = rounded_up(group_columns, h.columns) / h.columns;
  const std::size_t tiles = rounded_up(layer.m, h.rows) / h.rows;
  const std::size_t bits = tiles * layer.groups() * layer.plane_count * slices * h.rows * h.columns;
  Image image(rounded_up(bits / 8, h.channel_bits / 8));
  for (std::uint32_t p = 0; p < layer.plane_count; ++p)
    for (std::uint32_t r = 0; r < layer.m; ++r)
      for (std::uint32_t k = 0; k < layer.k; ++k) {
        const std::size_t group = k / group_columns;
        const std::size_t within = k % group_columns;
        const std::size_t word =
            ((r / h.rows * layer.groups() + group) * layer.plane_count + p) * slices +
            within / h.columns;
        const std::size_t bit =
            word * h.rows * h.columns + (r % h.rows) * h.columns + within % h.columns;
        if (layer.bit(p, r, k))
          image[bit / 8] = static_cast<std::uint8_t>(image[bit / 8] | 1U << (bit % 8));
      }
  return image;
}

void put(Image& image, std::size_t index, Half value) {
  image[2 * index] = static_cast<std::uint8_t>(value.bits);
  image[2 * index + 1] = static_cast<std::uint8_t>(value.bits >> 8U);
}

Image expected_scales(const Layer& layer, unsigned bits, const HardwareConfig& h) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  const bool offsets = !tables.beta.empty();
  const std::size_t vectors = bits + (offsets ? 1 : 0);
  const std::size_t tiles = rounded_up(layer.m, h.rows) / h.rows;
  Image image(rounded_up(tiles * layer.groups() * vectors * h.rows * 2, h.channel_bits / 8));
  for (std::size_t r = 0; r < layer.m; ++r)
    for (std::size_t g = 0; g < layer.groups(); ++g) {
      const std::size_t base = ((r / h.rows) * layer.groups() + g) * vectors * h.rows + r % h.rows;
      for (std::size_t i = 0; i < bits; ++i)
        put(image, base + i * h.rows, tables.alpha[(r * layer.groups() + g) * bits + i]);
      if (offsets) put(image, base + bits * h.rows, tables.beta[r * layer.groups() + g]);
    }
  return image;
}

}  // namespace

TEST_CASE("weight and scale images of random layers equal those of the index formula") {
  CaseLimits limits;
  limits.max_codebook_bits = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const RandomCase c = make_random_case(seed, limits);
    for (const HardwareConfig& h : kShapes) {
      CAPTURE(describe(c), h.rows, h.columns);
      CHECK(weight_image(c.layer, h) == expected_weights(c.layer, h));
      for (const auto& [bits, tables] : c.layer.precisions)
        CHECK(scale_image(c.layer, bits, h) == expected_scales(c.layer, bits, h));
    }
  }
}

TEST_CASE("a small weight image has the bytes that one works out on paper") {
  // 5 rows x 20 columns, one plane, rows of 0xFF 0x00 0x0F but row 4, which is 0x01 0x80 0x05: in
  // tiny (4 rows x 16 columns) two tiles of one group of 32 columns, that is of two slices.
  Layer layer;
  layer.m = 5;
  layer.k = 20;
  layer.group_size = 32;
  layer.plane_count = 1;
  layer.planes = {0xFF, 0x00, 0x0F, 0xFF, 0x00, 0x0F, 0xFF, 0x00,
                  0x0F, 0xFF, 0x00, 0x0F, 0x01, 0x80, 0xF5};
  const Image expected = {0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00,   // tile 0, slice 0
                          0x0F, 0x00, 0x0F, 0x00, 0x0F, 0x00, 0x0F, 0x00,   // tile 0, slice 1
                          0x01, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,   // tile 1, slice 0
                          0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};  // tile 1, slice 1
  CHECK(weight_image(layer, kTiny) == expected);
}

TEST_CASE(
    "planes of one group follow each other, so that planes beyond the precision are skipped") {
  Layer layer;
  layer.m = 4;
  layer.k = 32;
  layer.group_size = 32;
  layer.plane_count = 2;
  layer.planes.assign(32, 0x00);
  for (std::size_t i = 16; i < 32; ++i) layer.planes[i] = 0xFF;  // plane 1
  Image expected(32, 0x00);
  std::fill(expected.begin() + 16, expected.end(), std::uint8_t{0xFF});
  CHECK(weight_image(layer, kTiny) == expected);
}

TEST_CASE("scales of a precision that the layer does not serve are refused") {
  Layer layer;
  layer.m = 1;
  layer.k = 1;
  layer.precisions[2].alpha.resize(2);
  CHECK_THROWS_AS(scale_image(layer, 1, kTiny), std::out_of_range);
}

TEST_CASE("activations of some tokens stand behind each other, each padded to Kp and to a beat") {
  Activations acts{3, 3, {}};
  for (std::uint16_t i = 1; i <= 9; ++i)
    acts.x.push_back(Half{static_cast<std::uint16_t>(i * 257)});
  // Kp = 6 values are 12 bytes, that is two beats of 8.
  const Image expected = {4, 4, 5, 5, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                          7, 7, 8, 8, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(activation_image(acts, 1, 2, 6, kTiny) == expected);
}

TEST_CASE("results are read from between the padding of rows and beats") {
  std::mt19937 random(3);
  for (const HardwareConfig& h : kShapes)
    for (const OutputFormat format : {OutputFormat::binary32, OutputFormat::binary16})
      for (const std::uint32_t m : {1U, 5U, 16U, 37U}) {
        const std::size_t width = format == OutputFormat::binary32 ? 4 : 2;
        const std::size_t token_bytes =
            rounded_up(rounded_up(m, h.rows) * width, h.channel_bits / 8);
        REQUIRE(output_image_bytes(m, 2, format, h) == 2 * token_bytes);
        Image image(2 * token_bytes, 0xEE);
        std::vector<std::uint32_t> expected = {42};
        for (std::size_t t = 0; t < 2; ++t)
          for (std::size_t r = 0; r < m; ++r) {
            const auto value =
                static_cast<std::uint32_t>(random() & (width == 4 ? 0xFFFFFFFFU : 0xFFFFU));
            expected.push_back(value);
            for (std::size_t i = 0; i < width; ++i)
              image[t * token_bytes + r * width + i] = static_cast<std::uint8_t>(value >> (8 * i));
          }
        std::vector<std::uint32_t> bits = {42};
        read_output_image(image, m, 2, format, h, bits);
        CHECK(bits == expected);
      }
}
