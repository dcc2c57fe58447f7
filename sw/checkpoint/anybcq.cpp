// SPDX-License-Identifier: Apache-2.0
// AnyBCQ: the output row is the fastest axis of every tensor, so that neighbouring threads of a GPU
// read neighbouring words.
//   qweight  I32 [K/32, P, M]     bit t, least significant first: column 32 * k32 + t; 1 is +1
//   alpha_p  F16 [K/g, p, M]      beta_p  F16 [K/g, M]
#include <algorithm>

#include "sw/checkpoint/packed_format.hpp"
#include "sw/io/half_bytes.hpp"

namespace bitloom {
namespace {

constexpr std::size_t kWordBytes = 4;

// Calls body(k32, plane, row, byte of the word in qweight, byte of it in the layer's planes).
template <class Body>
void for_each_word(const LayerShape& layer, const Body& body) {
  for (std::size_t k32 = 0; k32 < layer.k / kWordColumns; ++k32)
    for (std::size_t plane = 0; plane < layer.plane_count; ++plane)
      for (std::size_t row = 0; row < layer.m; ++row)
        body(((k32 * layer.plane_count + plane) * layer.m + row) * kWordBytes,
             (plane * layer.m + row) * layer.row_bytes() + k32 * kWordBytes);
}

// From [M, columns] to [columns, M].
std::vector<Half> transposed(std::span<const Half> values, std::size_t rows) {
  const std::size_t columns = values.size() / rows;
  std::vector<Half> result(values.size());
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      result[column * rows + row] = values[row * columns + column];
  return result;
}

class AnyBcq : public PackedFormat {
 public:
  [[nodiscard]] const char* title() const override { return "AnyBCQ"; }
  [[nodiscard]] const char* section() const override { return "anybcq"; }
  [[nodiscard]] Mode mode() const override { return Mode::bcq; }

  [[nodiscard]] PackedShape shape_of(const Shape& qweight) const override {
    return {qweight[1], qweight[2], qweight[0]};
  }

  [[nodiscard]] std::vector<TensorSpec> tensors(const LayerOutline& layer) const override {
    std::vector<TensorSpec> specs = {
        {"qweight", Dtype::i32, {layer.k / kWordColumns, layer.plane_count, layer.m}}};
    for (const auto& [bits, has_offsets] : layer.precisions) {
      specs.push_back(
          {"alpha_" + std::to_string(bits), Dtype::f16, {layer.groups(), bits, layer.m}});
      specs.push_back({"beta_" + std::to_string(bits), Dtype::f16, {layer.groups(), layer.m}});
    }
    return specs;
  }

  [[nodiscard]] std::vector<TensorSpec> unused_tensors(const LayerOutline& layer) const override {
    return {{"q_bias", Dtype::f16, {layer.groups(), layer.m}}};
  }

  [[nodiscard]] Layer unpack(const LayerOutline& outline,
                             const PackedTensors& tensors) const override {
    Layer layer{outline.shape(), {}, {}};
    layer.planes.resize(std::size_t{layer.plane_count} * layer.m * layer.row_bytes());
    const std::vector<std::uint8_t>& words = tensors.at("qweight");
    for_each_word(layer, [&](std::size_t packed, std::size_t ours) {
      std::copy_n(&words[packed], kWordBytes, &layer.planes[ours]);
    });
    for (const auto& [bits, has_offsets] : outline.precisions) {
      PrecisionTables& tables = layer.precisions[bits];
      const auto table = [&, b = bits](const char* kind) {
        const std::vector<Half> values = halves_of(tensors.at(kind + std::to_string(b)));
        return transposed(values, values.size() / layer.m);
      };
      tables.alpha = table("alpha_");
      tables.beta = table("beta_");
    }
    return layer;
  }

  [[nodiscard]] PackedTensors pack(const Layer& layer) const override {
    PackedTensors tensors;
    std::vector<std::uint8_t>& words = tensors["qweight"];
    words.resize(layer.planes.size());
    for_each_word(layer, [&](std::size_t packed, std::size_t ours) {
      std::copy_n(&layer.planes[ours], kWordBytes, &words[packed]);
    });
    for (const auto& [bits, tables] : layer.precisions) {
      tensors["alpha_" + std::to_string(bits)] = bytes_of(transposed(tables.alpha, layer.m));
      // The format has no layer without offsets.
      tensors["beta_" + std::to_string(bits)] =
          tables.beta.empty() ? std::vector<std::uint8_t>(std::size_t{layer.groups()} * layer.m * 2)
                              : bytes_of(transposed(tables.beta, layer.m));
    }
    return tensors;
  }
};

}  // namespace

const PackedFormat& anybcq_format() {
  static const AnyBcq format;
  return format;
}

}  // namespace bitloom
