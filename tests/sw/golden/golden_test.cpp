// SPDX-License-Identifier: Apache-2.0
// Expected values are worked out by hand beside each case, or come from make_vectors.py, which
// evaluates the contract with fractions in another language.
#include "sw/golden/golden.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace {

using namespace bitloom;
using nlohmann::json;

std::vector<Half> halves(const json& table) {
  std::vector<Half> values;
  for (const json& entry : table) {
    if (entry.is_array()) {
      const std::vector<Half> inner = halves(entry);
      values.insert(values.end(), inner.begin(), inner.end());
    } else {
      values.push_back({entry.get<std::uint16_t>()});
    }
  }
  return values;
}

void set_bit(Layer& layer, std::size_t plane, std::size_t row, std::size_t k) {
  const std::size_t byte = (plane * layer.m + row) * layer.row_bytes() + k / 8;
  layer.planes[byte] = static_cast<std::uint8_t>(layer.planes[byte] | 1U << (k % 8));
}

Layer layer_of(const json& vector) {
  const unsigned bits = vector["bits"];
  Layer layer;
  layer.name = "vector";
  layer.mode = vector["mode"] == "bcq" ? Mode::bcq : Mode::codebook;
  layer.m = vector["m"];
  layer.k = vector["k"];
  layer.group_size = vector["group_size"];
  layer.plane_count = bits;
  layer.planes.resize(bits * layer.m * layer.row_bytes());
  for (std::size_t p = 0; p < bits; ++p)
    for (std::size_t r = 0; r < layer.m; ++r)
      for (std::size_t k = 0; k < layer.k; ++k)
        if (vector["weights"][p][r].get_ref<const std::string&>()[k] == '1')
          set_bit(layer, p, r, k);
  layer.precisions[bits] = {halves(vector["alpha"]), halves(vector["beta"]),
                            halves(vector["codebook"])};
  return layer;
}

// One group of 32 columns, all weights +1, scale 1.
Layer ones_layer(std::uint32_t k) {
  Layer layer;
  layer.name = "ones";
  layer.m = 1;
  layer.k = k;
  layer.group_size = 32;
  layer.plane_count = 1;
  layer.planes.assign(layer.row_bytes(), 0xFF);
  layer.precisions[1].alpha.assign(layer.groups(), Half{0x3C00});
  return layer;
}

Activations token_of(std::vector<Half> x) {
  return {1, static_cast<std::uint32_t>(x.size()), std::move(x)};
}

std::uint32_t only_output(const Layer& layer, std::vector<Half> x, Arithmetic arithmetic,
                          OutputFormat format = OutputFormat::binary32) {
  return golden_outputs(layer, 1, token_of(std::move(x)), arithmetic, format).bits.at(0);
}

constexpr Arithmetic kExact{16, {}};

}  // namespace

TEST_CASE("golden equals the results that fractions give for 160 layer calls") {
  std::ifstream file("tests/sw/golden/vectors.json");
  const json vectors = json::parse(file);
  REQUIRE(vectors.size() == 160);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const json& vector = vectors[i];
    CAPTURE(i);
    const Layer layer = layer_of(vector);
    const auto tokens = static_cast<std::uint32_t>(vector["x"].size());
    const Activations acts{tokens, layer.k, halves(vector["x"])};
    const Arithmetic arithmetic{vector["mantissa_bits"], {vector["accumulator"]}};
    const OutputFormat format =
        vector["format"] == "binary32" ? OutputFormat::binary32 : OutputFormat::binary16;
    const Outputs y = golden_outputs(layer, vector["bits"], acts, arithmetic, format);
    for (std::size_t t = 0; t < tokens; ++t)
      for (std::size_t r = 0; r < layer.m; ++r)
        CHECK(y.bits[t * layer.m + r] == vector["y"][t][r].get<std::uint32_t>());
  }
}

TEST_CASE("a sum of ones is the number of columns") {
  CHECK(only_output(ones_layer(40), std::vector<Half>(40, Half{0x3C00}), kExact) == 0x42200000);
}

TEST_CASE("an activation far below its group's largest rounds to nothing at a narrow mantissa") {
  // 1 + 2^-24: at MB = 8 the unit is 2^-6; at MB = 24 it is 2^-22.
  const std::vector<Half> x = {Half{0x3C00}, Half{0x0001}};
  CHECK(only_output(ones_layer(2), x, {8, {}}) == 0x3F800000);
  CHECK(only_output(ones_layer(2), x, {24, {}}) == 0x3F800000);
  // 1 + 2^-14 at MB = 16 (unit 2^-14) is kept.
  CHECK(only_output(ones_layer(2), {Half{0x3C00}, Half{0x0400}}, kExact) == 0x3F800200);
}

TEST_CASE("the clamp acts on a mantissa that rounds up to a power of two") {
  // 2047/1024 at MB = 8: 127.94 rounds to 128 and is clamped to 127, that is 127/64.
  CHECK(only_output(ones_layer(1), {Half{0x3FFF}}, {8, {}}) == 0x3FFE0000);
  CHECK(only_output(ones_layer(1), {Half{0xBFFF}}, {8, {}}) == 0xBFFE0000);
  // At MB = 12 the value is exact.
  CHECK(only_output(ones_layer(1), {Half{0x3FFF}}, {12, {}}) == 0x3FFFE000);
}

TEST_CASE("a mantissa half way between two integers goes to the even one") {
  // With 1 in the group and MB = 8 the unit is 2^-6: 2^-7 is half of it, 3 * 2^-7 is one and a
  // half.
  CHECK(only_output(ones_layer(2), {Half{0x3C00}, Half{0x2000}}, {8, {}}) == 0x3F800000);
  CHECK(only_output(ones_layer(2), {Half{0x3C00}, Half{0x2600}}, {8, {}}) == 0x3F840000);
}

TEST_CASE("a token without nonzero values gives +0, whatever the signs of its zeros") {
  CHECK(only_output(ones_layer(2), {Half{0x8000}, Half{0x0000}}, kExact) == 0);
}

TEST_CASE("binary16 output overflows at 65520 and not before") {
  // 65504 + 8 = 65512 rounds to 65504; 65504 + 16 = 65520 is a tie that goes to infinity. Two
  // groups, so that the small addend keeps its value.
  std::vector<Half> x(33);
  x[0] = Half{0x7BFF};
  x[32] = Half{0x4800};
  CHECK(only_output(ones_layer(33), x, kExact, OutputFormat::binary16) == 0x7BFF);
  x[32] = Half{0x4C00};
  CHECK(only_output(ones_layer(33), x, kExact, OutputFormat::binary16) == 0x7C00);
  x[0].bits |= 0x8000;
  x[32].bits |= 0x8000;
  CHECK(only_output(ones_layer(33), x, kExact, OutputFormat::binary16) == 0xFC00);
}

TEST_CASE("binary16 output keeps subnormals and the sign of what rounds to zero") {
  Layer layer = ones_layer(1);
  layer.precisions[1].alpha[0] = Half{0x3800};  // 1/2
  const auto output = [&](std::uint16_t x) {
    return only_output(layer, {Half{x}}, kExact, OutputFormat::binary16);
  };
  CHECK(output(0x0006) == 0x0003);
  CHECK(output(0x0003) == 0x0002);  // 1.5 units: to even
  CHECK(output(0x0001) == 0x0000);  // half a unit: to even
  CHECK(output(0x8001) == 0x8000);
  CHECK(output(0x8003) == 0x8002);
}

TEST_CASE("a NaN or infinity spoils its own token only and is flagged") {
  Layer layer = ones_layer(2);
  const Activations acts{
      3, 2, {Half{0x3C00}, Half{0xFC00}, Half{0x3C00}, Half{0x3C00}, Half{0x7D01}, Half{0x3C00}}};
  std::vector<bool> nan_tokens;
  const Outputs wide = golden_outputs(layer, 1, acts, kExact, OutputFormat::binary32, &nan_tokens);
  CHECK(wide.bits == std::vector<std::uint32_t>{0x7FC00000, 0x40000000, 0x7FC00000});
  CHECK(nan_tokens == std::vector<bool>{true, false, true});
  const Outputs narrow = golden_outputs(layer, 1, acts, kExact, OutputFormat::binary16);
  CHECK(narrow.bits == std::vector<std::uint32_t>{0x7E00, 0x4000, 0x7E00});
}

TEST_CASE("a narrow accumulator rounds every term upward at half of its unit") {
  Layer layer = ones_layer(64);
  layer.precisions[1].alpha[1] = Half{0x3C00};
  const Arithmetic narrow{16, {32}};
  std::vector<Half> x(64);
  x[0] = Half{0x7800};  // 32768, E_g = 15
  const auto output = [&](std::uint16_t small) {
    x[32] = Half{small};
    return only_output(layer, x, narrow);
  };
  // E_s = 0, E_x = 15, n = 2, Kp = 64: q = 0 + 15 + 4 + 7 - 32 = -6. The unit is 1/64, and binary32
  // holds 32768 + i/256.
  CHECK(output(0x2400) == 0x47000004);  // 1/64 is kept
  CHECK(output(0x2000) == 0x47000004);  // 1/128 is half of the unit: up
  CHECK(output(0x1FFF) == 0x47000000);  // just below
  CHECK(output(0xA000) == 0x47000000);  // -1/128: up, to zero
  CHECK(output(0xA001) == 0x46FFFFF8);  // just beyond: to -1/64
}

TEST_CASE("an offset larger than all scales sets the unit of a narrow accumulator") {
  // Weights +1, -1 on activations 1, -1: S = 2 and the offset multiplies 0, but E_s = e(1) = 0.
  // q = 0 + 0 + 4 + 6 - 32 = -22, and 2 * (2^-14 + 2^-24) rounds up to 2^-13 + 2^-22.
  Layer layer = ones_layer(2);
  layer.planes = {0x01};
  layer.precisions[1] = {{Half{0x0401}}, {Half{0x3C00}}, {}};
  CHECK(only_output(layer, {Half{0x3C00}, Half{0xBC00}}, {16, {32}}) == 0x39004000);
  layer.precisions[1].beta.clear();  // now E_s = -14 and nothing is rounded
  CHECK(only_output(layer, {Half{0x3C00}, Half{0xBC00}}, {16, {32}}) == 0x39002000);
}

TEST_CASE("partial sums are the signed sums of mantissas per group and plane") {
  Layer layer = ones_layer(40);
  layer.plane_count = 2;
  layer.planes.assign(2 * layer.row_bytes(), 0xFF);
  layer.planes[layer.row_bytes()] = 0xFE;  // plane 1: column 0 is -1
  layer.precisions[2].alpha.assign(4, Half{0x3C00});
  // At MB = 8 a group whose largest value is 1 counts in 2^-6.
  const auto partials =
      golden_partials(layer, 2, token_of(std::vector<Half>(40, Half{0x3C00})), {8, {}}, 0, 0);
  CHECK(partials == std::vector<std::int64_t>{32 * 64, 30 * 64, 8 * 64, 8 * 64});
}

TEST_CASE("partial sums of a codebook are those of its one-hot planes") {
  Layer layer = ones_layer(40);
  layer.mode = Mode::codebook;
  layer.plane_count = 2;
  layer.planes.assign(2 * layer.row_bytes(), 0);
  layer.planes[0] = 0x06;                  // plane 0, the high bit: columns 1 and 2
  layer.planes[layer.row_bytes()] = 0x05;  // plane 1: columns 0 and 2
  layer.precisions.clear();
  layer.precisions[2].codebook.assign(4, Half{0x3C00});
  Activations acts = token_of(std::vector<Half>(40, Half{0x3C00}));
  acts.x[1] = Half{0x3800};  // 0.5
  // In units of 1/64: column 0 (code 1) is 64, column 1 (code 2) 32, column 2 (code 3) 64, and the
  // other 29 columns of the first group and all 8 of the second have code 0.
  const std::int64_t all = 31 * 64 + 32;
  const auto partials = golden_partials(layer, 2, acts, {8, {}}, 0, 0);
  CHECK(partials == std::vector<std::int64_t>{2 * 29 * 64 - all, 2 * 64 - all, 2 * 32 - all,
                                              2 * 64 - all, 8 * 64, -8 * 64, -8 * 64, -8 * 64});
}

TEST_CASE("partial sums of a group per row are those of blocks of 256 columns") {
  Layer layer = ones_layer(300);
  layer.group_size = 0;
  layer.precisions[1].alpha.assign(1, Half{0x3C00});
  Activations acts = token_of(std::vector<Half>(300, Half{0x3C00}));
  acts.x[299] = Half{0x4000};  // 2: one exponent for the row, so that 1 is 32 units
  for (const unsigned accumulator : {0U, 48U})
    CHECK(golden_partials(layer, 1, acts, {8, {accumulator}}, 0, 0) ==
          std::vector<std::int64_t>{256 * 32, 45 * 32});
}

TEST_CASE("golden refuses arguments outside the contract") {
  const Layer layer = ones_layer(2);
  const Activations acts = token_of({Half{0x3C00}, Half{0x3C00}});
  const auto run = [&](const Layer& l, unsigned bits, const Activations& a, Arithmetic arithmetic) {
    return golden_outputs(l, bits, a, arithmetic, OutputFormat::binary32);
  };
  CHECK_NOTHROW(run(layer, 1, acts, kExact));
  CHECK_THROWS_AS(run(layer, 2, acts, kExact), std::invalid_argument);
  CHECK_THROWS_AS(run(layer, 1, acts, {7, {}}), std::invalid_argument);
  CHECK_THROWS_AS(run(layer, 1, acts, {25, {}}), std::invalid_argument);
  CHECK_THROWS_AS(run(layer, 1, acts, {16, {31}}), std::invalid_argument);
  CHECK_THROWS_AS(run(layer, 1, acts, {16, {129}}), std::invalid_argument);
  CHECK_THROWS_AS(run(layer, 1, token_of({Half{0x3C00}}), kExact), std::invalid_argument);
  Layer other_groups = layer;
  other_groups.group_size = 48;
  CHECK_THROWS_AS(run(other_groups, 1, acts, kExact), std::invalid_argument);
  Layer not_finite = layer;
  not_finite.precisions[1].alpha[0] = Half{0x7C00};
  CHECK_THROWS_AS(run(not_finite, 1, acts, kExact), std::invalid_argument);
}

TEST_CASE("a layer of 4096 x 4096 at two bits takes under two seconds") {
  Layer layer;
  layer.name = "large";
  layer.m = 4096;
  layer.k = 4096;
  layer.group_size = 128;
  layer.plane_count = 2;
  layer.planes.assign(2 * layer.m * layer.row_bytes(), 0xA7);
  layer.precisions[2].alpha.assign(std::size_t{layer.m} * layer.groups() * 2, Half{0x2E66});
  layer.precisions[2].beta.assign(std::size_t{layer.m} * layer.groups(), Half{0x1234});
  const auto start = std::chrono::steady_clock::now();
  const Outputs y = golden_outputs(layer, 2, token_of(std::vector<Half>(4096, Half{0x3555})),
                                   kExact, OutputFormat::binary32);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << "golden, 4096 x 4096, 2 bits: " << seconds.count() << " s\n";
  CHECK(seconds.count() < 2.0);
  CHECK(y.bits.front() == y.bits.back());
}
