// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/layer_images.hpp"

#include <algorithm>

#include "sw/contract/accumulate.hpp"
#include "sw/contract/half.hpp"

namespace bitloom::sim {
namespace {

constexpr std::uint32_t kOpcodeLinear = 1;

// E_s of the contract.
int scale_exponent(const PrecisionTables& tables) {
  int largest = contract::kMinExponent;
  for (const std::vector<Half>* table : {&tables.alpha, &tables.beta, &tables.codebook})
    largest = std::max(largest, contract::max_exponent(table->data(), table->size()));
  return largest;
}

// The part of q that is known before the token: q = this + E_x - A (docs/arithmetic.md).
std::int32_t rounding_exponent(const Layer& layer, unsigned bits, Accumulator accumulator) {
  if (accumulator.exact()) return 0;
  const int q =
      contract::rounding_exponent(accumulator, scale_exponent(layer.precisions.at(bits)), 0,
                                  contract::terms_per_column(layer.mode, bits), layer.padded_k());
  return q + static_cast<std::int32_t>(accumulator.bits);
}

}  // namespace

LayerImages make_layer_images(const Layer& layer, const HardwareConfig& hardware) {
  LayerImages images;
  images.shape = layer.shape();
  images.weights = weight_image(layer, hardware);
  images.served = layer.served();
  for (const auto& [bits, tables] : layer.precisions)
    images.tables[bits] = {
        .image = scale_image(layer, bits, hardware),
        .has_offset = !tables.beta.empty(),
        .rounding_exponent = rounding_exponent(layer, bits, hardware.accumulator)};
  return images;
}

Descriptor make_descriptor(const LayerImages& layer, const TokenBatch& batch,
                           const ImageAddresses& addresses) {
  const LayerImages::Tables& tables = layer.tables.at(batch.bits);
  return {.opcode = kOpcodeLinear,
          .codebook = layer.shape.mode == Mode::codebook ? 1U : 0U,
          .has_offset = tables.has_offset ? 1U : 0U,
          .binary16_output = batch.format == OutputFormat::binary16 ? 1U : 0U,
          .interrupt = 1,
          .bits = batch.bits,
          .planes = layer.shape.plane_count,
          .tokens = batch.tokens,
          .m = layer.shape.m,
          .k = layer.shape.k,
          .group_size = layer.shape.group_size,
          .rounding_exponent = static_cast<std::uint32_t>(tables.rounding_exponent) & 0xFFU,
          .weights_address = addresses.weights,
          .scales_address = addresses.scales,
          .activations_address = addresses.activations,
          .outputs_address = addresses.outputs,
          .weights_stripe = layer.weights.stripe,
          .scales_stripe = tables.image.stripe,
          .activations_stripe = batch.activations_stripe};
}

}  // namespace bitloom::sim
