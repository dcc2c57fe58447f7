// SPDX-License-Identifier: Apache-2.0
#include <VAccum110/VAccum110.h>
#include <VAccum128/VAccum128.h>
#include <VAccum32/VAccum32.h>
#include <VAccum48/VAccum48.h>
#include <VAccum64/VAccum64.h>
#include <VAccumExact16/VAccumExact16.h>
#include <VAccumExact24/VAccumExact24.h>
#include <VAccumExact8/VAccumExact8.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

struct Shape {
  unsigned rows;
  unsigned rows_per_scale;
  unsigned product_bits;
  unsigned mantissa_bits;
  unsigned accumulator_bits;
  bool exact;
  unsigned result_lanes;

  [[nodiscard]] unsigned lanes() const { return rows / rows_per_scale; }
};

constexpr Shape kExact8{2, 1, 28, 8, 97, true, 1};
constexpr Shape kExact16{4, 2, 36, 16, 97, true, 2};
constexpr Shape kExact24{8, 4, 44, 24, 105, true, 4};
constexpr Shape k32{4, 1, 44, 24, 32, false, 2};
constexpr Shape k48{4, 2, 36, 16, 48, false, 4};
constexpr Shape k64{8, 4, 28, 8, 64, false, 1};
constexpr Shape k110{2, 2, 36, 16, 110, false, 2};
constexpr Shape k128{4, 1, 44, 24, 128, false, 2};

template <class Model>
void set_idle(Model& accum) {
  accum.term_valid_i = 0;
  accum.term_phase_i = 0;
  accum.term_first_i = 0;
  accum.term_last_i = 0;
  accum.term_nan_i = 0;
  accum.offset_valid_i = 0;
  accum.unit_i = 0;
  accum.draining_i = 0;
  accum.read_i = 0;
  accum.row_i = 0;
}

/// product * 2^distance accumulator units, to be rounded.
struct Term {
  std::int64_t product = 0;
  int distance = 0;

  /// floor(product * 2^distance + 1/2)
  [[nodiscard]] cpp_int value() const {
    if (distance >= 0) return cpp_int(product) << static_cast<unsigned>(distance);
    const cpp_int denominator = cpp_int(1) << static_cast<unsigned>(1 - distance);
    const cpp_int numerator = 2 * cpp_int(product) + denominator / 2;
    cpp_int quotient = numerator / denominator;  // toward zero
    if (quotient * denominator > numerator) --quotient;
    return quotient;
  }
};

constexpr unsigned kMostTerms = 32;  // of a row in a tile; a power of two

/// A product of at most `bits` bits with its sign, often one of the extremes.
std::int64_t random_product(Random& random, unsigned bits) {
  if (bits == 0) return 0;
  const std::int64_t limit = std::int64_t{1} << (bits - 1);
  if (random.chance(10)) return -limit;
  if (random.chance(10)) return limit - 1;
  if (random.chance(10)) return random.between(-1, 0);
  return random.between(-limit, limit - 1);
}

/// Exact terms are multiples of the unit. They cannot overflow: 36 + 62 bits are the largest term.
Term random_exact_term(Random& random, const Shape& shape) {
  Term term;
  const int lowest = 12 - static_cast<int>(shape.mantissa_bits);
  // As many bits as leave room for the other terms of a row.
  term.distance = lowest + static_cast<int>(random.between(0, 58));
  const int room = static_cast<int>(shape.accumulator_bits) - 7 - term.distance;
  term.product = random_product(
      random, static_cast<unsigned>(std::min<int>(static_cast<int>(shape.product_bits), room)));
  if (term.distance < 0) term.product &= -(std::int64_t{1} << -term.distance);
  return term;
}

/// Narrow terms lie anywhere up to where kMostTerms of them would overflow. Ties are frequent.
Term random_narrow_term(Random& random, const Shape& shape) {
  const int width = static_cast<int>(shape.product_bits);
  const int top = static_cast<int>(shape.accumulator_bits) - 7;
  Term term;
  switch (random.between(0, 5)) {
    case 0:
      term.distance = static_cast<int>(random.between(-512, -width));
      break;
    case 1:  // around the distance beyond which every term is zero
      term.distance = static_cast<int>(random.between(-width - 20, -width + 3));
      break;
    case 2:
      term.distance = static_cast<int>(random.between(0, top));
      break;
    case 3:  // far to the left
      term.distance = static_cast<int>(random.between(top - 8, top));
      break;
    case 4:
      term.distance = static_cast<int>(random.between(-width, 0));
      break;
    default:  // at any distance, but zero
      term.distance = static_cast<int>(random.between(-512, 511));
      return term;
  }
  const int bits = std::min(width, top - term.distance);
  term.product = random_product(random, static_cast<unsigned>(bits));
  const int dropped = -term.distance;
  if (dropped > 0 && dropped < std::min(width - 1, 62) && random.chance(50)) {
    const std::int64_t half = std::int64_t{1} << (dropped - 1);
    const std::int64_t limit = std::int64_t{1} << (width - 1);
    term.product = (term.product & -(2 * half)) + half + random.between(-1, 1);
    term.product = std::min(term.product, limit - 1);
  }
  return term;
}

Term random_term(Random& random, const Shape& shape) {
  return shape.exact ? random_exact_term(random, shape) : random_narrow_term(random, shape);
}

template <class Model>
void drive(Model& accum, const Shape& shape, const std::vector<Term>& terms) {
  for (unsigned l = 0; l < shape.lanes(); ++l) {
    set(accum.products_i, l * shape.product_bits, shape.product_bits, terms[l].product);
    set(accum.distances_i, 10 * l, 10, terms[l].distance);
  }
}

template <class Model>
void drive_offsets(Model& accum, const Shape& shape, const std::vector<Term>& terms) {
  for (unsigned l = 0; l < shape.lanes(); ++l) {
    set(accum.offset_products_i, l * shape.product_bits, shape.product_bits, terms[l].product);
    set(accum.offset_distances_i, 10 * l, 10, terms[l].distance);
  }
}

struct Results {
  std::vector<cpp_int> values;
  bool nan = false;
  int unit = 0;
};

/// Row tiles of random length with random gaps, and a reader of the results that pauses. The next
/// row tile's terms come in meanwhile; it may end in the cycle of the last reading.
template <class Model>
void check_sums(const Shape& shape, unsigned cycles = 6000) {
  Bench<Model> accum(set_idle<Model>);
  Random random(71);
  std::vector<cpp_int> sums(shape.rows);
  unsigned vectors_left = 0;
  bool first = false;
  bool nan = false;
  int unit = 0;
  unsigned phase = 0;
  std::optional<Results> ended;     // by the terms of the cycle before
  std::optional<Results> readable;  // in the result registers
  bool hurry = false;               // a row tile's last terms came in the cycle before
  unsigned row = 0;
  unsigned tiles = 0;
  unsigned overlaps = 0;
  unsigned replaced = 0;  // row tiles that ended while the last results of the one before were read
  unsigned offsets = 0;
  for (unsigned cycle = 0; cycle < cycles; ++cycle) {
    set_idle(*accum);
    std::optional<Results> ends;
    if (vectors_left == 0 && phase == 0) {
      vectors_left = static_cast<unsigned>(random.between(1, 12));
      first = true;
      nan = random.chance(20);
      unit = static_cast<int>(random.between(-512, 511));
    }
    const bool last = vectors_left == 1;
    // Its terms reach the result registers in the next cycle but one.
    const bool end = last && phase + 1 == shape.rows_per_scale;
    const unsigned unread = readable ? (shape.rows - row) / shape.result_lanes : 0;
    if ((!end || (!ended && unread <= 2)) && random.chance(80)) {
      overlaps += readable.has_value();
      const bool offset = random.chance(40);
      offsets += offset;
      std::vector<Term> terms;
      std::vector<Term> offset_terms;
      for (unsigned l = 0; l < shape.lanes(); ++l) {
        terms.push_back(random_term(random, shape));
        offset_terms.push_back(random_term(random, shape));
        cpp_int& sum = sums[phase * shape.lanes() + l];
        if (first) sum = 0;
        sum += terms.back().value();
        if (offset) sum += offset_terms.back().value();
      }
      accum->term_valid_i = 1;
      accum->term_phase_i = static_cast<CData>(phase);
      accum->term_first_i = first;
      accum->term_last_i = last;
      accum->term_nan_i = nan;
      accum->offset_valid_i = offset;
      if (last) set(accum->unit_i, 0, 10, unit);
      drive(*accum, shape, terms);
      drive_offsets(*accum, shape, offset_terms);
      if (++phase == shape.rows_per_scale) {
        phase = 0;
        first = false;
        if (--vectors_left == 0) ends = Results{sums, nan, unit};
      }
    }

    const bool reads = readable && (hurry || (ends && unread == 2) || random.chance(60));
    const bool reads_last = reads && row + shape.result_lanes == shape.rows;
    hurry = ends.has_value();
    replaced += reads_last && ended;
    accum->draining_i = readable && !reads_last;
    accum->read_i = reads;
    accum->row_i = static_cast<CData>(row);
    accum.settle();
    REQUIRE(accum->tile_done_o == ended.has_value());
    if (reads) {
      CAPTURE(cycle, tiles, row);
      const unsigned bits = shape.accumulator_bits;
      for (unsigned k = 0; k < shape.result_lanes; ++k) {
        REQUIRE(get_exact(accum->values_o, k * bits, bits) == readable->values[row + k]);
      }
      REQUIRE(accum->nan_o == readable->nan);
      REQUIRE(get_signed(accum->unit_o, 0, 10) == readable->unit);
      row += shape.result_lanes;
      if (reads_last) {
        readable.reset();
        row = 0;
        ++tiles;
      }
    }
    if (ended) {
      REQUIRE(!readable);
      readable = ended;
    }
    ended = ends;
    accum.tick();
  }
  CHECK(tiles > cycles / 40 / shape.rows_per_scale);
  CHECK(overlaps > cycles / 20);
  CHECK(replaced >= cycles / 1500);
  CHECK(offsets > cycles / 8);
}

/// One row tile of one vector: `term` and, if there is one, `offset` in every row.
template <class Model>
void run_tile(Bench<Model>& accum, const Shape& shape, const Term& term,
              const std::optional<Term>& offset = {}, bool first = true) {
  set_idle(*accum);
  for (unsigned phase = 0; phase < shape.rows_per_scale; ++phase) {
    accum->term_valid_i = 1;
    accum->term_phase_i = static_cast<CData>(phase);
    accum->term_first_i = first;
    accum->term_last_i = 1;
    accum->offset_valid_i = offset.has_value();
    drive(*accum, shape, std::vector<Term>(shape.lanes(), term));
    drive_offsets(*accum, shape, std::vector<Term>(shape.lanes(), offset.value_or(Term{})));
    accum.tick();
  }
  accum->term_valid_i = 0;
  accum->offset_valid_i = 0;
  accum.tick();
}

template <class Model>
cpp_int result(Bench<Model>& accum, const Shape& shape) {
  accum->read_i = 1;
  accum.settle();
  return get_exact(accum->values_o, 0, shape.accumulator_bits);
}

/// Terms at every distance: +-1, all bits set, the largest, and both sides of a tie.
template <class Model>
void check_every_distance(const Shape& shape) {
  Bench<Model> accum(set_idle<Model>);
  const std::int64_t limit = std::int64_t{1} << (shape.product_bits - 1);
  const cpp_int top = cpp_int(1) << (shape.accumulator_bits - 1);
  for (int distance = -512; distance < static_cast<int>(shape.accumulator_bits); ++distance) {
    std::vector<std::int64_t> products = {1, -1, limit - 1, -limit, -limit + 1};
    const int dropped = -distance;
    if (dropped > 0 && dropped < std::min(static_cast<int>(shape.product_bits), 62)) {
      const std::int64_t half = std::int64_t{1} << (dropped - 1);
      for (const std::int64_t tie : {half, -half, 3 * half, -3 * half}) {
        for (const std::int64_t product : {tie - 1, tie, tie + 1}) products.push_back(product);
      }
    }
    for (const std::int64_t product : products) {
      const Term term{product, distance};
      if (product < -limit || product >= limit) continue;
      if (term.value() < -top || term.value() >= top) continue;
      CAPTURE(product, distance);
      run_tile(accum, shape, term);
      REQUIRE(result(accum, shape) == term.value());
      run_tile(accum, shape, Term{}, term);
      REQUIRE(result(accum, shape) == term.value());
    }
  }
}

}  // namespace

TEST_CASE("Exact sums, mantissas of 8 bits, a multiplier per row") {
  check_sums<VAccumExact8>(kExact8);
}

TEST_CASE("Exact sums, mantissas of 16 bits, two rows per multiplier") {
  check_sums<VAccumExact16>(kExact16);
}

TEST_CASE("Exact sums, mantissas of 24 bits, four rows per multiplier") {
  check_sums<VAccumExact24>(kExact24);
}

TEST_CASE("Narrow sums of 32 bits: every term is rounded on its own") { check_sums<VAccum32>(k32); }

TEST_CASE("Narrow sums of 48 bits") { check_sums<VAccum48>(k48); }

TEST_CASE("Narrow sums of 64 bits") { check_sums<VAccum64>(k64); }

TEST_CASE("Narrow sums of 110 and of 128 bits") {
  check_sums<VAccum110>(k110);
  check_sums<VAccum128>(k128);
}

TEST_CASE("A narrow accumulator takes terms at any distance from far right to far left") {
  check_every_distance<VAccum32>(k32);
  check_every_distance<VAccum48>(k48);
  check_every_distance<VAccum64>(k64);
  check_every_distance<VAccum110>(k110);
  check_every_distance<VAccum128>(k128);
}

TEST_CASE("The largest exact sums that a configuration admits fit") {
  // 8 planes and an offset per group, 4096 columns: 32 groups of 128, every term the largest there
  // is: 65504 * 65504 * 128 in magnitude.
  Bench<VAccumExact16> accum(set_idle<VAccumExact16>);
  for (const int sign : {1, -1}) {
    // 65504 is 2047 * 2^5: scale significand 2047 at exponent field 30, mantissas of 0x7FF0 at E
    // = 15.
    const Term term{.product = sign * std::int64_t{2047} * 128 * 0x7FF0, .distance = 29 + 29 - 4};
    cpp_int sum = 0;
    for (unsigned vector = 0; vector < 8 * 32; ++vector) {
      const bool offset = vector % 8 == 0;
      sum += term.value() * (offset ? 2 : 1);
      for (unsigned phase = 0; phase < 2; ++phase) {
        accum->term_valid_i = 1;
        accum->term_phase_i = static_cast<CData>(phase);
        accum->term_first_i = vector == 0;
        accum->term_last_i = vector + 1 == 8 * 32;
        accum->offset_valid_i = offset;
        drive(*accum, kExact16, {term, term});
        drive_offsets(*accum, kExact16, {term, term});
        accum.tick();
      }
    }
    REQUIRE(sum == sign * (cpp_int(65504) * 65504 * 128 * 9 * 32 << 48));
    set_idle(*accum);
    accum.tick();
    for (unsigned row = 0; row < kExact16.rows; row += kExact16.result_lanes) {
      accum->row_i = static_cast<CData>(row);
      CHECK(result(accum, kExact16) == sum);
    }
  }
}

TEST_CASE("Results can be read two cycles after the last terms, the cycle after tile_done_o") {
  Bench<VAccumExact16> accum(set_idle<VAccumExact16>);
  accum->term_valid_i = 1;
  accum->term_first_i = 1;
  accum->term_last_i = 1;
  for (unsigned phase = 0; phase < 2; ++phase) {
    accum->term_phase_i = static_cast<CData>(phase);
    drive(*accum, kExact16, {{16 << phase, 0}, {64 << phase, 0}});
    accum.settle();
    CHECK(accum->tile_done_o == 0);
    accum.tick();
  }
  accum->term_valid_i = 0;
  accum.settle();
  CHECK(accum->tile_done_o == 1);
  accum.tick();
  CHECK(accum->tile_done_o == 0);
  accum->row_i = 0;
  CHECK(result(accum, kExact16) == 16);
  CHECK(get_exact(accum->values_o, 97, 97) == 64);
  accum->row_i = 2;
  CHECK(result(accum, kExact16) == 32);
  CHECK(get_exact(accum->values_o, 97, 97) == 128);
}

TEST_CASE("Results that are overwritten before they have been read fail an assertion") {
  Bench<VAccumExact16> accum(set_idle<VAccumExact16>);
  run_tile(accum, kExact16, Term{});
  run_tile(accum, kExact16, Term{});  // drained in between
  accum->draining_i = 1;
  CHECK_NOTHROW(accum.tick());
  accum->term_valid_i = 1;
  accum->term_last_i = 1;
  accum->term_phase_i = 0;
  CHECK_NOTHROW(accum.tick());
  accum->term_phase_i = 1;  // with the last phase the results move
  CHECK_NOTHROW(accum.tick());
  accum->term_valid_i = 0;
  CHECK_THROWS_AS(accum.tick(), AssertionFailed);
}

TEST_CASE("Results that are read across groups fail an assertion") {
  Bench<VAccumExact16> accum(set_idle<VAccumExact16>);
  accum->read_i = 1;
  accum->row_i = 2;
  CHECK_NOTHROW(accum.tick());
  accum->row_i = 1;
  CHECK_THROWS_AS(accum.tick(), AssertionFailed);
}

TEST_CASE("An exact term below the unit fails an assertion, but not for a NaN token") {
  Bench<VAccumExact16> accum(set_idle<VAccumExact16>);
  accum->term_valid_i = 1;
  accum->term_first_i = 1;
  for (const bool offset : {false, true}) {
    const std::vector<Term> good = {{16, -4}, {0, -4}};
    const std::vector<Term> bad = {{16, -4}, {8, -4}};
    accum->offset_valid_i = 1;
    accum->term_nan_i = 0;
    drive(*accum, kExact16, good);
    drive_offsets(*accum, kExact16, good);
    CHECK_NOTHROW(accum.tick());
    drive(*accum, kExact16, offset ? good : bad);
    drive_offsets(*accum, kExact16, offset ? bad : good);
    accum->term_nan_i = 1;
    CHECK_NOTHROW(accum.tick());
    accum->term_nan_i = 0;
    CHECK_THROWS_AS(accum.tick(), AssertionFailed);
  }
}

TEST_CASE("Offset terms without terms fail an assertion") {
  Bench<VAccum48> accum(set_idle<VAccum48>);
  drive_offsets(*accum, k48, {Term{}, Term{}});
  accum->offset_valid_i = 1;
  CHECK_THROWS_AS(accum.tick(), AssertionFailed);
}

namespace {

/// Two largest terms do not fit, a largest and a smallest do.
template <class Model>
void check_overflow(const Shape& shape) {
  for (const int sign : {1, -1}) {
    Bench<Model> accum(set_idle<Model>);
    const int distance = static_cast<int>(shape.accumulator_bits) - 4;
    const Term fits{.product = sign * 7, .distance = distance};
    const Term opposite{.product = -sign, .distance = distance};
    const Term too_much{.product = 2 * sign, .distance = distance};
    run_tile(accum, shape, fits, opposite);
    REQUIRE(result(accum, shape) == fits.value() + opposite.value());
    run_tile(accum, shape, too_much, opposite, false);
    REQUIRE(result(accum, shape) == fits.value());
    CHECK_THROWS_AS(run_tile(accum, shape, too_much, Term{}, false), AssertionFailed);
  }
}

}  // namespace

TEST_CASE("A sum that does not fit fails an assertion") {
  check_overflow<VAccum32>(k32);
  check_overflow<VAccum48>(k48);
  check_overflow<VAccum64>(k64);
  check_overflow<VAccum110>(k110);
  check_overflow<VAccum128>(k128);
  // An exact distance goes to 62 only, so the largest sum takes some terms.
  Bench<VAccumExact8> accum(set_idle<VAccumExact8>);
  const Term largest{.product = -(1 << 27), .distance = 62};
  run_tile(accum, kExact8, largest, largest);
  for (unsigned i = 0; i < 63; ++i) run_tile(accum, kExact8, largest, largest, false);
  CHECK(result(accum, kExact8) == -(cpp_int(1) << 96));
  CHECK_THROWS_AS(run_tile(accum, kExact8, largest, {}, false), AssertionFailed);
}

TEST_CASE("A term beyond the highest bit fails an assertion, but not for a NaN token") {
  Bench<VAccum32> accum(set_idle<VAccum32>);
  accum->term_valid_i = 1;
  accum->term_first_i = 1;
  drive(*accum, k32, {{1, 30}, {0, 500}, {0, 0}, {0, 64}});
  CHECK_NOTHROW(accum.tick());
  drive(*accum, k32, {{1, 30}, {0, 500}, {-1, 32}, {0, 0}});
  accum->term_nan_i = 1;
  CHECK_NOTHROW(accum.tick());
  accum->term_nan_i = 0;
  CHECK_THROWS_AS(accum.tick(), AssertionFailed);
}
