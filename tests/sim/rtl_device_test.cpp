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

TEST_CASE("Small layers on the machine equal golden in every bit, whether queued or one by one") {
  const Config config = load_config("tiny");
  const auto rtl = make_rtl_device(config);
  const auto one_by_one = make_rtl_device(config);
  const auto golden = make_golden_device(config.arithmetic());
  std::vector<RandomCase> cases;
  for (std::uint64_t seed = 100; seed < 124; ++seed)
    cases.push_back(make_random_case(seed, machine_limits(config.hardware, 24, 700)));
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

// A layer without random content, so that what it must cost is plain arithmetic. It serves all
// precisions up to the planes stored.
struct Plain {
  Mode mode = Mode::bcq;
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  std::uint32_t group_size = 128;
  unsigned planes = 0;
  bool offsets = false;
};

Layer plain_layer(const Plain& plain) {
  Layer layer;
  layer.name = "plain";
  layer.mode = plain.mode;
  layer.m = plain.m;
  layer.k = plain.k;
  layer.group_size = plain.group_size;
  layer.plane_count = plain.planes;
  layer.planes.assign(layer.row_bytes() * layer.m * plain.planes, 0xA5);
  const std::size_t cells = std::size_t{layer.m} * layer.groups();
  for (unsigned bits = 1; bits <= plain.planes; ++bits) {
    PrecisionTables& tables = layer.precisions[bits];
    if (plain.mode == Mode::codebook) {
      tables.codebook.assign(std::size_t{layer.m} << bits, Half{0x3800});
    } else {
      tables.alpha.assign(cells * bits, Half{0x3800});
      if (plain.offsets) tables.beta.assign(cells, Half{0x3400});
    }
  }
  return layer;
}

Activations ones(std::uint32_t tokens, std::uint32_t k) {
  return {tokens, k, std::vector<Half>(std::size_t{tokens} * k, Half{0x3C00})};
}

TEST_CASE("Precision and format change from call to call, and each has its own tables") {
  const Config config = load_config("tiny");
  const auto rtl = make_rtl_device(config);
  const auto golden = make_golden_device(config.arithmetic());
  const Mode mode = GENERATE(Mode::bcq, Mode::codebook);
  CaseLimits limits = machine_limits(config.hardware, 24, 700);
  limits.max_bits = 4;
  RandomCase c;
  for (std::uint64_t seed = 1; c.layer.precisions.size() < 4 || c.layer.mode != mode; ++seed)
    c = make_random_case(seed, limits);  // until it serves 1 to 4 bits
  CAPTURE(describe(c));
  const LayerId layer = rtl->load(c.layer);
  struct Shot {
    unsigned bits;
    OutputFormat format;
  };
  constexpr std::array shots = {Shot{4, OutputFormat::binary32}, Shot{1, OutputFormat::binary16},
                                Shot{3, OutputFormat::binary32}, Shot{3, OutputFormat::binary16},
                                Shot{2, OutputFormat::binary32}, Shot{4, OutputFormat::binary16},
                                Shot{1, OutputFormat::binary32}};
  for (const Shot& shot : shots) rtl->submit({layer, shot.bits, c.acts, shot.format});
  for (const Shot& shot : shots) {
    CAPTURE(shot.bits);
    const auto found = rtl->poll();
    REQUIRE(found);
    CHECK(found->y == run_layer(*golden, c.layer, shot.bits, c.acts, shot.format).y);
  }
}

TEST_CASE("A NaN or Inf makes its own token NaN, in any descriptor, and no other token") {
  const Config config = load_config("tiny");
  const auto rtl = make_rtl_device(config);
  const auto golden = make_golden_device(config.arithmetic());
  const std::uint32_t group_size = GENERATE(64U, 0U);
  const Layer layer =
      plain_layer({.m = 5, .k = 300, .group_size = group_size, .planes = 2, .offsets = true});
  // Tokens of two descriptors, the faulty ones first, last and alone in their descriptors.
  Activations acts = ones(9, 300);
  acts.x[0 * 300 + 299] = Half{0x7C00};
  acts.x[3 * 300 + 0] = Half{0x7E01};
  acts.x[8 * 300 + 128] = Half{0xFC00};
  for (const OutputFormat format : {OutputFormat::binary32, OutputFormat::binary16}) {
    const Completion found = run_layer(*rtl, layer, 2, acts, format);
    CHECK(found.nan_tokens ==
          std::vector<bool>{true, false, false, true, false, false, false, false, true});
    CHECK(found.y == run_layer(*golden, layer, 2, acts, format).y);
  }
}

// Bytes by stream of a call on tiny: rows of 4, columns of 16, beats of 8 bytes, 4 tokens at once.
struct Traffic {
  std::uint64_t weights, scales, activations, descriptors, outputs, completions;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

Traffic traffic(Device& rtl, const Plain& plain, unsigned bits, std::uint32_t tokens = 1,
                OutputFormat format = OutputFormat::binary32) {
  const Completion done = run_layer(rtl, plain_layer(plain), bits, ones(tokens, plain.k), format);
  const auto& bytes = done.stats->stream_bytes;
  return {bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]};
}

TEST_CASE("Bytes on the ports are those of the planes and scales in use, activations and results") {
  const auto rtl = make_rtl_device(load_config("tiny"));
  const Plain bcq{.m = 16, .k = 512, .planes = 8, .offsets = true};
  for (const unsigned bits : {1U, 3U, 8U}) {
    CAPTURE(bits);
    CHECK(traffic(*rtl, bcq, bits) ==
          Traffic{16 * 512 / 8 * bits, 16 * 4 * (bits + 1) * 2, 512 * 2, 64, 16 * 4, 64});
  }
  // Tokens at once share the weights; the fifth needs them again.
  CHECK(traffic(*rtl, bcq, 2, 4) ==
        Traffic{16 * 512 / 8 * 2, 16 * 4 * 3 * 2, 4 * 512 * 2, 64, 4 * 16 * 4, 64});
  CHECK(traffic(*rtl, bcq, 2, 5) ==
        Traffic{2 * 16 * 512 / 8 * 2, 2 * 16 * 4 * 3 * 2, 5 * 512 * 2, 128, 5 * 16 * 4, 128});
  CHECK(traffic(*rtl, bcq, 2, 1, OutputFormat::binary16).outputs == 16 * 2);
  // Centroids, and the scales of a row as one group, once per row, whatever K.
  const Plain codebook{.mode = Mode::codebook, .m = 16, .k = 512, .planes = 4};
  CHECK(traffic(*rtl, codebook, 3) == Traffic{16 * 512 / 8 * 3, 16 * 8 * 2, 512 * 2, 64, 64, 64});
  // A row's exponent takes a reading of its own.
  const Plain per_row{.m = 16, .k = 512, .group_size = 0, .planes = 4, .offsets = true};
  CHECK(traffic(*rtl, per_row, 3) ==
        Traffic{16 * 512 / 8 * 3, 16 * 4 * 2, 2 * 512 * 2, 64, 64, 64});
}

CycleStats stats_of(const Plain& plain, unsigned bits, std::uint32_t tokens = 1) {
  const auto rtl = make_rtl_device(load_config("tiny"));
  return *run_layer(*rtl, plain_layer(plain), bits, ones(tokens, plain.k), OutputFormat::binary32)
              .stats;
}

std::uint64_t busy(const CycleStats& stats) {
  return stats.by_cause.at(static_cast<std::size_t>(Cause::busy));
}

TEST_CASE("Every cycle has one cause, the busy ones are the passes, and runs repeat to the cycle") {
  // 8 row tiles x 64 slices of 16 columns x planes or codes, once for up to 4 tokens.
  const Plain bcq{.m = 32, .k = 1024, .planes = 2};
  const CycleStats first = stats_of(bcq, 2);
  CHECK(first.cycles == std::accumulate(first.by_cause.begin(), first.by_cause.end(), 0ULL));
  CHECK(busy(first) == 8 * 64 * 2);
  CHECK(first.cycles < first.simulated_cycles);
  const CycleStats second = stats_of(bcq, 2);
  CHECK(first.by_cause == second.by_cause);
  CHECK(first.simulated_cycles == second.simulated_cycles);

  CHECK(busy(stats_of(bcq, 2, 4)) == 8 * 64 * 2);
  CHECK(busy(stats_of(bcq, 2, 9)) == 3 * 8 * 64 * 2);
  CHECK(busy(stats_of({.mode = Mode::codebook, .m = 32, .k = 1024, .planes = 3}, 3)) == 8 * 64 * 8);
  CHECK(busy(stats_of({.m = 32, .k = 1024, .group_size = 0, .planes = 2}, 2)) == 8 * 64 * 2);
}

}  // namespace
}  // namespace bitloom
