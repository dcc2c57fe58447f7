// SPDX-License-Identifier: Apache-2.0
// Any-Precision LLM:
//   qweight  I32 [P, M, K/32]     planes of the index, plane 0 the most significant
//   lut{b}   F16 [M, 2^b]         centroids
// A row's bits lie in chunks of 1024 columns, of E = 32 words each; a last, shorter chunk has
// E = columns / 32. Byte j of a chunk (columns 8j .. 8j+7, the first the most significant) is byte
// 3 - j / E of word j % E, so that the 32 threads of a warp read neighbouring activations.
#include <algorithm>
#include <array>

#include "sw/checkpoint/packed_format.hpp"
#include "sw/io/half_bytes.hpp"

namespace bitloom {
namespace {

constexpr std::size_t kChunkBytes = 128;
constexpr std::size_t kWordBytes = 4;

// Place in a packed row, in bytes, of each byte of a plain row.
std::vector<std::size_t> byte_places(std::size_t row_bytes) {
  std::vector<std::size_t> places(row_bytes);
  for (std::size_t byte = 0; byte < row_bytes; ++byte) {
    const std::size_t chunk = byte / kChunkBytes * kChunkBytes;
    const std::size_t words = std::min(kChunkBytes, row_bytes - chunk) / kWordBytes;
    const std::size_t j = byte - chunk;
    places[byte] = chunk + j % words * kWordBytes + (kWordBytes - 1 - j / words);
  }
  return places;
}

std::uint8_t reversed(std::uint8_t byte) {
  std::uint8_t result = 0;
  for (unsigned bit = 0; bit < 8; ++bit)
    result = static_cast<std::uint8_t>(result | ((byte >> bit & 1U) << (7 - bit)));
  return result;
}

// Moves the bytes of all rows between the plain and the packed order.
enum class Direction : std::uint8_t { pack, unpack };
std::vector<std::uint8_t> moved(const LayerShape& layer, std::span<const std::uint8_t> bytes,
                                Direction direction) {
  const std::vector<std::size_t> places = byte_places(layer.row_bytes());
  std::vector<std::uint8_t> result(bytes.size());
  for (std::size_t row = 0; row < bytes.size(); row += layer.row_bytes())
    for (std::size_t byte = 0; byte < layer.row_bytes(); ++byte) {
      const std::size_t plain = row + byte;
      const std::size_t packed = row + places[byte];
      if (direction == Direction::pack)
        result[packed] = reversed(bytes[plain]);
      else
        result[plain] = reversed(bytes[packed]);
    }
  return result;
}

std::string table_name(unsigned bits) { return "lut" + std::to_string(bits); }

class AnyPrecision : public PackedFormat {
 public:
  [[nodiscard]] const char* title() const override { return "Any-Precision"; }
  [[nodiscard]] const char* section() const override { return "anyprec"; }
  [[nodiscard]] Mode mode() const override { return Mode::codebook; }

  [[nodiscard]] PackedShape shape_of(const Shape& qweight) const override {
    return {qweight[0], qweight[1], qweight[2]};
  }

  [[nodiscard]] std::vector<TensorSpec> tensors(const LayerOutline& layer) const override {
    std::vector<TensorSpec> specs = {
        {"qweight", Dtype::i32, {layer.plane_count, layer.m, layer.k / kWordColumns}}};
    for (const auto& [bits, has_offsets] : layer.precisions)
      specs.push_back({table_name(bits), Dtype::f16, {layer.m, std::uint64_t{1} << bits}});
    return specs;
  }

  [[nodiscard]] std::vector<TensorSpec> unused_tensors(const LayerOutline&) const override {
    return {};
  }

  [[nodiscard]] Layer unpack(const LayerOutline& outline,
                             const PackedTensors& tensors) const override {
    Layer layer{outline.shape(), {}, {}};
    layer.planes = moved(layer, tensors.at("qweight"), Direction::unpack);
    for (const auto& [bits, has_offsets] : outline.precisions)
      layer.precisions[bits].codebook = halves_of(tensors.at(table_name(bits)));
    return layer;
  }

  [[nodiscard]] PackedTensors pack(const Layer& layer) const override {
    PackedTensors tensors;
    tensors["qweight"] = moved(layer, layer.planes, Direction::pack);
    for (const auto& [bits, tables] : layer.precisions)
      tensors[table_name(bits)] = bytes_of(tables.codebook);
    return tensors;
  }
};

}  // namespace

const PackedFormat& anyprec_format() {
  static const AnyPrecision format;
  return format;
}

}  // namespace bitloom
