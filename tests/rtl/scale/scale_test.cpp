// SPDX-License-Identifier: Apache-2.0
#include <VScaleOwn/VScaleOwn.h>
#include <VScaleShared/VScaleShared.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/numbers.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

struct Shape {
  unsigned rows;
  unsigned rows_per_scale;
  unsigned sum_bits;

  [[nodiscard]] unsigned lanes() const { return rows / rows_per_scale; }
  [[nodiscard]] unsigned product_bits() const { return sum_bits + 12; }
};

template <class Model>
void set_idle(Model& scale) {
  scale.sum_valid_i = 0;
  scale.scale_valid_i = 0;
  scale.plane_last_i = 0;
  scale.tile_last_i = 0;
  scale.job_last_i = 0;
  scale.has_offset_i = 0;
  scale.exponent_i = 0;
  scale.group_sum_i = 0;
  scale.nan_i = 0;
}

unsigned random_half(Random& random) {
  switch (random.between(0, 5)) {
    case 0:
      return static_cast<unsigned>(random.bits(1)) << 15;  // +0, -0
    case 1:
      return static_cast<unsigned>(random.bits(1) << 15 | random.bits(10));  // subnormal
    case 2:
      return static_cast<unsigned>(random.bits(1)) << 15 | 0x7BFFU;  // largest
    default: {
      const auto half = static_cast<unsigned>(random.bits(16));
      return ((half >> 10) & 31U) == 31U ? half ^ 0x4000U : half;
    }
  }
}

/// What one vector of scales makes of the sums: one term per row, in order.
struct Vector {
  std::vector<std::int64_t> factors;
  std::vector<unsigned> scales;
  unsigned exponent = 0;
  bool nan = false;
  bool first = false;
  bool last = false;
};

/// Sums in flight with everything that belongs to them.
struct Sums {
  std::vector<std::int64_t> sums;
  std::int64_t group_sum = 0;
  unsigned exponent = 0;
  bool nan = false;
  bool plane_last = false;
  bool tile_last = false;
  bool job_last = false;
  bool has_offset = false;
};

std::vector<Sums> random_jobs(Random& random, const Shape& shape, unsigned jobs) {
  const std::int64_t limit = (std::int64_t{1} << (shape.sum_bits - 1)) - 1;
  std::vector<Sums> all;
  for (unsigned job = 0; job < jobs; ++job) {
    const auto tiles = random.between(1, 3);
    const auto groups = random.between(1, 3);
    const auto bits = random.between(1, 4);
    const bool has_offset = random.chance(50);
    const bool nan = random.chance(20);
    for (std::int64_t tile = 1; tile <= tiles; ++tile) {
      for (std::int64_t group = 1; group <= groups; ++group) {
        Sums common;
        common.group_sum = random.between(-limit, limit);
        common.exponent = static_cast<unsigned>(random.between(0, 29));
        common.nan = nan;
        common.has_offset = has_offset;
        for (std::int64_t plane = 1; plane <= bits; ++plane) {
          Sums sums = common;
          sums.plane_last = plane == bits;
          sums.tile_last = sums.plane_last && group == groups;
          sums.job_last = sums.tile_last && tile == tiles;
          for (unsigned r = 0; r < shape.rows; ++r) {
            sums.sums.push_back(random.chance(10) ? -limit : random.between(-limit, limit));
          }
          all.push_back(sums);
        }
      }
    }
  }
  return all;
}

/// Random jobs against the plain meaning of a term; every cycle of the output is predicted.
template <class Model>
void check_terms(Shape shape, unsigned sum_percent, unsigned scale_percent) {
  Bench<Model> scale(set_idle<Model>);
  Random random(61);
  const std::vector<Sums> all = random_jobs(random, shape, 40);

  // The terms that are due, one entry per cycle of output.
  std::size_t place = 0;
  bool offsets = false;     // the next vector multiplies the group sum
  bool tile_starts = true;  // the next vector is the row tile's first
  bool sum_shown = false;
  std::optional<std::vector<unsigned>> scales;
  unsigned phase = 0;
  struct Term {
    unsigned phase;
    Vector vector;
  };
  std::optional<Term> due;
  unsigned stalls = 0;
  for (unsigned cycle = 0; cycle < 60000 && (place < all.size() || due); ++cycle) {
    if (place < all.size()) {
      const Sums& now = all[place];
      sum_shown = sum_shown || random.chance(sum_percent);
      for (unsigned r = 0; r < shape.rows; ++r) {
        set(scale->sums_i, r * shape.sum_bits, shape.sum_bits, now.sums[r]);
      }
      set(scale->group_sum_i, 0, shape.sum_bits, now.group_sum);
      scale->exponent_i = static_cast<CData>(now.exponent);
      scale->nan_i = now.nan;
      scale->plane_last_i = now.plane_last;
      scale->tile_last_i = now.tile_last;
      scale->job_last_i = now.job_last;
      scale->has_offset_i = now.has_offset;
      if (!scales && random.chance(scale_percent)) {
        scales.emplace();
        for (unsigned r = 0; r < shape.rows; ++r) scales->push_back(random_half(random));
      }
    } else {
      sum_shown = false;
    }
    scale->sum_valid_i = sum_shown;
    scale->scale_valid_i = scales.has_value();
    for (unsigned r = 0; r < shape.rows; ++r) {
      set(scale->scales_i, 16 * r, 16, scales ? (*scales)[r] : 0U);
    }
    scale.settle();

    // One cycle after sums and scales met: the lanes' products.
    REQUIRE(scale->term_valid_o == due.has_value());
    if (due) {
      REQUIRE(scale->term_phase_o == due->phase);
      REQUIRE(scale->term_first_o == due->vector.first);
      REQUIRE(scale->term_last_o == due->vector.last);
      REQUIRE(scale->term_nan_o == due->vector.nan);
      for (unsigned l = 0; l < shape.lanes(); ++l) {
        const unsigned row = due->phase * shape.lanes() + l;
        const std::int64_t product =
            get_signed(scale->products_o, l * shape.product_bits(), shape.product_bits());
        const auto shift = static_cast<unsigned>(get(scale->shifts_o, 6 * l, 6));
        CAPTURE(cycle, row, due->vector.scales[row], due->vector.factors[row]);
        // scale * factor * 2^exponent, both sides in the same unit
        REQUIRE((cpp_int(product) << shift) ==
                (cpp_int(half_units(due->vector.scales[row])) * due->vector.factors[row]
                 << due->vector.exponent));
      }
    }
    due.reset();

    // What the inputs of this cycle mean.
    const bool go = sum_shown && scales;
    stalls += place < all.size() && !go;
    const bool vector_done = go && phase + 1 == shape.rows_per_scale;
    REQUIRE(scale->scale_ready_o == vector_done);
    if (go) {
      const Sums& now = all[place];
      const bool sums_done = vector_done && (offsets || !(now.plane_last && now.has_offset));
      REQUIRE(scale->sum_ready_o == sums_done);
      REQUIRE(scale->group_pop_o == (sums_done && now.plane_last));
      if (vector_done) REQUIRE(scale->scale_drop_o == (sums_done && now.job_last));
      Vector vector;
      vector.factors = offsets ? std::vector<std::int64_t>(shape.rows, now.group_sum) : now.sums;
      vector.scales = *scales;
      vector.exponent = now.exponent;
      vector.nan = now.nan;
      vector.first = tile_starts;
      vector.last = now.tile_last && (offsets || !now.has_offset);
      due = Term{phase, vector};
      phase = vector_done ? 0 : phase + 1;
      if (vector_done) {
        scales.reset();
        tile_starts = sums_done && now.tile_last;
        offsets = !sums_done;
      }
      if (sums_done) {
        ++place;
        sum_shown = false;
      }
    } else {
      REQUIRE(scale->sum_ready_o == 0);
      REQUIRE(scale->group_pop_o == 0);
    }
    scale.tick();
  }
  CHECK(place == all.size());
  // With everything there at once, no cycle is lost: Rows / Lanes cycles per vector.
  if (sum_percent == 100 && scale_percent == 100) CHECK(stalls == 0);
}

}  // namespace

TEST_CASE("Shared multipliers form every row's term exactly, at rows / lanes cycles per vector") {
  check_terms<VScaleShared>({.rows = 4, .rows_per_scale = 2, .sum_bits = 24}, 100, 100);
}

TEST_CASE("Terms are the same when sums and scales come at random times") {
  check_terms<VScaleShared>({.rows = 4, .rows_per_scale = 2, .sum_bits = 24}, 50, 50);
}

TEST_CASE("With a multiplier per row a vector takes one cycle") {
  check_terms<VScaleOwn>({.rows = 2, .rows_per_scale = 1, .sum_bits = 16}, 100, 100);
  check_terms<VScaleOwn>({.rows = 2, .rows_per_scale = 1, .sum_bits = 16}, 40, 70);
}

TEST_CASE("Tags that contradict each other fail an assertion") {
  Bench<VScaleShared> scale(set_idle<VScaleShared>);
  scale->sum_valid_i = 1;
  scale->plane_last_i = 1;
  scale->tile_last_i = 1;
  scale->job_last_i = 1;
  CHECK_NOTHROW(scale.tick());
  scale->plane_last_i = 0;
  CHECK_THROWS_AS(scale.tick(), AssertionFailed);
  scale->plane_last_i = 1;
  scale->tile_last_i = 0;
  CHECK_THROWS_AS(scale.tick(), AssertionFailed);
}
