// SPDX-License-Identifier: Apache-2.0
// Three implementations of the contract that share no arithmetic, held against each other on random
// layers of every mode: golden (multiprecision), cpu (look-up tables) and cuda (the kernel, on the
// CPU).
//
// BITLOOM_SEED=n runs the one case n; BITLOOM_CASES=n changes the number of cases.
#include <bit>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "kernels/cuda_device.hpp"
#include "sw/cpu/cpu_device.hpp"
#include "sw/golden/golden_device.hpp"
#include "tests/support/random_layer.hpp"

namespace {

using namespace bitloom;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

Completion run(Device& device, const RandomCase& c) {
  return run_layer(device, c.layer, c.bits, c.acts, c.format);
}

// Where two results differ first, as text; empty when they do not.
std::string first_difference(const RandomCase& c, const Completion& expected,
                             const Completion& found) {
  if (found.y.format != expected.y.format || found.y.tokens != expected.y.tokens ||
      found.y.m != expected.y.m || found.y.bits.size() != expected.y.bits.size())
    return "another shape or format";
  if (found.nan_tokens != expected.nan_tokens) return "other NaN flags";
  for (std::size_t i = 0; i < expected.y.bits.size(); ++i)
    if (found.y.bits[i] != expected.y.bits[i])
      return "token " + std::to_string(i / c.layer.m) + ", row " + std::to_string(i % c.layer.m) +
             ": " + std::to_string(found.y.bits[i]) + " instead of " +
             std::to_string(expected.y.bits[i]);
  return "";
}

// Golden's results of the case, after cpu and cuda have been compared with them.
Completion check_case(const RandomCase& c) {
  Completion expected = run(*make_golden_device(c.arithmetic), c);
  for (const auto& device : {make_cpu_device(c.arithmetic), make_cuda_device(c.arithmetic)}) {
    const std::string difference = first_difference(c, expected, run(*device, c));
    if (!difference.empty())
      FAIL(device->name() << ", " << difference << " in " << describe(c)
                          << "\nagain: BITLOOM_SEED=" << c.seed << " build/tests/cross/cross_test");
  }
  return expected;
}

// Runs `cases` cases, or the one that BITLOOM_SEED names; fails at the first difference, and when a
// feature is hit by fewer than one case in 200.
void run_campaign(const CaseLimits& limits, std::uint64_t cases) {
  if (std::getenv("BITLOOM_SEED") != nullptr) {
    check_case(make_random_case(number_from("BITLOOM_SEED", 0), limits));
    return;
  }
  Coverage coverage(limits);
  std::uint64_t outputs = 0;
  for (std::uint64_t seed = 0; seed < cases; ++seed) {
    const RandomCase c = make_random_case(seed, limits);
    const Completion expected = check_case(c);
    coverage.add(c, expected.y);
    outputs += expected.y.bits.size();
  }
  std::cout << cases << " layers, " << outputs << " outputs, 0 mismatches\n";
  coverage.print(std::cout);
  CHECK_NOTHROW(coverage.require(cases / 200));
}

}  // namespace

TEST_CASE("golden, cpu and cuda agree in every bit of random small layers of every mode") {
  run_campaign({}, number_from("BITLOOM_CASES", 100000));
}

TEST_CASE("golden, cpu and cuda agree in every bit of random wide layers of every mode") {
  CaseLimits limits;
  limits.max_m = 5;
  limits.max_k = 20000;
  limits.max_tokens = 2;
  run_campaign(limits, number_from("BITLOOM_CASES", 3000));
}

TEST_CASE("golden, cpu and cuda agree on the largest sums of the contract") {
  RandomCase c;
  c.bits = kMaxBits;
  c.layer.name = "largest";
  c.layer.m = 1;
  c.layer.k = kMaxColumns;
  c.layer.plane_count = kMaxBits;
  c.layer.planes.assign(kMaxBits * c.layer.row_bytes(), 0xFF);
  c.layer.precisions[kMaxBits].alpha.assign(kMaxBits, Half{0xFBFF});
  c.layer.precisions[kMaxBits].beta.assign(1, Half{0xFBFF});
  c.acts = {1, kMaxColumns, std::vector<Half>(kMaxColumns, Half{0x7BFF})};
  for (const unsigned mantissa_bits : {8U, 16U, 24U})
    for (const unsigned accumulator : {0U, 32U, 64U, 128U}) {
      c.arithmetic = {mantissa_bits, {accumulator}};
      check_case(c);
    }
  // -9 * 2^20 * 65504^2 = -9 * 2047^2 * 2^30 has 26 significant bits: a double holds it, and the
  // machine's own conversion rounds it.
  c.arithmetic = {16, {}};
  const double exact = -9.0 * 1048576.0 * 65504.0 * 65504.0;
  CHECK(check_case(c).y.bits.at(0) == std::bit_cast<std::uint32_t>(static_cast<float>(exact)));
}
