// SPDX-License-Identifier: Apache-2.0
#include <VAccumNarrow/VAccumNarrow.h>
#include <VAccumTiny/VAccumTiny.h>

#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kAccumulatorBits = 97;

struct Shape {
  unsigned rows;
  unsigned rows_per_scale;
  unsigned product_bits;
  unsigned mantissa_bits;

  [[nodiscard]] unsigned lanes() const { return rows / rows_per_scale; }
};

constexpr Shape kTiny{.rows = 4, .rows_per_scale = 2, .product_bits = 36, .mantissa_bits = 16};
constexpr Shape kNarrow{.rows = 2, .rows_per_scale = 1, .product_bits = 28, .mantissa_bits = 8};

template <class Model>
void set_idle(Model& accum) {
  accum.term_valid_i = 0;
  accum.term_phase_i = 0;
  accum.term_first_i = 0;
  accum.term_last_i = 0;
  accum.term_nan_i = 0;
  accum.shifts_i = 0;
  accum.ready_i = 0;
}

/// A term as the contract allows it: product * 2^(shift - 36 - MB) is a multiple of 2^-48.
struct Term {
  std::int64_t product = 0;
  unsigned shift = 0;

  /// In units of 2^-48.
  [[nodiscard]] cpp_int value(const Shape& shape) const {
    const cpp_int wide = cpp_int(product) << (shift + 12);
    const cpp_int divisor = cpp_int(1) << shape.mantissa_bits;
    REQUIRE(wide % divisor == 0);
    return wide / divisor;
  }
};

Term random_term(Random& random, const Shape& shape) {
  const std::int64_t limit = std::int64_t{1} << (shape.product_bits - 1);
  Term term;
  term.shift = static_cast<unsigned>(random.between(0, 58));
  term.product = random.chance(10)   ? -limit
                 : random.chance(10) ? limit - 1
                                     : random.between(-limit, limit - 1);
  const unsigned needed = shape.mantissa_bits > 12 ? shape.mantissa_bits - 12 : 0;
  if (term.shift < needed) term.product &= -(std::int64_t{1} << (needed - term.shift));
  return term;
}

template <class Model>
void drive(Model& accum, const Shape& shape, const std::vector<Term>& lanes) {
  for (unsigned l = 0; l < shape.lanes(); ++l) {
    set(accum.products_i, l * shape.product_bits, shape.product_bits, lanes[l].product);
    set(accum.shifts_i, 6 * l, 6, lanes[l].shift);
  }
}

/// Row tiles of random length with random gaps and a reader that stalls; the next row tile's terms
/// come in while the last one drains, its own last vector only when the results are free again.
template <class Model>
void check_sums(const Shape& shape) {
  Bench<Model> accum(set_idle<Model>);
  Random random(71);
  struct Result {
    cpp_int value;
    bool nan;
  };
  std::deque<Result> expected;
  std::vector<cpp_int> sums(shape.rows);
  unsigned vectors_left = 0;
  bool first = false;
  bool nan = false;
  unsigned phase = 0;
  bool results_free = true;
  unsigned overlaps = 0;
  unsigned taken = 0;
  for (unsigned cycle = 0; cycle < 12000; ++cycle) {
    set_idle(*accum);
    if (vectors_left == 0 && phase == 0) {
      vectors_left = static_cast<unsigned>(random.between(1, 12));
      first = true;
      nan = random.chance(20);
    }
    const bool last = vectors_left == 1;
    if ((!last || phase > 0 || results_free) && random.chance(80)) {
      if (last && phase == 0) results_free = false;
      overlaps += accum->valid_o != 0;
      std::vector<Term> lanes;
      for (unsigned l = 0; l < shape.lanes(); ++l) {
        lanes.push_back(random_term(random, shape));
        cpp_int& sum = sums[phase * shape.lanes() + l];
        sum = lanes.back().value(shape) + (first ? cpp_int(0) : sum);
      }
      accum->term_valid_i = 1;
      accum->term_phase_i = static_cast<CData>(phase);
      accum->term_first_i = first;
      accum->term_last_i = last;
      accum->term_nan_i = nan;
      drive(*accum, shape, lanes);
      if (++phase == shape.rows_per_scale) {
        phase = 0;
        first = false;
        if (--vectors_left == 0) {
          for (const cpp_int& sum : sums) expected.push_back({sum, nan});
        }
      }
    }
    accum->ready_i = random.chance(60);
    accum.settle();
    if (accum->valid_o && accum->ready_i) {
      REQUIRE(!expected.empty());
      CAPTURE(cycle, taken);
      REQUIRE(get_exact(accum->value_o, 0, kAccumulatorBits) == expected.front().value);
      REQUIRE(accum->nan_o == expected.front().nan);
      expected.pop_front();
      ++taken;
    }
    accum.tick();
    if (accum->drained_o) {
      REQUIRE(!results_free);
      REQUIRE(taken % shape.rows == 0);
      results_free = true;
    }
  }
  CHECK(taken > 1500);
  CHECK(overlaps > 300);
}

}  // namespace

TEST_CASE("Sums are exact over row tiles that overlap, with lanes shared by rows") {
  check_sums<VAccumTiny>(kTiny);
}

TEST_CASE("Sums are exact with mantissas below 12 bits, which need no dropped bits") {
  check_sums<VAccumNarrow>(kNarrow);
}

TEST_CASE("The largest sums that a configuration admits fit") {
  // 9 vectors (8 planes and an offset) per group, 4096 columns: 32 groups of 128, every term the
  // largest there is: 65504 * 65504 * 128 in magnitude.
  Bench<VAccumTiny> accum(set_idle<VAccumTiny>);
  for (const int sign : {1, -1}) {
    // 65504 is 2047 * 2^5: scale significand 2047 at exponent field 30, mantissas of 0x7FF0 at E
    // = 15.
    const Term term{.product = sign * std::int64_t{2047} * 128 * 0x7FF0, .shift = 29 + 29};
    cpp_int sum = 0;
    for (unsigned vector = 0; vector < 9 * 32; ++vector) {
      sum += term.value(kTiny);
      for (unsigned phase = 0; phase < 2; ++phase) {
        accum->term_valid_i = 1;
        accum->term_phase_i = static_cast<CData>(phase);
        accum->term_first_i = vector == 0;
        accum->term_last_i = vector + 1 == 9 * 32;
        drive(*accum, kTiny, {term, term});
        accum.tick();
      }
    }
    REQUIRE(sum == sign * (cpp_int(65504) * 65504 * 128 * 9 * 32 << 48));
    accum->term_valid_i = 0;
    accum->ready_i = 1;
    accum.tick();
    for (unsigned row = 0; row < kTiny.rows; ++row) {
      REQUIRE(accum->valid_o == 1);
      CHECK(get_exact(accum->value_o, 0, kAccumulatorBits) == sum);
      accum.tick();
    }
  }
}

TEST_CASE("The first row's result comes two cycles after the last term, the others each cycle") {
  Bench<VAccumTiny> accum(set_idle<VAccumTiny>);
  accum->ready_i = 1;
  accum->term_valid_i = 1;
  accum->term_first_i = 1;
  accum->term_last_i = 1;
  for (unsigned phase = 0; phase < 2; ++phase) {
    accum->term_phase_i = static_cast<CData>(phase);
    drive(*accum, kTiny,
          {{.product = 16 << phase, .shift = 0}, {.product = 64 << phase, .shift = 0}});
    CHECK(accum->valid_o == 0);
    accum.tick();
  }
  accum->term_valid_i = 0;
  accum.settle();
  CHECK(accum->valid_o == 0);
  accum.tick();
  for (const int unit : {1, 4, 2, 8}) {
    CHECK(accum->valid_o == 1);
    CHECK(accum->drained_o == 0);
    CHECK(get_exact(accum->value_o, 0, kAccumulatorBits) == unit);
    accum.tick();
  }
  CHECK(accum->valid_o == 0);
  CHECK(accum->drained_o == 1);
}

TEST_CASE("A row tile that ends before the previous one has left fails an assertion") {
  Bench<VAccumNarrow> accum(set_idle<VAccumNarrow>);
  accum->term_valid_i = 1;
  accum->term_first_i = 1;
  accum->term_last_i = 1;
  drive(*accum, kNarrow, {Term{}, Term{}});
  accum.tick();
  accum->term_valid_i = 0;
  CHECK_NOTHROW(accum.tick());
  accum->term_valid_i = 1;
  accum.tick();
  CHECK_THROWS_AS(accum.tick(), AssertionFailed);
}

TEST_CASE("A term below the accumulator's unit fails an assertion, but not for a NaN token") {
  Bench<VAccumTiny> accum(set_idle<VAccumTiny>);
  accum->term_valid_i = 1;
  drive(*accum, kTiny, {{.product = 8, .shift = 0}, {.product = 0, .shift = 0}});
  accum->term_nan_i = 1;
  CHECK_NOTHROW(accum.tick());
  accum->term_nan_i = 0;
  CHECK_THROWS_AS(accum.tick(), AssertionFailed);
}
