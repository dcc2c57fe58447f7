// SPDX-License-Identifier: Apache-2.0
#include "sw/layout/layout.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "sw/layout/tiling.hpp"

namespace bitloom {
namespace {

std::size_t divide_up(std::size_t n, std::size_t d) { return (n + d - 1) / d; }
std::size_t rounded_up(std::size_t n, std::size_t unit) { return divide_up(n, unit) * unit; }

// Where the bytes of a linear image of whole lines stand in the striped one. Beats and channels are
// powers of two (sw/config/schema.json), but the compiler does not know it: hence the shifts.
class Stripes {
 public:
  Stripes(std::size_t linear_bytes, const HardwareConfig& hardware)
      : beat_log2_(log2(hardware.channel_bits / 8)),
        channels_log2_(log2(hardware.read_channels)),
        beats_(divide_up(linear_bytes, line_bytes())),
        pitch_(rounded_up(beats_ << beat_log2_, kImageAlignment)) {}

  [[nodiscard]] std::size_t beat_bytes() const { return std::size_t{1} << beat_log2_; }
  [[nodiscard]] std::size_t line_bytes() const { return beat_bytes() << channels_log2_; }

  /// An image of zeros.
  [[nodiscard]] Image image() const {
    const std::size_t other_channels = (std::size_t{1} << channels_log2_) - 1;
    Image image;
    image.bytes.resize(other_channels * pitch_ + (beats_ << beat_log2_));
    image.stripe = static_cast<std::uint32_t>(pitch_ / kImageAlignment);
    return image;
  }

  /// Of a byte of the linear image; the bytes of a beat stay together.
  [[nodiscard]] std::size_t place(std::size_t linear) const {
    const std::size_t beat = linear >> beat_log2_;
    const std::size_t channel = beat & ((std::size_t{1} << channels_log2_) - 1);
    return channel * pitch_ + ((beat >> channels_log2_) << beat_log2_) +
           (linear & (beat_bytes() - 1));
  }

 private:
  static unsigned log2(std::uint32_t power) {
    unsigned log = 0;
    while (power >> log > 1) ++log;
    return log;
  }

  unsigned beat_log2_;
  unsigned channels_log2_;
  std::size_t beats_;  // of each channel
  std::size_t pitch_;  // bytes from one channel's part to the next
};

void store_half(Image& image, std::size_t offset, Half value) {
  image.bytes[offset] = static_cast<std::uint8_t>(value.bits & 0xFFU);
  image.bytes[offset + 1] = static_cast<std::uint8_t>(value.bits >> 8U);
}

// ---- Weights ------------------------------------------------------------------------------------

constexpr std::size_t kMaxSliceBytes = 128 / 8;  // of one row

// Copies plane words into an image. A row of a slice is whole bytes, and so is the part of it that
// one beat holds: a *piece* of 1, 2, 4, 8 or 16 bytes, all of the same size. That makes an image of
// megabytes a matter of copying registers.
class PlaneWords {
 public:
  PlaneWords(const Layer& layer, const HardwareConfig& hardware, std::size_t words)
      : layer_(layer),
        rows_(hardware.rows),
        slice_bytes_(hardware.columns / 8),
        stripes_(words * rows_ * slice_bytes_, hardware),
        piece_(std::min(slice_bytes_, stripes_.beat_bytes())),
        image_(stripes_.image()) {
    // A word is whole lines, so all words are cut in the same way.
    for (std::size_t byte = 0; byte < rows_ * slice_bytes_; byte += piece_)
      places_.push_back(stripes_.place(byte));
    bytes_of_channel_ = rows_ * slice_bytes_ / stripes_.line_bytes() * stripes_.beat_bytes();
  }

  /// The next word: a slice, counted in a row, of a row tile.
  void add(std::size_t tile, std::size_t plane, std::size_t slice) {
    const std::size_t first_row = tile * rows_;
    const std::size_t used_rows = std::min(rows_, layer_.m - first_row);
    const std::size_t begin = slice * slice_bytes_;
    const std::uint8_t* row =
        layer_.planes.data() + (plane * layer_.m + first_row) * layer_.row_bytes() + begin;
    if ((begin + slice_bytes_) * 8 <= layer_.k) {
      copy_rows(row, layer_.row_bytes(), used_rows);
    } else if (begin < layer_.row_bytes()) {
      for (std::size_t r = 0; r < used_rows; ++r) copy_end(row + r * layer_.row_bytes(), begin, r);
    }
    word_ += bytes_of_channel_;
  }

  Image take() { return std::move(image_); }

 private:
  template <std::size_t Piece>
  void copy_pieces(const std::uint8_t* row, std::size_t stride, std::size_t first_row,
                   std::size_t count) {
    std::uint8_t* const word = image_.bytes.data() + word_;
    const std::size_t pieces = slice_bytes_ / Piece;
    const std::size_t* place = places_.data() + first_row * pieces;
    for (std::size_t r = 0; r < count; ++r, row += stride)
      for (std::size_t i = 0; i < pieces; ++i) std::memcpy(word + *place++, row + i * Piece, Piece);
  }

  // `count` rows, `stride` bytes apart, of the current word.
  void copy_rows(const std::uint8_t* row, std::size_t stride, std::size_t count,
                 std::size_t first_row = 0) {
    switch (piece_) {
      case 1:
        return copy_pieces<1>(row, stride, first_row, count);
      case 2:
        return copy_pieces<2>(row, stride, first_row, count);
      case 4:
        return copy_pieces<4>(row, stride, first_row, count);
      case 8:
        return copy_pieces<8>(row, stride, first_row, count);
      default:
        return copy_pieces<16>(row, stride, first_row, count);
    }
  }

  // One row of a slice that holds columns beyond K.
  void copy_end(const std::uint8_t* from, std::size_t begin, std::size_t row) {
    std::array<std::uint8_t, kMaxSliceBytes> bytes{};
    const std::size_t count = std::min(slice_bytes_, layer_.row_bytes() - begin);
    std::copy_n(from, count, bytes.begin());
    if (const unsigned used = layer_.k % 8; used != 0 && begin + count == layer_.row_bytes())
      bytes.at(count - 1) &= static_cast<std::uint8_t>((1U << used) - 1);
    copy_rows(bytes.data(), 0, 1, row);
  }

  const Layer& layer_;
  std::size_t rows_;
  std::size_t slice_bytes_;  // of one row
  Stripes stripes_;
  std::size_t piece_;
  Image image_;
  std::vector<std::size_t> places_;   // of a word's pieces, from where its first one stands
  std::size_t bytes_of_channel_ = 0;  // of a word
  std::size_t word_ = 0;              // where the current word's first byte stands
};

// ---- Results ------------------------------------------------------------------------------------

std::size_t value_bytes(OutputFormat format) { return format == OutputFormat::binary32 ? 4 : 2; }

}  // namespace

Image weight_image(const Layer& layer, const HardwareConfig& hardware) {
  const Tiling t = tiling_of(layer, hardware);
  PlaneWords words(layer, hardware, std::size_t{t.tiles} * t.blocks * layer.plane_count * t.slices);
  for (std::size_t tile = 0; tile < t.tiles; ++tile)
    for (std::size_t block = 0; block < t.blocks; ++block)
      for (std::size_t plane = 0; plane < layer.plane_count; ++plane)
        for (std::size_t slice = 0; slice < t.slices; ++slice)
          words.add(tile, plane, block * t.slices + slice);
  return words.take();
}

Image scale_image(const Layer& layer, unsigned bits, const HardwareConfig& hardware) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  const Tiling t = tiling_of(layer, hardware);
  const std::size_t rows = hardware.rows;
  const std::uint64_t vectors = scale_vectors(layer, bits, !tables.beta.empty(), hardware);
  const Stripes stripes(rounded_up(vectors, 2) * rows * 2, hardware);
  Image image = stripes.image();

  std::size_t next = 0;  // byte of the linear image
  // The next vector: of every row of a tile the value at row * stride + offset of a table.
  const auto add = [&](std::size_t tile, const std::vector<Half>& table, std::size_t stride,
                       std::size_t offset) {
    const std::size_t used_rows = std::min(rows, layer.m - tile * rows);
    for (std::size_t r = 0; r < used_rows; ++r)
      store_half(image, stripes.place(next + 2 * r), table[(tile * rows + r) * stride + offset]);
    next += 2 * rows;
  };

  const std::size_t groups = layer.groups();  // one, where it is the row
  const std::size_t block_groups = t.block_groups();
  for (std::size_t tile = 0; tile < t.tiles; ++tile) {
    if (layer.mode == Mode::codebook) {
      const std::size_t codes = std::size_t{1} << bits;
      for (std::size_t code = 0; code < codes; ++code) add(tile, tables.codebook, codes, code);
      continue;
    }
    for (std::size_t first = 0; first < groups; first += block_groups) {
      const std::size_t end = std::min(first + block_groups, groups);
      for (std::size_t plane = 0; plane < bits; ++plane)
        for (std::size_t group = first; group < end; ++group) {
          if (plane == 0 && !tables.beta.empty()) add(tile, tables.beta, groups, group);
          add(tile, tables.alpha, groups * bits, group * bits + plane);
        }
    }
  }
  return image;
}

Image activation_image(const Activations& acts, std::uint32_t first, std::uint32_t count,
                       const LayerShape& layer, const HardwareConfig& hardware) {
  const std::size_t line_bytes = std::size_t{hardware.read_channels} * hardware.channel_bits / 8;
  const std::size_t token_bytes =
      rounded_up(std::size_t{tiling_of(layer, hardware).columns} * 2, line_bytes);
  const Stripes stripes(count * token_bytes, hardware);
  Image image = stripes.image();
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t k = 0; k < acts.k; ++k)
      store_half(image, stripes.place(t * token_bytes + 2 * k), acts.x[(first + t) * acts.k + k]);
  return image;
}

std::size_t output_image_bytes(std::uint32_t m, std::uint32_t tokens, OutputFormat format,
                               const HardwareConfig& hardware) {
  const std::size_t values = rounded_up(m, hardware.rows) * tokens;
  return rounded_up(values * value_bytes(format), hardware.channel_bits / 8);
}

void read_output_image(std::span<const std::uint8_t> image, std::uint32_t m, std::uint32_t tokens,
                       OutputFormat format, const HardwareConfig& hardware,
                       std::vector<std::uint32_t>& bits) {
  const std::size_t rows = hardware.rows;
  const std::size_t width = value_bytes(format);
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t row = 0; row < m; ++row) {
      const std::size_t index = (row / rows * tokens + t) * rows + row % rows;
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < width; ++i)
        value |= std::uint32_t{image[index * width + i]} << (8 * i);
      bits.push_back(value);
    }
}

}  // namespace bitloom
