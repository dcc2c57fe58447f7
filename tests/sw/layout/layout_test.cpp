// SPDX-License-Identifier: Apache-2.0
// The images are compared, byte for byte, with images made from an index formula: for every bit and
// value of a layer, the place that docs/layout.md gives it, in an image that is zero elsewhere.
#include "sw/layout/layout.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <iostream>
#include <random>

#include "tests/support/random_layer.hpp"

namespace {

using namespace bitloom;
using Bytes = std::vector<std::uint8_t>;

HardwareConfig hardware(std::uint32_t rows, std::uint32_t columns, std::uint32_t channels,
                        std::uint32_t channel_bits) {
  HardwareConfig config;
  config.rows = rows;
  config.columns = columns;
  config.read_channels = channels;
  config.channel_bits = channel_bits;
  return config;
}

const HardwareConfig kTiny = hardware(4, 16, 1, 64);
const HardwareConfig kServer = hardware(64, 128, 16, 512);
// Groups of one and of several slices, slices of several groups, plane words of one and of several
// lines, rows of a slice longer and shorter than a beat.
const HardwareConfig kShapes[] = {kTiny,
                                  kServer,
                                  hardware(16, 32, 1, 512),
                                  hardware(8, 8, 1, 64),
                                  hardware(8, 128, 2, 64),
                                  hardware(2, 128, 4, 64),
                                  hardware(16, 64, 2, 256)};

std::size_t rounded_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }
std::size_t line_bytes(const HardwareConfig& h) { return h.read_channels * h.channel_bits / 8; }

// Zeros, to be filled and then striped; whole lines.
Bytes linear_image(std::size_t bytes, const HardwareConfig& h) {
  return Bytes(rounded_up(bytes, line_bytes(h)));
}

void check_striped(const Image& found, const Bytes& linear, const HardwareConfig& h) {
  const std::size_t beat = h.channel_bits / 8;
  const std::size_t lines = linear.size() / line_bytes(h);
  const std::size_t pitch = rounded_up(lines * beat, 4096);
  Bytes expected;
  for (std::size_t channel = 0; channel < h.read_channels; ++channel) {
    expected.resize(channel * pitch);
    for (std::size_t line = 0; line < lines; ++line) {
      const auto first = linear.begin() + static_cast<std::ptrdiff_t>(line * line_bytes(h));
      const auto from = first + static_cast<std::ptrdiff_t>(channel * beat);
      expected.insert(expected.end(), from, from + static_cast<std::ptrdiff_t>(beat));
    }
  }
  CHECK(found.bytes == expected);
  CHECK(found.stripe * std::size_t{4096} == pitch);
}

// A row of columns as the array takes them: the padded columns of a row, the columns of a block.
struct Row {
  std::size_t columns;
  std::size_t block_columns;
};

Row row_of(const Layer& layer, const HardwareConfig& h) {
  const std::size_t group = layer.group_size == 0 ? 256 : layer.group_size;
  const std::size_t block = std::max<std::size_t>(group, h.columns);
  return {rounded_up(layer.k, block), block};
}

Bytes expected_weights(const Layer& layer, const HardwareConfig& h) {
  const Row row = row_of(layer, h);
  const std::size_t blocks = row.columns / row.block_columns;
  const std::size_t slices = row.block_columns / h.columns;
  const std::size_t tiles = rounded_up(layer.m, h.rows) / h.rows;
  Bytes image = linear_image(tiles * layer.plane_count * h.rows * row.columns / 8, h);
  for (std::uint32_t p = 0; p < layer.plane_count; ++p)
    for (std::uint32_t r = 0; r < layer.m; ++r)
      for (std::uint32_t k = 0; k < layer.k; ++k) {
        const std::size_t block = r / h.rows * blocks + k / row.block_columns;
        const std::size_t word =
            (block * layer.plane_count + p) * slices + k % row.block_columns / h.columns;
        const std::size_t bit =
            word * h.rows * h.columns + (r % h.rows) * h.columns + k % h.columns;
        if (layer.bit(p, r, k))
          image[bit / 8] = static_cast<std::uint8_t>(image[bit / 8] | 1U << (bit % 8));
      }
  return image;
}

void put(Bytes& image, std::size_t index, Half value) {
  image[2 * index] = static_cast<std::uint8_t>(value.bits);
  image[2 * index + 1] = static_cast<std::uint8_t>(value.bits >> 8U);
}

// Vectors of a row tile, and the place in it of alpha_i of a group, and of its offset.
struct TileVectors {
  std::size_t groups;
  std::size_t block_groups;
  std::size_t bits;
  std::size_t offsets;  // 0 or 1

  [[nodiscard]] std::size_t count() const { return groups * (bits + offsets); }
  [[nodiscard]] std::size_t alpha(std::size_t group, std::size_t i) const {
    const std::size_t first = group / block_groups * block_groups;
    const std::size_t in_block = std::min(block_groups, groups - first);
    const std::size_t round = first * (bits + offsets) + (i == 0 ? 0 : in_block * (i + offsets));
    return round + (i == 0 ? (group - first) * (1 + offsets) + offsets : group - first);
  }
  [[nodiscard]] std::size_t beta(std::size_t group) const { return alpha(group, 0) - 1; }
};

Bytes expected_scales(const Layer& layer, unsigned bits, const HardwareConfig& h) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  const std::size_t tiles = rounded_up(layer.m, h.rows) / h.rows;
  const std::size_t codes = std::size_t{1} << bits;
  const bool codebook = layer.mode == Mode::codebook;
  const TileVectors tile{
      layer.groups(),
      layer.group_size == 0 ? 1 : std::max<std::size_t>(h.columns / layer.group_size, 1), bits,
      tables.beta.empty() ? 0U : 1U};
  const std::size_t per_tile = codebook ? codes : tile.count();
  Bytes image = linear_image(rounded_up(tiles * per_tile, 2) * h.rows * 2, h);
  for (std::size_t r = 0; r < layer.m; ++r) {
    const std::size_t base = r / h.rows * per_tile;
    const auto place = [&](std::size_t vector) { return (base + vector) * h.rows + r % h.rows; };
    if (codebook)
      for (std::size_t c = 0; c < codes; ++c) put(image, place(c), tables.codebook[r * codes + c]);
    else
      for (std::size_t g = 0; g < layer.groups(); ++g) {
        const std::size_t cell = r * layer.groups() + g;
        for (std::size_t i = 0; i < bits; ++i)
          put(image, place(tile.alpha(g, i)), tables.alpha[cell * bits + i]);
        if (tile.offsets != 0) put(image, place(tile.beta(g)), tables.beta[cell]);
      }
  }
  return image;
}

Bytes expected_activations(const RandomCase& c, std::uint32_t first, std::uint32_t count,
                           const HardwareConfig& h) {
  const std::size_t token_bytes = rounded_up(row_of(c.layer, h).columns * 2, line_bytes(h));
  Bytes image = linear_image(count * token_bytes, h);
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t k = 0; k < c.layer.k; ++k)
      put(image, t * token_bytes / 2 + k, c.acts.x[(first + t) * c.layer.k + k]);
  return image;
}

Bytes counting(std::size_t first, std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

}  // namespace

TEST_CASE("the images of random layers of every mode equal those of the index formulas") {
  CaseLimits limits;
  limits.max_m = 80;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const RandomCase c = make_random_case(seed, limits);
    for (const HardwareConfig& h : kShapes) {
      CAPTURE(describe(c), h.rows, h.columns, h.read_channels, h.channel_bits);
      check_striped(weight_image(c.layer, h), expected_weights(c.layer, h), h);
      for (const auto& [bits, tables] : c.layer.precisions)
        check_striped(scale_image(c.layer, bits, h), expected_scales(c.layer, bits, h), h);
      const std::uint32_t first = c.acts.tokens / 2;
      const std::uint32_t count = c.acts.tokens - first;
      check_striped(activation_image(c.acts, first, count, c.layer, h),
                    expected_activations(c, first, count, h), h);
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
  const Bytes expected = {0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00,   // tile 0, slice 0
                          0x0F, 0x00, 0x0F, 0x00, 0x0F, 0x00, 0x0F, 0x00,   // tile 0, slice 1
                          0x01, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,   // tile 1, slice 0
                          0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};  // tile 1, slice 1
  CHECK(weight_image(layer, kTiny).bytes == expected);
}

TEST_CASE("planes of one block follow each other, so that those beyond the precision are skipped") {
  Layer layer;
  layer.m = 4;
  layer.k = 32;
  layer.group_size = 32;
  layer.plane_count = 2;
  layer.planes.assign(32, 0x00);
  for (std::size_t i = 16; i < 32; ++i) layer.planes[i] = 0xFF;  // plane 1
  Bytes expected(32, 0x00);
  std::fill(expected.begin() + 16, expected.end(), std::uint8_t{0xFF});
  CHECK(weight_image(layer, kTiny).bytes == expected);
}

TEST_CASE("scales of groups that share a plane word stand in the order of the passes") {
  // 2 rows x 64 columns take two groups of 32 at once; 96 columns are a block of two and one of
  // one.
  Layer layer;
  layer.m = 2;
  layer.k = 96;
  layer.group_size = 32;
  PrecisionTables& tables = layer.precisions[2];
  const auto value = [](std::size_t row, std::size_t group, std::size_t what) {
    return Half{static_cast<std::uint16_t>(row * 0x100 + group * 0x10 + what)};
  };
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t group = 0; group < 3; ++group) {
      tables.alpha.push_back(value(row, group, 0xA));
      tables.alpha.push_back(value(row, group, 0xB));
      tables.beta.push_back(value(row, group, 0xE));
    }
  const Bytes expected = {0x0E, 0, 0x0E, 1, 0x0A, 0, 0x0A, 1, 0x1E, 0, 0x1E, 1,  // plane 0
                          0x1A, 0, 0x1A, 1, 0x0B, 0, 0x0B, 1, 0x1B, 0, 0x1B, 1,  // plane 1
                          0x2E, 0, 0x2E, 1, 0x2A, 0, 0x2A, 1, 0x2B, 0, 0x2B, 1,  // last block
                          0,    0, 0,    0};                                     // a tenth vector
  CHECK(scale_image(layer, 2, hardware(2, 64, 1, 64)).bytes == expected);
}

TEST_CASE("a line is dealt to the channels, beat by beat") {
  // 2 rows x 128 columns: a plane word is 32 bytes, a line of four beats of 8.
  Layer layer;
  layer.m = 2;
  layer.k = 256;
  layer.group_size = 128;
  layer.plane_count = 1;
  for (const std::size_t first : {0U, 32U, 16U, 48U}) {  // row 0, then row 1
    const Bytes part = counting(first, 16);
    layer.planes.insert(layer.planes.end(), part.begin(), part.end());
  }
  const Image image = weight_image(layer, hardware(2, 128, 4, 64));
  CHECK(image.stripe == 1);
  REQUIRE(image.bytes.size() == 3 * 4096 + 16);
  for (std::size_t channel = 0; channel < 4; ++channel) {
    const auto part = image.bytes.begin() + static_cast<std::ptrdiff_t>(channel * 4096);
    CHECK(Bytes(part, part + 8) == counting(8 * channel, 8));
    CHECK(Bytes(part + 8, part + 16) == counting(32 + 8 * channel, 8));
  }
}

TEST_CASE("scales of a precision that the layer does not serve are refused") {
  Layer layer;
  layer.m = 1;
  layer.k = 1;
  layer.precisions[2].alpha.resize(2);
  CHECK_THROWS_AS(scale_image(layer, 1, kTiny), std::out_of_range);
}

TEST_CASE("results are read from between the padding of rows and beats") {
  std::mt19937 random(3);
  for (const HardwareConfig& h : kShapes)
    for (const OutputFormat format : {OutputFormat::binary32, OutputFormat::binary16})
      for (const std::uint32_t m : {1U, 5U, 16U, 137U}) {
        constexpr std::uint32_t kTokens = 3;
        const std::size_t width = format == OutputFormat::binary32 ? 4 : 2;
        const std::size_t bytes = rounded_up(rounded_up(m, h.rows) * kTokens * width,
                                             h.channel_bits / 8);  // one write channel
        REQUIRE(output_image_bytes(m, kTokens, format, h) == bytes);
        Bytes image(bytes, 0xEE);
        std::vector<std::uint32_t> expected = {42};
        for (std::size_t t = 0; t < kTokens; ++t)
          for (std::size_t r = 0; r < m; ++r) {
            const auto value =
                static_cast<std::uint32_t>(random() & (width == 4 ? 0xFFFFFFFFU : 0xFFFFU));
            expected.push_back(value);
            const std::size_t tile_begin = r / h.rows * kTokens * h.rows;
            const std::size_t place = (tile_begin + t * h.rows + r % h.rows) * width;
            for (std::size_t i = 0; i < width; ++i)
              image[place + i] = static_cast<std::uint8_t>(value >> (8 * i));
          }
        std::vector<std::uint32_t> bits = {42};
        read_output_image(image, m, kTokens, format, h, bits);
        CHECK(bits == expected);
      }
}

TEST_CASE("how long the images of a large layer take", "[.][bench]") {
  Layer layer;
  layer.m = 4096;
  layer.k = 4096;
  layer.group_size = 128;
  layer.plane_count = 8;
  layer.planes.assign(layer.plane_count * layer.m * layer.row_bytes(), 0x5A);
  PrecisionTables& tables = layer.precisions[2];
  tables.alpha.resize(std::size_t{layer.m} * layer.groups() * 2);
  tables.beta.resize(std::size_t{layer.m} * layer.groups());
  const auto best = [](const auto& work) {
    double least = 1e9;
    for (int i = 0; i < 10; ++i) {
      const auto start = std::chrono::steady_clock::now();
      work();
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      least = std::min(least, time.count());
    }
    return least * 1e3;
  };
  for (const HardwareConfig& h : kShapes)
    std::cout << h.rows << " x " << h.columns << ", " << h.read_channels << " x " << h.channel_bits
              << " bits: weights " << best([&] { weight_image(layer, h); }) << " ms, scales "
              << best([&] { scale_image(layer, 2, h); }) << " ms\n";
}
