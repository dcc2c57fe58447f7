// SPDX-License-Identifier: Apache-2.0
// Images and descriptors together: what a machine makes of them that does nothing but follow them.
#include "sim/rtl/layer_images.hpp"

#include <catch2/catch.hpp>

#include "sw/golden/golden.hpp"
#include "tests/sim/paper_machine.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom::sim {
namespace {

HardwareConfig hardware(std::uint32_t rows, std::uint32_t columns, std::uint32_t channels,
                        std::uint32_t channel_bits, std::uint32_t tokens) {
  HardwareConfig config;
  config.rows = rows;
  config.columns = columns;
  config.read_channels = channels;
  config.channel_bits = channel_bits;
  config.tokens = tokens;
  return config;
}

// Runs a case in batches of tokens; `nan_tokens` gets a flag per token.
Outputs run(const RandomCase& c, const HardwareConfig& h, std::vector<bool>& nan_tokens) {
  PaperMachine machine(h);
  const LayerImages layer = make_layer_images(c.layer, h);
  const std::uint64_t weights = machine.place(layer.weights.bytes);
  const std::uint64_t scales = machine.place(layer.tables.at(c.bits).image.bytes);
  Outputs y{c.format, c.acts.tokens, c.layer.m, {}};
  for (std::uint32_t token = 0; token < c.acts.tokens; token += h.tokens) {
    const std::uint32_t tokens = std::min(h.tokens, c.acts.tokens - token);
    const Image acts = activation_image(c.acts, token, tokens, layer.shape, h);
    const std::uint64_t outputs = machine.place(
        std::vector<std::uint8_t>(output_image_bytes(c.layer.m, tokens, c.format, h)));
    const Descriptor descriptor =
        make_descriptor(layer, {c.bits, c.format, tokens, acts.stripe},
                        {weights, scales, machine.place(acts.bytes), outputs});
    CHECK(descriptor.interrupt == 1);
    const std::uint32_t nan = machine.run(encode(descriptor));
    for (std::uint32_t t = 0; t < tokens; ++t) nan_tokens.push_back((nan >> t & 1U) != 0);
    read_output_image(machine.at(outputs), c.layer.m, tokens, c.format, h, y.bits);
  }
  return y;
}

TEST_CASE("A machine that follows descriptors and images of every mode gets golden's results") {
  // Groups of several slices, and slices of several groups; one channel, and several.
  const HardwareConfig shapes[] = {hardware(4, 16, 1, 64, 4), hardware(8, 64, 4, 64, 1),
                                   hardware(16, 128, 4, 256, 3)};
  CaseLimits limits;
  limits.max_tokens = 5;
  limits.max_bits = 5;
  limits.max_codebook_bits = 4;
  Coverage coverage(limits);
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const RandomCase c = make_random_case(seed, limits);
    HardwareConfig h = shapes[seed % std::size(shapes)];
    h.mantissa_bits = c.arithmetic.mantissa_bits;
    h.accumulator = c.arithmetic.accumulator;
    CAPTURE(describe(c), h.rows, h.columns);
    std::vector<bool> expected_nan;
    const Outputs expected =
        golden_outputs(c.layer, c.bits, c.acts, c.arithmetic, c.format, &expected_nan);
    std::vector<bool> nan;
    const Outputs found = run(c, h, nan);
    REQUIRE(found.bits == expected.bits);
    REQUIRE(nan == expected_nan);
    coverage.add(c, found);
  }
  CHECK_NOTHROW(coverage.require(5));
}

TEST_CASE(
    "The rounding exponent is that of all tables of the precision, and 0 where none is asked") {
  Layer layer;
  layer.m = 2;
  layer.k = 100;
  layer.group_size = 64;
  layer.plane_count = 2;
  layer.planes.resize(layer.row_bytes() * 4);
  layer.precisions[1].alpha.assign(4, Half{0x3C00});  // 1
  layer.precisions[2].alpha.assign(8, Half{});
  layer.precisions[2].beta.assign(4, Half{});
  layer.precisions[2].beta[3] = Half{0xCC00};  // -16
  HardwareConfig h = hardware(4, 16, 1, 64, 1);
  CHECK(make_layer_images(layer, h).tables.at(2).rounding_exponent == 0);
  h.accumulator = {48};
  const LayerImages images = make_layer_images(layer, h);
  CHECK(images.tables.at(1).rounding_exponent == 0 + 4 + 8);  // n * Kp = 2 * 128
  CHECK(images.tables.at(2).rounding_exponent == 4 + 4 + 9);  // 3 * 128 < 2^9
  CHECK(make_descriptor(images, {.bits = 2}, {}).rounding_exponent == 17);

  layer.group_size = 0;  // Kp = K
  layer.precisions[1].alpha.assign(2, Half{});
  layer.precisions.erase(2);
  const LayerImages per_row = make_layer_images(layer, h);
  CHECK(per_row.tables.at(1).rounding_exponent == -14 + 4 + 8);  // 2 * 100 < 2^8
  CHECK(make_descriptor(per_row, {.bits = 1}, {}).rounding_exponent == 256 - 2);

  layer.mode = Mode::codebook;
  layer.precisions[1] = {.alpha = {}, .beta = {}, .codebook = std::vector<Half>(4, Half{0x3800})};
  CHECK(make_layer_images(layer, h).tables.at(1).rounding_exponent == -1 + 4 + 7);  // 100 < 2^7
}

}  // namespace
}  // namespace bitloom::sim
