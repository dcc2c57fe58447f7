// SPDX-License-Identifier: Apache-2.0
#include <VNorm128/VNorm128.h>
#include <VNorm32/VNorm32.h>
#include <VNorm48/VNorm48.h>
#include <VNorm64/VNorm64.h>
#include <VNorm97/VNorm97.h>

#include <algorithm>
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

constexpr unsigned kLatency = 5;

template <class Model>
struct Shape;
template <>
struct Shape<VNorm32> {
  static constexpr unsigned bits = 32, lanes = 1;
};
template <>
struct Shape<VNorm48> {
  static constexpr unsigned bits = 48, lanes = 4;
};
template <>
struct Shape<VNorm64> {
  static constexpr unsigned bits = 64, lanes = 1;
};
template <>
struct Shape<VNorm97> {
  static constexpr unsigned bits = 97, lanes = 2;
};
template <>
struct Shape<VNorm128> {
  static constexpr unsigned bits = 128, lanes = 2;
};

template <class Model>
void set_idle(Model& norm) {
  norm.valid_i = 0;
  norm.unit_i = 0;
  norm.nan_i = 0;
  norm.token_i = 0;
  norm.binary16_i = 0;
}

const Format& format_of(bool binary16) { return binary16 ? kBinary16 : kBinary32; }

/// A value and what it must become.
struct Case {
  cpp_int value;
  int unit = 0;
  bool binary16 = false;
  std::uint32_t expected = 0;
};

/// Streams cases through the model, one per cycle and lane; all lanes but one are busy with the
/// case's opposite, which must not matter.
template <class Model>
class Stream {
 public:
  void add(const Case& next) {
    constexpr unsigned bits = Shape<Model>::bits;
    const auto lane = static_cast<unsigned>(count_ % Shape<Model>::lanes);
    for (unsigned l = 0; l < Shape<Model>::lanes; ++l) {
      const cpp_int opposite = ~next.value;
      set(norm_->values_i, l * bits, bits, l == lane ? next.value : opposite);
    }
    set(norm_->unit_i, 0, 10, next.unit);
    norm_->binary16_i = next.binary16;
    norm_->valid_i = 1;
    due_.push_back({next, lane});
    ++count_;
    step();
  }

  void finish() {
    norm_->valid_i = 0;
    for (unsigned i = 0; i < kLatency; ++i) step();
    REQUIRE(due_.empty());
  }

  [[nodiscard]] unsigned count() const { return count_; }

 private:
  void step() {
    norm_.settle();
    if (norm_->valid_o) {
      REQUIRE(!due_.empty());
      const Case& done = due_.front().first;
      const unsigned lane = due_.front().second;
      const auto word = static_cast<std::uint32_t>(get(norm_->values_o, 32 * lane, 32));
      if (word != done.expected) {
        CAPTURE(done.value, done.unit, done.binary16);
        REQUIRE(word == done.expected);
      }
      due_.pop_front();
    }
    norm_.tick();
  }

  Bench<Model> norm_{set_idle<Model>};
  std::deque<std::pair<Case, unsigned>> due_;
  unsigned count_ = 0;
};

/// The midpoint between two neighbours of a format is `midpoint` * 2^exponent, `low` and `high`
/// their patterns (high may be infinity, low zero). Both signs of it, of what is as little as the
/// accumulator can tell below and above, and of the lower neighbour itself.
template <class Model>
void add_neighbours(Stream<Model>& stream, Random& random, std::uint32_t low, std::uint32_t high,
                    cpp_int midpoint, cpp_int lower, int exponent, bool binary16) {
  // Any unit at which all of these fit.
  while (midpoint % 2 == 0 && lower % 2 == 0) {
    midpoint /= 2;
    lower /= 2;
    ++exponent;
  }
  const int room = static_cast<int>(Shape<Model>::bits) - 2 - static_cast<int>(msb(midpoint));
  REQUIRE(room > 0);
  const auto left = static_cast<unsigned>(random.between(1, room));
  midpoint <<= left;
  lower <<= left;
  const int unit = exponent - static_cast<int>(left);
  const std::uint32_t even = low % 2 == 0 ? low : high;
  const std::uint32_t sign = binary16 ? 0x8000U : 0x80000000U;
  const cpp_int below = midpoint - 1;
  const cpp_int above = midpoint + 1;
  stream.add({midpoint, unit, binary16, even});
  stream.add({-midpoint, unit, binary16, sign | even});
  stream.add({below, unit, binary16, low});
  stream.add({-below, unit, binary16, sign | low});
  stream.add({above, unit, binary16, high});
  stream.add({-above, unit, binary16, sign | high});
  stream.add({lower, unit, binary16, lower == 0 ? 0 : low});
  stream.add({-lower, unit, binary16, lower == 0 ? 0 : sign | low});
}

/// All midpoints between neighbours, the one before infinity included.
template <class Model>
void check_every_half() {
  Stream<Model> stream;
  Random random(5);
  for (unsigned low = 0; low < 0x7C00U; ++low) {
    const cpp_int lower = half_units(low);
    const cpp_int upper = low + 1 == 0x7C00U ? cpp_int(65536) << 24 : cpp_int(half_units(low + 1));
    // The sum of the two counts halves of 2^-24.
    add_neighbours(stream, random, low, low + 1, lower + upper, 2 * lower, -25, true);
  }
  stream.finish();
  CHECK(stream.count() == 8 * 0x7C00);
}

/// A finite binary32 of positive sign as an integer times 2^-149.
cpp_int single_units(std::uint32_t word) {
  const std::uint32_t field = word >> 23;
  const std::uint32_t fraction = word & 0x7FFFFFU;
  return field == 0 ? cpp_int(fraction) : cpp_int(fraction | 0x800000U) << (field - 1);
}

/// Midpoints all over binary32, with the ends of every exponent among them.
template <class Model>
void check_singles() {
  Stream<Model> stream;
  Random random(6);
  for (std::uint32_t field = 0; field < 255; ++field) {
    for (unsigned i = 0; i < 40; ++i) {
      const std::uint32_t fraction = i == 0   ? 0
                                     : i == 1 ? 1
                                     : i == 2 ? 0x7FFFFF
                                     : i == 3 ? 0x7FFFFE
                                              : static_cast<std::uint32_t>(random.bits(23)) >>
                                                    static_cast<unsigned>(random.between(0, 22));
      const std::uint32_t low = field << 23 | fraction;
      const cpp_int lower = single_units(low);
      const cpp_int upper =
          low + 1 == 0x7F800000U ? cpp_int(1) << (128 + 149) : single_units(low + 1);
      add_neighbours(stream, random, low, low + 1, lower + upper, 2 * lower, -150, false);
    }
  }
  stream.finish();
}

/// Values of every length, with tails of zeros, at any unit, under random stalls of the reader.
template <class Model>
void check_random(int lowest_unit, int highest_unit) {
  constexpr unsigned bits = Shape<Model>::bits;
  constexpr unsigned lanes = Shape<Model>::lanes;
  struct Group {
    std::vector<std::uint32_t> words;
    bool nan;
    unsigned token;
  };
  Bench<Model> norm(set_idle<Model>);
  Random random(11);
  std::deque<Group> expected;
  Group next;
  bool pending = false;
  unsigned taken = 0;
  for (unsigned i = 0; i < 15000; ++i) {
    if (!pending && random.chance(70)) {
      pending = true;
      next = {};
      next.nan = random.chance(5);
      next.token = static_cast<unsigned>(random.bits(4));
      const bool binary16 = random.chance(50);
      const auto unit = static_cast<int>(random.between(lowest_unit, highest_unit));
      for (unsigned l = 0; l < lanes; ++l) {
        const auto width = static_cast<unsigned>(random.between(0, bits - 1));
        cpp_int value =
            (cpp_int(random.bits(63)) << 126 | cpp_int(random.bits(63)) << 63 | random.bits(63)) &
            ((cpp_int(1) << width) - 1);
        const auto tail = static_cast<unsigned>(random.between(0, width));
        if (random.chance(50)) value = value >> tail << tail;
        if (random.chance(50)) value = -value;
        if (random.chance(2)) value = -(cpp_int(1) << (bits - 1));
        set(norm->values_i, l * bits, bits, value);
        next.words.push_back(next.nan ? format_of(binary16).quiet_nan
                                      : nearest(value, unit, format_of(binary16)));
      }
      set(norm->unit_i, 0, 10, unit);
      norm->nan_i = next.nan;
      norm->token_i = static_cast<CData>(next.token);
      norm->binary16_i = binary16;
    }
    norm->valid_i = pending;
    norm.settle();
    if (norm->valid_o) {
      REQUIRE(!expected.empty());
      CAPTURE(taken);
      for (unsigned l = 0; l < lanes; ++l) {
        REQUIRE(get(norm->values_o, 32 * l, 32) == expected.front().words[l]);
      }
      REQUIRE(norm->nan_o == expected.front().nan);
      REQUIRE(norm->token_o == expected.front().token);
      expected.pop_front();
      ++taken;
    }
    if (pending) {
      expected.push_back(next);
      pending = false;
    }
    norm.tick();
  }
  CHECK(taken > 6000);
  CHECK(expected.size() <= kLatency);
}

template <class Model>
std::uint32_t rounded(const cpp_int& value, int unit, bool binary16, bool nan = false) {
  Bench<Model> norm(set_idle<Model>);
  norm->valid_i = 1;
  norm->nan_i = nan;
  norm->binary16_i = binary16;
  set(norm->unit_i, 0, 10, unit);
  set(norm->values_i, 0, Shape<Model>::bits, value);
  for (unsigned i = 0; i < kLatency; ++i) {
    REQUIRE(norm->valid_o == 0);
    norm.tick();
    norm->valid_i = 0;
  }
  REQUIRE(norm->valid_o == 1);
  REQUIRE(norm->nan_o == nan);
  return static_cast<std::uint32_t>(get(norm->values_o, 0, 32));
}

std::uint32_t single(const cpp_int& value) { return rounded<VNorm97>(value, -48, false); }
std::uint32_t half(const cpp_int& value, int unit = -48) {
  return rounded<VNorm97>(value, unit, true);
}

const cpp_int kOne = cpp_int(1) << 48;

}  // namespace

TEST_CASE("Known sums round to the words that IEEE 754 names") {
  CHECK(single(0) == 0x00000000);
  CHECK(single(kOne) == 0x3F800000);
  CHECK(single(-kOne) == 0xBF800000);
  CHECK(single(1) == 0x27800000);  // 2^-48
  CHECK(single(-1) == 0xA7800000);
  CHECK(single(kOne * 3 / 2) == 0x3FC00000);
  CHECK(single((cpp_int(1) << 96) - 1) == 0x57800000);  // 2^48 - 2^-48 carries to 2^48
  CHECK(single(-(cpp_int(1) << 96)) == 0xD7800000);     // the lowest value: -2^48
  CHECK(single((cpp_int(0x800001) << 40) + (cpp_int(1) << 39)) == 0x47000002);  // a tie
  CHECK(half(0) == 0x0000);
  CHECK(half(kOne) == 0x3C00);
  CHECK(half(-kOne) == 0xBC00);
  CHECK(half(kOne * 65504) == 0x7BFF);
  CHECK(half(kOne * 2049) == 0x6800);  // a tie, 2048 is even
  CHECK(half(kOne * 2051) == 0x6802);
}

TEST_CASE("binary16 overflows to infinity from halfway beyond 65504 on") {
  CHECK(half(kOne * 65520 - 1) == 0x7BFF);
  CHECK(half(kOne * 65520) == 0x7C00);
  CHECK(half(-(kOne * 65520 - 1)) == 0xFBFF);
  CHECK(half(-kOne * 65520) == 0xFC00);
  CHECK(half(kOne * 65536) == 0x7C00);
  CHECK(half(cpp_int(1) << 95) == 0x7C00);
  CHECK(half(-(cpp_int(1) << 96)) == 0xFC00);
}

TEST_CASE("binary16 keeps subnormals, and zeros keep their sign unless the sum is zero") {
  const cpp_int smallest = cpp_int(1) << 24;  // 2^-24
  CHECK(half(smallest) == 0x0001);
  CHECK(half(-smallest) == 0x8001);
  CHECK(half(smallest / 2) == 0x0000);  // a tie, zero is even
  CHECK(half(-smallest / 2) == 0x8000);
  CHECK(half(smallest / 2 + 1) == 0x0001);
  CHECK(half(-smallest / 2 - 1) == 0x8001);
  CHECK(half(1) == 0x0000);
  CHECK(half(-1) == 0x8000);
  CHECK(half(smallest * 3 / 2) == 0x0002);  // a tie, 2 is even
  CHECK(half(smallest * 1023) == 0x03FF);
  CHECK(half(smallest * 1024 - 1) == 0x0400);  // a subnormal carries into the normal ones
  CHECK(half(smallest * 1024) == 0x0400);
}

TEST_CASE("binary32 has the same corners, at the far ends of the unit") {
  const auto at = [](const cpp_int& value, int unit) {
    return rounded<VNorm97>(value, unit, false);
  };
  CHECK(at(1, 127) == 0x7F000000);
  CHECK(at(1, 128) == 0x7F800000);
  CHECK(at(-1, 511) == 0xFF800000);
  CHECK(at((cpp_int(1) << 25) - 1, 103) == 0x7F800000);  // 2^128 - 2^103: halfway
  CHECK(at((cpp_int(1) << 26) - 3, 102) == 0x7F7FFFFF);
  CHECK(at(1, -149) == 0x00000001);
  CHECK(at(1, -150) == 0x00000000);
  CHECK(at(-1, -150) == 0x80000000);
  CHECK(at(3, -151) == 0x00000001);
  CHECK(at(-3, -512) == 0x80000000);
  CHECK(at((cpp_int(1) << 24) - 1, -150) == 0x00800000);  // the largest subnormal and a half
}

TEST_CASE("A NaN token gives the canonical quiet NaN, whatever the sum") {
  CHECK(rounded<VNorm97>(0, -48, false, true) == 0x7FC00000);
  CHECK(rounded<VNorm97>(-kOne, -48, false, true) == 0x7FC00000);
  CHECK(rounded<VNorm97>(cpp_int(1) << 95, -48, true, true) == 0x7E00);
  CHECK(rounded<VNorm97>(-1, -48, true, true) == 0x7E00);
}

TEST_CASE("Every midpoint between neighbours of binary16, and what is next to it") {
  check_every_half<VNorm32>();
  check_every_half<VNorm48>();
  check_every_half<VNorm64>();
  check_every_half<VNorm97>();
  check_every_half<VNorm128>();
}

TEST_CASE("Midpoints between neighbours all over binary32, and what is next to them") {
  check_singles<VNorm32>();
  check_singles<VNorm48>();
  check_singles<VNorm64>();
  check_singles<VNorm97>();
  check_singles<VNorm128>();
}

TEST_CASE("Values leave after five cycles, not earlier, and some every cycle") {
  Bench<VNorm97> norm(set_idle<VNorm97>);
  norm->valid_i = 1;
  set(norm->unit_i, 0, 10, -48);
  for (unsigned i = 0; i < 30; ++i) {
    set(norm->values_i, 0, 97, kOne * (i + 1));
    set(norm->values_i, 97, 97, -kOne * (i + 1));
    norm.settle();
    REQUIRE(norm->valid_o == (i >= kLatency));
    if (i >= kLatency) {
      const cpp_int value = kOne * (i + 1 - kLatency);
      REQUIRE(get(norm->values_o, 0, 32) == nearest(value, -48, kBinary32));
      REQUIRE(get(norm->values_o, 32, 32) == nearest(-value, -48, kBinary32));
    }
    norm.tick();
  }
}

TEST_CASE("Random sums of every length and unit are rounded exactly with random gaps") {
  check_random<VNorm32>(-60, 30);
  check_random<VNorm48>(-90, 30);
  check_random<VNorm64>(-512, 511);
  check_random<VNorm97>(-48, -48);
  check_random<VNorm97>(-230, 100);
  check_random<VNorm128>(-160, 30);
}
