// SPDX-License-Identifier: Apache-2.0
#include "sw/layout/layout.hpp"

#include <algorithm>

namespace bitloom {
namespace {

std::size_t divide_up(std::size_t n, std::size_t d) { return (n + d - 1) / d; }

std::size_t whole_beats(std::size_t bytes, const HardwareConfig& hardware) {
  const std::size_t beat = hardware.channel_bits / 8;
  return divide_up(bytes, beat) * beat;
}

void store_half(Image& image, std::size_t offset, Half value) {
  image[offset] = static_cast<std::uint8_t>(value.bits & 0xFFU);
  image[offset + 1] = static_cast<std::uint8_t>(value.bits >> 8U);
}

// One row of the planes: a run of columns as bytes. Columns per slice and group sizes are multiples
// of 8, so a slice is whole bytes, of which only the row's last may hold bits beyond K.
void copy_slice(const Layer& layer, std::size_t plane, std::size_t row, std::size_t begin_column,
                std::size_t end_column, std::uint8_t* to) {
  const std::size_t row_begin = (plane * layer.m + row) * layer.row_bytes();
  const std::size_t begin = begin_column / 8;
  const std::size_t end = std::min(divide_up(end_column, 8), layer.row_bytes());
  if (begin >= end) return;
  std::copy_n(layer.planes.data() + row_begin + begin, end - begin, to);
  if (const unsigned used = layer.k % 8; used != 0 && end == layer.row_bytes())
    to[end - begin - 1] &= static_cast<std::uint8_t>((1U << used) - 1);
}

std::size_t value_bytes(OutputFormat format) { return format == OutputFormat::binary32 ? 4 : 2; }

std::size_t output_token_bytes(std::uint32_t m, OutputFormat format,
                               const HardwareConfig& hardware) {
  const std::size_t rows = divide_up(m, hardware.rows) * hardware.rows;
  return whole_beats(rows * value_bytes(format), hardware);
}

}  // namespace

Image weight_image(const Layer& layer, const HardwareConfig& hardware) {
  const std::size_t rows = hardware.rows;
  const std::size_t columns = hardware.columns;
  const std::size_t tiles = divide_up(layer.m, rows);
  const std::size_t slices = divide_up(layer.group_columns(), columns);
  const std::size_t words = tiles * layer.groups() * layer.plane_count * slices;
  Image image(whole_beats(words * rows * columns / 8, hardware));
  std::uint8_t* word = image.data();
  for (std::size_t tile = 0; tile < tiles; ++tile)
    for (std::size_t group = 0; group < layer.groups(); ++group)
      for (std::size_t plane = 0; plane < layer.plane_count; ++plane)
        for (std::size_t slice = 0; slice < slices; ++slice, word += rows * columns / 8) {
          const std::size_t group_begin = group * layer.group_columns();
          const std::size_t begin = group_begin + slice * columns;
          const std::size_t end = std::min(begin + columns, group_begin + layer.group_columns());
          const std::size_t used_rows = std::min(rows, layer.m - tile * rows);
          for (std::size_t r = 0; r < used_rows; ++r)
            copy_slice(layer, plane, tile * rows + r, begin, end, word + r * columns / 8);
        }
  return image;
}

Image scale_image(const Layer& layer, unsigned bits, const HardwareConfig& hardware) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  const std::size_t rows = hardware.rows;
  const std::size_t tiles = divide_up(layer.m, rows);
  const std::size_t vectors = bits + (tables.beta.empty() ? 0 : 1);
  Image image(whole_beats(tiles * layer.groups() * vectors * rows * 2, hardware));
  for (std::size_t row = 0; row < layer.m; ++row)
    for (std::size_t group = 0; group < layer.groups(); ++group) {
      const std::size_t cell = row * layer.groups() + group;
      const std::size_t first = ((row / rows) * layer.groups() + group) * vectors;
      for (std::size_t v = 0; v < vectors; ++v)
        store_half(image, ((first + v) * rows + row % rows) * 2,
                   v < bits ? tables.alpha[cell * bits + v] : tables.beta[cell]);
    }
  return image;
}

Image activation_image(const Activations& acts, std::uint32_t first, std::uint32_t count,
                       std::uint32_t padded_k, const HardwareConfig& hardware) {
  const std::size_t token_bytes = whole_beats(std::size_t{padded_k} * 2, hardware);
  Image image(count * token_bytes);
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t k = 0; k < acts.k; ++k)
      store_half(image, t * token_bytes + 2 * k, acts.x[(first + t) * acts.k + k]);
  return image;
}

std::size_t output_image_bytes(std::uint32_t m, std::uint32_t tokens, OutputFormat format,
                               const HardwareConfig& hardware) {
  return tokens * output_token_bytes(m, format, hardware);
}

void read_output_image(std::span<const std::uint8_t> image, std::uint32_t m, std::uint32_t tokens,
                       OutputFormat format, const HardwareConfig& hardware,
                       std::vector<std::uint32_t>& bits) {
  const std::size_t token_bytes = output_token_bytes(m, format, hardware);
  const std::size_t width = value_bytes(format);
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t row = 0; row < m; ++row) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < width; ++i)
        value |= std::uint32_t{image[t * token_bytes + row * width + i]} << (8 * i);
      bits.push_back(value);
    }
}

}  // namespace bitloom
