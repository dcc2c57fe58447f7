// SPDX-License-Identifier: Apache-2.0
#include <VNorm/VNorm.h>

#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/numbers.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kBits = 97;
constexpr std::uint32_t kQuietNan = 0x7FC00000;

void set_idle(VNorm& norm) {
  norm.valid_i = 0;
  norm.ready_i = 0;
  norm.nan_i = 0;
  set(norm.value_i, 0, kBits, 0);
}

std::uint32_t rounded(const cpp_int& value, bool nan = false) {
  Bench<VNorm> norm(set_idle);
  norm->valid_i = 1;
  norm->nan_i = nan;
  norm->ready_i = 1;
  set(norm->value_i, 0, kBits, value);
  norm.tick();
  norm->valid_i = 0;
  norm.tick();
  norm.tick();
  REQUIRE(norm->valid_o == 1);
  REQUIRE(norm->nan_o == nan);
  return norm->value_o;
}

const cpp_int kOne = cpp_int(1) << 48;

}  // namespace

TEST_CASE("Known sums round to the binary32 words that IEEE 754 names") {
  CHECK(rounded(0) == 0x00000000);
  CHECK(rounded(kOne) == 0x3F800000);
  CHECK(rounded(-kOne) == 0xBF800000);
  CHECK(rounded(1) == 0x27800000);  // 2^-48
  CHECK(rounded(-1) == 0xA7800000);
  CHECK(rounded(kOne * 3 / 2) == 0x3FC00000);
  CHECK(rounded((cpp_int(1) << 96) - 1) == 0x57800000);  // 2^48 - 2^-48 carries to 2^48
  CHECK(rounded(-(cpp_int(1) << 96)) == 0xD7800000);     // the lowest value: -2^48
}

TEST_CASE("Ties go to the even significand, and anything beyond a tie goes up") {
  const cpp_int even = cpp_int(0x800000) << 40;
  const cpp_int odd = cpp_int(0x800001) << 40;
  const cpp_int half = cpp_int(1) << 39;
  for (const int sign : {1, -1}) {
    const std::uint32_t s = sign < 0 ? 0x80000000U : 0U;
    CHECK(rounded(sign * (even + half)) == (s | 0x47000000));
    CHECK(rounded(sign * (odd + half)) == (s | 0x47000002));
    CHECK(rounded(sign * (even + half + 1)) == (s | 0x47000001));
    CHECK(rounded(sign * (even + half - 1)) == (s | 0x47000000));
  }
}

TEST_CASE("A carry out of the fraction increments the exponent") {
  CHECK(rounded((cpp_int(1) << 60) - 1) == 0x45800000);  // 2^12 - 2^-48
  CHECK(rounded(-((cpp_int(1) << 60) - 1)) == 0xC5800000);
}

TEST_CASE("A NaN token gives the canonical quiet NaN, whatever the sum") {
  CHECK(rounded(0, true) == kQuietNan);
  CHECK(rounded(-kOne, true) == kQuietNan);
}

TEST_CASE("A value leaves after three cycles, not earlier, and one per cycle") {
  Bench<VNorm> norm(set_idle);
  norm->ready_i = 1;
  norm->valid_i = 1;
  for (unsigned i = 0; i < 30; ++i) {
    set(norm->value_i, 0, kBits, kOne * (i + 1));
    norm.settle();
    REQUIRE(norm->ready_o == 1);
    REQUIRE(norm->valid_o == (i >= 3));
    if (i >= 3) REQUIRE(norm->value_o == nearest_binary32(kOne * (i - 2)));
    norm.tick();
  }
}

TEST_CASE("Random sums of every length are rounded exactly under random stalls") {
  Bench<VNorm> norm(set_idle);
  Random random(11);
  std::deque<std::pair<std::uint32_t, bool>> expected;
  cpp_int value;
  bool nan = false;
  bool pending = false;
  unsigned taken = 0;
  for (unsigned i = 0; i < 60000; ++i) {
    if (!pending && random.chance(70)) {
      pending = true;
      const auto width = static_cast<unsigned>(random.between(1, kBits - 1));
      value = (cpp_int(random.bits(48)) << 48 | random.bits(48)) & ((cpp_int(1) << width) - 1);
      // Clear a random tail, so that ties and exact values are frequent.
      const auto tail = static_cast<unsigned>(random.between(0, width));
      if (random.chance(50)) value = value >> tail << tail;
      if (random.chance(50)) value = -value;
      nan = random.chance(5);
      set(norm->value_i, 0, kBits, value);
      norm->nan_i = nan;
    }
    norm->valid_i = pending;
    norm->ready_i = random.chance(70);
    norm.settle();
    if (norm->valid_o && norm->ready_i) {
      REQUIRE(!expected.empty());
      CAPTURE(taken);
      REQUIRE(norm->value_o == expected.front().first);
      REQUIRE(norm->nan_o == expected.front().second);
      expected.pop_front();
      ++taken;
    }
    if (pending && norm->ready_o) {
      expected.emplace_back(nan ? kQuietNan : nearest_binary32(value), nan);
      pending = false;
    }
    norm.tick();
  }
  CHECK(taken > 25000);
  CHECK(expected.size() <= 3);
}
