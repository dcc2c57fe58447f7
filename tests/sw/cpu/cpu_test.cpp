// SPDX-License-Identifier: Apache-2.0
// What is particular to the fast model: its blocks, its threads, its 32-bit partial sums. Random
// layers over all modes of the contract are the business of tests/cross.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <stdexcept>
#include <utility>

#include "sw/cpu/cpu_device.hpp"
#include "sw/golden/golden.hpp"

namespace bitloom {
namespace {

// Finite values of magnitude 2^-7 to 2 with random signs and fractions.
Half random_half(std::mt19937& random) {
  const std::uint32_t sign_and_fraction = random() & 0x83FFU;
  return {static_cast<std::uint16_t>(sign_and_fraction | ((8 + random() % 8) << 10))};
}

std::vector<Half> random_halves(std::mt19937& random, std::size_t size) {
  std::vector<Half> values(size);
  for (Half& v : values) v = random_half(random);
  return values;
}

Layer random_layer(std::mt19937& random, Mode mode, std::uint32_t m, std::uint32_t k,
                   std::uint32_t group_size, unsigned plane_count) {
  Layer layer;
  layer.name = "random";
  layer.mode = mode;
  layer.m = m;
  layer.k = k;
  layer.group_size = group_size;
  layer.plane_count = plane_count;
  layer.planes.resize(std::size_t{plane_count} * m * layer.row_bytes());
  for (std::uint8_t& byte : layer.planes) byte = static_cast<std::uint8_t>(random());
  for (unsigned bits = 1; bits <= plane_count; ++bits) {
    PrecisionTables& tables = layer.precisions[bits];
    if (mode == Mode::codebook) {
      tables.codebook = random_halves(random, std::size_t{m} << bits);
    } else {
      tables.alpha = random_halves(random, std::size_t{m} * layer.groups() * bits);
      tables.beta = random_halves(random, std::size_t{m} * layer.groups());
    }
  }
  return layer;
}

Activations random_activations(std::mt19937& random, std::uint32_t tokens, std::uint32_t k) {
  return {tokens, k, random_halves(random, std::size_t{tokens} * k)};
}

Outputs cpu_outputs(const Layer& layer, unsigned bits, const Activations& acts,
                    Arithmetic arithmetic, unsigned threads = 0) {
  const auto device = make_cpu_device(arithmetic, threads);
  return run_layer(*device, layer, bits, acts, OutputFormat::binary32).y;
}

TEST_CASE("Any number of threads gives the same bits") {
  std::mt19937 random(1);
  // 3 planes * 509 rows * 4096 columns * 4 tokens are work for six threads.
  const Layer layer = random_layer(random, Mode::bcq, 509, 4096, 128, 3);
  const Activations acts = random_activations(random, 4, 4096);
  const Outputs expected = golden_outputs(layer, 3, acts, {}, OutputFormat::binary32);
  for (const unsigned threads : {0U, 1U, 2U, 5U, 64U})
    CHECK(cpu_outputs(layer, 3, acts, {}, threads) == expected);
}

TEST_CASE("Ragged ends of blocks, bytes and groups give golden's bits at every precision") {
  std::mt19937 random(2);
  const Arithmetic narrow{16, {36}};
  for (const Mode mode : {Mode::bcq, Mode::codebook})
    for (const std::uint32_t group_size : {0U, 32U, 256U})
      for (const std::uint32_t k : {1U, 7U, 8U, 9U, 33U, 255U, 256U, 257U, 300U, 513U}) {
        const Layer layer = random_layer(random, mode, 3, k, group_size, 4);
        const Activations acts = random_activations(random, 2, k);
        for (unsigned bits = 1; bits <= 4; ++bits)
          for (const Arithmetic arithmetic : {Arithmetic{}, narrow}) {
            INFO("k " << k << ", group size " << group_size << ", " << bits << " bits");
            CHECK(cpu_outputs(layer, bits, acts, arithmetic) ==
                  golden_outputs(layer, bits, acts, arithmetic, OutputFormat::binary32));
          }
      }
}

TEST_CASE("The largest sum of the contract is exact") {
  // 2^20 columns of 65504 with every weight 9 * 65504, sign by sign: y = 9 * 2^20 * 65504^2.
  const Half largest{0x7BFF};
  Layer layer;
  layer.name = "largest";
  layer.m = 1;
  layer.k = kMaxColumns;
  layer.plane_count = 8;
  layer.planes.assign(std::size_t{8} * layer.row_bytes(), 0xFF);
  layer.precisions[8].alpha.assign(8, largest);
  layer.precisions[8].beta = {largest};
  const Activations acts{1, layer.k, std::vector<Half>(layer.k, largest)};
  const auto exact = static_cast<float>(9.0L * 1048576.0L * 65504.0L * 65504.0L);
  for (const unsigned mantissa_bits : {12U, 16U, 24U})
    for (const unsigned accumulator_bits : {0U, 64U, 128U}) {
      const Outputs y = cpu_outputs(layer, 8, acts, {mantissa_bits, {accumulator_bits}});
      CHECK(y.bits == std::vector<std::uint32_t>{std::bit_cast<std::uint32_t>(exact)});
    }
}

TEST_CASE("A NaN token is flagged and does not touch the tokens beside it") {
  std::mt19937 random(3);
  const Layer layer = random_layer(random, Mode::bcq, 5, 70, 32, 2);
  Activations acts = random_activations(random, 3, 70);
  const Outputs before = cpu_outputs(layer, 2, acts, {});
  acts.x[70 + 69].bits = 0xFC00;
  const auto device = make_cpu_device({});
  const Completion done = run_layer(*device, layer, 2, acts, OutputFormat::binary32);
  CHECK(done.nan_tokens == std::vector<bool>{false, true, false});
  for (std::size_t i = 0; i < done.y.bits.size(); ++i)
    CHECK(done.y.bits[i] == (i / 5 == 1 ? kQuietNan32 : before.bits[i]));
}

TEST_CASE("An arithmetic outside the contract is refused") {
  CHECK_THROWS_AS(make_cpu_device({7, {}}), std::invalid_argument);
  CHECK_THROWS_AS(make_cpu_device({25, {}}), std::invalid_argument);
  CHECK_THROWS_AS(make_cpu_device({16, {31}}), std::invalid_argument);
  CHECK_THROWS_AS(make_cpu_device({16, {129}}), std::invalid_argument);
}

// Not a check: run with the argument [bench] for the figures of docs/arithmetic.md.
TEST_CASE("Milliseconds of one token through a LLaMA-7B projection", "[.bench]") {
  std::mt19937 random(4);
  const Activations acts = random_activations(random, 1, 4096);
  for (const Mode mode : {Mode::bcq, Mode::codebook}) {
    const Layer layer = random_layer(random, mode, 4096, 4096, 128, 4);
    for (const unsigned threads : {1U, 0U}) {
      const auto device = make_cpu_device({}, threads);
      const LayerId id = device->load(layer);
      for (const unsigned bits : {2U, 3U, 4U}) {
        double best = 1e9;
        for (int call = 0; call < 20; ++call) {
          device->submit({id, bits, acts, OutputFormat::binary32});
          const auto start = std::chrono::steady_clock::now();
          REQUIRE(device->poll());
          const std::chrono::duration<double, std::milli> elapsed =
              std::chrono::steady_clock::now() - start;
          best = std::min(best, elapsed.count());
        }
        std::cout << (mode == Mode::bcq ? "bcq" : "codebook") << ", " << bits << " bits, "
                  << (threads == 1 ? "one thread: " : "all cores: ") << best << " ms\n";
      }
    }
  }
}

}  // namespace
}  // namespace bitloom
