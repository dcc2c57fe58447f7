// SPDX-License-Identifier: Apache-2.0
// The expected values come from long double arithmetic (an x87 significand has 64 bits), from exact
// integers, or from a sheet of paper: never from the contract.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "sw/contract/accumulate.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/fixed.hpp"
#include "sw/contract/half.hpp"
#include "sw/contract/round.hpp"

namespace bitloom::contract {
namespace {

static_assert(std::numeric_limits<long double>::digits == 64);

// IEEE 754, section 3.4, word by word.
long double value_of(Half v) {
  const int field = (v.bits >> 10) & 0x1F;
  const long double fraction = static_cast<long double>(v.bits & 0x3FF) / 1024;
  long double magnitude = 0;
  if (field == 0x1F)
    magnitude = fraction == 0 ? std::numeric_limits<long double>::infinity()
                              : std::numeric_limits<long double>::quiet_NaN();
  else if (field == 0)
    magnitude = std::ldexp(fraction, -14);
  else
    magnitude = std::ldexp(1 + fraction, field - 15);
  return (v.bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::vector<Half> all_halves() {
  std::vector<Half> all(1U << 16);
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i].bits = static_cast<std::uint16_t>(i);
  return all;
}

// Exact: |value| < 2^15 and a multiple of 2^-48 fit the 64 bits that this reads.
Fixed fixed_of(long double value) {
  return static_cast<std::int64_t>(std::ldexp(value, -kFixedUnit));
}

// The pattern with this value and sign, found by looking at all of them.
Half half(float value) {
  for (const Half v : all_halves())
    if (value_of(v) == value && std::signbit(value_of(v)) == std::signbit(value)) return v;
  throw std::invalid_argument("not a binary16 value");
}

TEST_CASE("Every binary16 value is read as IEEE 754 defines it") {
  for (const Half v : all_halves()) {
    const long double value = value_of(v);
    if (std::isfinite(value)) {
      const int e = value == 0 ? -14 : std::max(std::ilogb(value), -14);
      REQUIRE(exponent(v) == e);
      REQUIRE(is_finite(v));
      REQUIRE(std::ldexp(static_cast<long double>(significand(v)), e - 10) == std::fabs(value));
      REQUIRE(is_negative(v) == std::signbit(value));
      REQUIRE(static_cast<long double>(units(v)) == std::ldexp(value, 24));
    } else {
      REQUIRE(exponent(v) == kNonFiniteExponent);
      REQUIRE_FALSE(is_finite(v));
    }
  }
}

TEST_CASE("A group's exponent is its largest one, and -14 without a nonzero value") {
  const std::vector<Half> zeros = {half(0.0F), half(-0.0F)};
  CHECK(max_exponent(zeros.data(), zeros.size()) == -14);
  CHECK(max_exponent(nullptr, 0) == -14);
  const std::vector<Half> mixed = {half(0.0F), half(-3.0F), half(1.5F), half(0x1p-20F)};
  CHECK(max_exponent(mixed.data(), mixed.size()) == 1);
  const std::vector<Half> subnormal = {half(0x1p-24F)};
  CHECK(max_exponent(subnormal.data(), subnormal.size()) == -14);
  const std::vector<Half> infinite = {half(1.0F), Half{0xFC00}};
  CHECK(max_exponent(infinite.data(), infinite.size()) == kNonFiniteExponent);
}

TEST_CASE("Every binary16 value is aligned to every exponent and width as long double rounds it") {
  const std::vector<Half> halves = all_halves();
  std::uint64_t wrong = 0;
  std::uint64_t clamped = 0;
  for (unsigned mb = 8; mb <= 24; ++mb) {
    const long double limit = std::ldexp(1.0L, static_cast<int>(mb) - 1) - 1;
    for (const Half v : halves) {
      const long double value = value_of(v);
      if (!std::isfinite(value)) continue;
      for (int e = exponent(v); e <= 15; ++e) {
        const long double ideal = std::nearbyint(std::ldexp(value, static_cast<int>(mb) - 2 - e));
        const long double expected = std::fmax(-limit, std::fmin(limit, ideal));
        clamped += ideal != expected ? 1 : 0;
        wrong += static_cast<long double>(aligned_mantissa(v, e, mb)) != expected ? 1 : 0;
      }
    }
    if (mb == 11) CHECK(clamped > 0);
  }
  CHECK(wrong == 0);
}

TEST_CASE("The clamp acts only up to eleven mantissa bits") {
  const Half largest = half(65504.0F);
  CHECK(aligned_mantissa(largest, 15, 8) == 127);    // 127.9 would round to 128
  CHECK(aligned_mantissa(largest, 15, 11) == 1023);  // 1023.5 would round to 1024
  CHECK(aligned_mantissa(largest, 15, 12) == 2047);  // exact
  CHECK(aligned_mantissa(half(-65504.0F), 15, 8) == -127);
}

TEST_CASE("A right shift rounds to nearest with ties to even") {
  for (std::uint32_t v = 0; v < 4096; ++v)
    for (int count = 0; count <= 14; ++count) {
      const long double expected = std::nearbyint(std::ldexp(static_cast<long double>(v), -count));
      REQUIRE(static_cast<long double>(shift_right_nearest_even(v, count)) == expected);
    }
  const Magnitude high = Magnitude{1} << 120;
  CHECK(shift_right_nearest_even(high + (high >> 1), 120) == 2);  // 1.5
  CHECK(shift_right_nearest_even(high >> 1, 120) == 0);           // 0.5
  CHECK(shift_right_nearest_even((high >> 1) + 1, 120) == 1);
}

TEST_CASE("A narrow accumulator's term is rounded to a multiple of 2^q with halves upward") {
  for (int t = -4096; t <= 4096; ++t)
    for (int count = 0; count <= 14; ++count) {
      const long double scaled = std::ldexp(static_cast<long double>(t), -count);
      const long double expected = std::ldexp(std::floor(scaled + 0.5L), count);
      REQUIRE(static_cast<long double>(round_half_up(t, kFixedUnit + count)) == expected);
    }
  CHECK(round_half_up(12345, -1000) == 12345);
  const Fixed high = Fixed{3} << 100;  // the largest q of the contract is 26, a shift by 74
  CHECK(round_half_up(high + (Fixed{1} << 73), 26) == high + (Fixed{1} << 74));
  CHECK(round_half_up(-high - (Fixed{1} << 73), 26) == -high);
}

TEST_CASE("A term is scale times sum times the group's power of two") {
  // 1.5 * 3 * 2^(2-14) = 4.5 * 2^-12
  CHECK(term(half(1.5F), 3, 2, 16) == Fixed{9} << (48 - 13));
  // The smallest scale on the smallest activation: 2^-24 * 2^-24, with MB = 24 as m = 2^12.
  CHECK(term(half(0x1p-24F), 1 << 12, -14, 24) == 1);
  CHECK(term(half(-0x1p-24F), 1 << 12, -14, 24) == -1);
  // The largest sum of a row of 2^20 columns: 65504 * (2^20 * 65504).
  const Fixed largest = Fixed{65504} * 65504 << (20 + 48);
  CHECK(term(half(65504.0F), std::int64_t{2047} << 20, 15, 12) == largest);
  CHECK(term(half(65504.0F), -(std::int64_t{2047} << 32), 15, 24) == -largest);
}

TEST_CASE("The rounding exponent of a narrow accumulator follows its formula") {
  for (const unsigned a : {32U, 48U, 64U, 128U})
    for (const std::uint32_t k : {1U, 32U, 33U, 4096U, 11008U, 1U << 20})
      for (const unsigned n : {1U, 2U, 3U, 5U, 9U}) {
        const auto log2_terms =
            static_cast<int>(std::ceil(std::log2(static_cast<long double>(n) * k)));
        REQUIRE(rounding_exponent({a}, -3, 7, n, k) ==
                -3 + 7 + 4 + log2_terms - static_cast<int>(a));
      }
  CHECK(rounding_exponent({0}, 15, 15, 9, 1U << 20) == -48);
  CHECK(terms_per_column(Mode::bcq, 4) == 5);
  CHECK(terms_per_column(Mode::codebook, 4) == 1);
}

TEST_CASE("Terms are formed over groups, and over blocks of 256 in narrow per-row groups") {
  CHECK(term_columns(128, {48}) == 128);
  CHECK(term_columns(256, {48}) == 256);
  CHECK(term_columns(4096, {48}) == 256);
  CHECK(term_columns(4096, {0}) == 4096);
  CHECK(term_columns(100, {48}) == 100);
}

TEST_CASE("The exact accumulator has the width of the contract's formula") {
  CHECK(exact_accumulator_bits(8, 32768) == 100);
  for (const unsigned b : {1U, 2U, 3U, 7U, 8U})
    for (const std::uint32_t k : {1U, 128U, 4096U, 16384U, 49152U, 1U << 20}) {
      const long double largest = static_cast<long double>(b + 1) * k * 65504.0L * 65504.0L;
      REQUIRE(exact_accumulator_bits(b, k) ==
              2 + static_cast<int>(std::floor(std::log2(largest))) + 48);
    }
}

TEST_CASE("Every binary16 value and every boundary between two is rounded right") {
  const Fixed unit = 1;
  for (std::uint16_t bits = 0; bits < 0x7BFF; ++bits) {
    const Half low{bits};
    const Half high{static_cast<std::uint16_t>(bits + 1)};
    const Fixed at = Fixed{static_cast<std::int64_t>(std::ldexp(value_of(low), 24))} << 24;
    const Fixed next = Fixed{static_cast<std::int64_t>(std::ldexp(value_of(high), 24))} << 24;
    const Fixed middle = (at + next) / 2;
    const std::uint32_t even = (bits & 1) == 0 ? low.bits : high.bits;
    REQUIRE(round_output(at, OutputFormat::binary16) == low.bits);
    REQUIRE(round_output(middle - unit, OutputFormat::binary16) == low.bits);
    REQUIRE(round_output(middle, OutputFormat::binary16) == even);
    REQUIRE(round_output(middle + unit, OutputFormat::binary16) == high.bits);
    if (at == 0) continue;
    REQUIRE(round_output(-at, OutputFormat::binary16) == (low.bits | 0x8000U));
    REQUIRE(round_output(-middle, OutputFormat::binary16) == (even | 0x8000U));
    REQUIRE(round_output(-middle - unit, OutputFormat::binary16) == (high.bits | 0x8000U));
  }
}

TEST_CASE("The ends of binary16 are infinity, +0 and a zero with its sign") {
  const auto binary16 = [](Fixed sum) { return round_output(sum, OutputFormat::binary16); };
  const Fixed overflow = Fixed{65520} << 48;  // halfway between 65504 and 65536
  CHECK(binary16(overflow - 1) == 0x7BFF);
  CHECK(binary16(overflow) == 0x7C00);
  CHECK(binary16(-overflow) == 0xFC00);
  CHECK(binary16(Fixed{1} << 103) == 0x7C00);
  CHECK(binary16(0) == 0);
  CHECK(binary16(1) == 0);
  CHECK(binary16(-1) == 0x8000);
  CHECK(binary16(-(Fixed{1} << 23)) == 0x8000);  // half of the smallest subnormal: to even
  CHECK(binary16(-(Fixed{1} << 23) - 1) == 0x8001);
  CHECK(round_output(0, OutputFormat::binary32) == 0);
  CHECK(quiet_nan(OutputFormat::binary32) == 0x7FC00000U);
  CHECK(quiet_nan(OutputFormat::binary16) == 0x7E00U);
}

TEST_CASE("Random sums round to binary32 as the processor rounds them") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const int drop = static_cast<int>(random() % 64);
    const auto low = static_cast<std::int64_t>(random()) >> drop;
    const int shift = static_cast<int>(random() % 41);
    const auto expected =
        static_cast<float>(std::ldexp(static_cast<long double>(low), shift + kFixedUnit));
    REQUIRE(round_output(Fixed{low} << shift, OutputFormat::binary32) ==
            std::bit_cast<std::uint32_t>(low == 0 ? 0.0F : expected));
  }
}

TEST_CASE("Ties between binary32 values go to the even one, and one unit decides") {
  std::mt19937 random(2);
  for (int i = 0; i < 100000; ++i) {
    // Exponents from 2^-24 to 2^13: the middle of two neighbours is then a multiple of 2^-48.
    const std::uint32_t bits = (103U << 23) + static_cast<std::uint32_t>(random() % (38U << 23));
    const Fixed at = fixed_of(std::bit_cast<float>(bits));
    const Fixed next = fixed_of(std::bit_cast<float>(bits + 1));
    if ((next - at) % 2 != 0) continue;
    const Fixed middle = (at + next) / 2;
    REQUIRE(round_output(middle, OutputFormat::binary32) == bits + (bits & 1));
    REQUIRE(round_output(middle - 1, OutputFormat::binary32) == bits);
    REQUIRE(round_output(middle + 1, OutputFormat::binary32) == bits + 1);
    REQUIRE(round_output(-middle, OutputFormat::binary32) == ((bits + (bits & 1)) | 0x80000000U));
  }
}

}  // namespace
}  // namespace bitloom::contract
