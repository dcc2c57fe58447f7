// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_layer.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <stdexcept>

namespace {

using namespace bitloom;

// What a machine with the limits of a first RTL can run.
CaseLimits narrow_limits() {
  CaseLimits limits;
  limits.max_m = 9;
  limits.max_k = 300;
  limits.max_tokens = 1;
  limits.max_bits = 5;
  limits.max_codebook_bits = 0;
  limits.group_sizes = {128};
  limits.mantissa_bits = {16};
  limits.narrow_accumulators = false;
  limits.binary16_output = false;
  return limits;
}

Outputs zeros(const RandomCase& c) {
  return {c.format, c.acts.tokens, c.layer.m,
          std::vector<std::uint32_t>(std::size_t{c.acts.tokens} * c.layer.m)};
}

}  // namespace

TEST_CASE("a seed gives the same case each time and another seed another one") {
  const RandomCase a = make_random_case(7, {});
  const RandomCase b = make_random_case(7, {});
  CHECK(describe(a) == describe(b));
  CHECK(a.layer.planes == b.layer.planes);
  CHECK(a.acts.x == b.acts.x);
  CHECK(describe(a) != describe(make_random_case(8, {})));
  // The generator is part of every campaign's record: a change of it is a decision.
  CHECK(
      describe(a) ==
      "seed 7: 23 x 1, codebook, 7 bits of 7 planes, group size 32, 4 tokens, mantissa of 17 bits, "
      "32-bit accumulator, binary32");
}

TEST_CASE("cases keep their limits and have the sizes of their shapes") {
  const CaseLimits limits = narrow_limits();
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const RandomCase c = make_random_case(seed, limits);
    const Layer& layer = c.layer;
    CHECK(layer.mode == Mode::bcq);
    CHECK((layer.m >= 1 && layer.m <= 9));
    CHECK((layer.k >= 1 && layer.k <= 300));
    CHECK((c.bits >= 1 && c.bits <= layer.plane_count && layer.plane_count <= 5));
    CHECK(layer.group_size == 128);
    CHECK(c.acts.tokens == 1);
    CHECK(c.acts.k == layer.k);
    CHECK(c.acts.x.size() == layer.k);
    CHECK(c.arithmetic == Arithmetic{16, {}});
    CHECK(c.format == OutputFormat::binary32);
    CHECK(layer.planes.size() == layer.plane_count * layer.m * layer.row_bytes());
    REQUIRE(layer.precisions.contains(c.bits));
    for (const auto& [bits, tables] : layer.precisions)
      CHECK(tables.alpha.size() == std::size_t{layer.m} * layer.groups() * bits);
  }
}

TEST_CASE("a machine's cases keep its limits, and its table counts what they ask of its array") {
  HardwareConfig hardware;
  hardware.rows = 4;
  hardware.columns = 64;
  hardware.tokens = 2;
  hardware.mantissa_bits = 11;
  hardware.accumulator = {40};
  hardware.max_bits = 3;
  hardware.max_codebook_bits = 2;
  const CaseLimits limits = machine_limits(hardware, 9, 400);
  Coverage coverage(limits);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const RandomCase c = make_random_case(seed, limits);
    CHECK(c.arithmetic == Arithmetic{11, {40}});
    CHECK(c.layer.plane_count <= (c.layer.mode == Mode::bcq ? 3 : 2));
    CHECK(c.acts.tokens <= 4);
    coverage.add(c, zeros(c));
  }
  std::ostringstream table;
  coverage.print(table);
  for (const char* row :
       {"several row tiles", "blocks of several slices", "blocks of several groups",
        "fewer in the last one", "odd number of scale vectors", "NaN beside tokens without",
        "more tokens than the array takes at once", "codebook, one group per row",
        "accumulator of 33..63 bits", "one group per row, narrow, several blocks"}) {
    CAPTURE(row);
    CHECK(table.str().find(row) != std::string::npos);
    CHECK(table.str().find(std::string("    0  ") + row) == std::string::npos);
  }
  CHECK(table.str().find("exact accumulator") == std::string::npos);
  // A narrower array has no groups that share a word.
  hardware.columns = 16;
  std::ostringstream narrower;
  Coverage(machine_limits(hardware, 9, 400)).print(narrower);
  CHECK(narrower.str().find("blocks of several slices") != std::string::npos);
  CHECK(narrower.str().find("blocks of several groups") == std::string::npos);
}

TEST_CASE("the coverage table has a row for what no case has hit, and refuses it") {
  Coverage coverage(narrow_limits());
  CHECK_THROWS_AS(coverage.require(1), std::runtime_error);
  CHECK_NOTHROW(coverage.require(0));
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const RandomCase c = make_random_case(seed, narrow_limits());
    coverage.add(c, zeros(c));
  }
  // Outputs of zero never hold a NaN, and that row alone is missing.
  try {
    coverage.require(1);
    FAIL("the row of NaN outputs was not missed");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()) == "features hit by fewer than 1 cases:\n  output NaN: 0");
  }
  std::ostringstream table;
  coverage.print(table);
  CHECK(table.str().find("       0  output NaN\n") != std::string::npos);
  CHECK(table.str().find("    1000  output +0\n") != std::string::npos);
  CHECK(table.str().find("codebook") == std::string::npos);
}
