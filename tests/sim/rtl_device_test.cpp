// SPDX-License-Identifier: Apache-2.0
// The real machine, end to end: what the rtl device returns and counts.
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <numeric>
#include <vector>

#include "sim/rtl/rtl_device.hpp"
#include "sw/config/config.hpp"
#include "sw/golden/golden_device.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom {
namespace {

CaseLimits rtl_limits() {
  return {.max_m = 24,
          .max_k = 700,
          .max_tokens = 3,
          .max_bits = 8,
          .max_codebook_bits = 0,
          .group_sizes = {128},
          .mantissa_bits = {16},
          .narrow_accumulators = false,
          .binary16_output = false};
}

TEST_CASE("Small layers on the machine equal golden in every bit, whether queued or one by one") {
  const Config config = load_config("tiny");
  const auto rtl = make_rtl_device(config);
  const auto one_by_one = make_rtl_device(config);
  const auto golden = make_golden_device(config.arithmetic());
  std::vector<RandomCase> cases;
  for (std::uint64_t seed = 100; seed < 110; ++seed)
    cases.push_back(make_random_case(seed, rtl_limits()));
  for (const RandomCase& c : cases) rtl->submit({rtl->load(c.layer), c.bits, c.acts, c.format});
  for (const RandomCase& c : cases) {
    CAPTURE(describe(c));
    const Completion expected = run_layer(*golden, c.layer, c.bits, c.acts, c.format);
    const auto queued = rtl->poll();
    REQUIRE(queued);
    CHECK(queued->y == expected.y);
    CHECK(queued->nan_tokens == expected.nan_tokens);
    CHECK(run_layer(*one_by_one, c.layer, c.bits, c.acts, c.format).y == expected.y);
  }
}

// A layer without random content, so that what it must cost is plain arithmetic.
RandomCase plain_case(std::uint32_t m, std::uint32_t k, unsigned planes, unsigned bits,
                      bool offsets) {
  RandomCase c;
  c.bits = bits;
  c.layer.name = "plain";
  c.layer.m = m;
  c.layer.k = k;
  c.layer.group_size = 128;
  c.layer.plane_count = planes;
  c.layer.planes.assign(c.layer.row_bytes() * m * planes, 0xA5);
  PrecisionTables& tables = c.layer.precisions[bits];
  tables.alpha.assign(std::size_t{m} * c.layer.groups() * bits, Half{0x3800});
  if (offsets) tables.beta.assign(std::size_t{m} * c.layer.groups(), Half{0x3400});
  c.acts = {1, k, std::vector<Half>(k, Half{0x3C00})};
  return c;
}

TEST_CASE("Bytes on the ports are those of the planes and scales in use, activations and results") {
  const auto rtl = make_rtl_device(load_config("tiny"));
  for (const unsigned bits : {1U, 3U, 8U}) {
    CAPTURE(bits);
    const RandomCase c = plain_case(16, 512, 8, bits, true);
    const Completion done = run_layer(*rtl, c.layer, bits, c.acts, c.format);
    REQUIRE(done.stats);
    const auto bytes = [&](Stream stream) {
      return done.stats->stream_bytes.at(static_cast<std::size_t>(stream));
    };
    CHECK(bytes(Stream::weights) == 16 * 512 / 8 * bits);
    CHECK(bytes(Stream::scales) == 16 * 4 * (bits + 1) * 2);
    CHECK(bytes(Stream::activations) == 512 * 2);
    CHECK(bytes(Stream::descriptors) == 64);
    CHECK(bytes(Stream::outputs) == 16 * 4);
    CHECK(bytes(Stream::completions) == 64);
  }
}

TEST_CASE("Every cycle has one cause, the busy ones are the passes, and runs repeat to the cycle") {
  const Config config = load_config("tiny");
  const RandomCase c = plain_case(32, 1024, 2, 2, false);
  const auto stats = [&] {
    const auto rtl = make_rtl_device(config);
    return *run_layer(*rtl, c.layer, c.bits, c.acts, c.format).stats;
  };
  const CycleStats first = stats();
  CHECK(first.cycles == std::accumulate(first.by_cause.begin(), first.by_cause.end(), 0ULL));
  // 8 row tiles x 64 slices of 16 columns x 2 planes.
  CHECK(first.by_cause.at(static_cast<std::size_t>(Cause::busy)) == 8 * 64 * 2);
  CHECK(first.cycles < first.simulated_cycles);
  const CycleStats second = stats();
  CHECK(first.by_cause == second.by_cause);
  CHECK(first.simulated_cycles == second.simulated_cycles);
}

}  // namespace
}  // namespace bitloom
