// SPDX-License-Identifier: Apache-2.0
#include <VScaleByFour/VScaleByFour.h>
#include <VScaleOwn/VScaleOwn.h>
#include <VScaleShared/VScaleShared.h>

#include <cstdint>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/numbers.hpp"
#include "tests/rtl/support/random.hpp"
#include "tests/rtl/support/tables.hpp"

namespace {

using namespace bitloom::rtl;

struct Shape {
  unsigned rows;
  unsigned rows_per_scale;
  unsigned sum_bits;

  [[nodiscard]] unsigned lanes() const { return rows / rows_per_scale; }
  [[nodiscard]] unsigned product_bits() const { return sum_bits + 12; }
};

constexpr Shape kOwn{.rows = 2, .rows_per_scale = 1, .sum_bits = 16};
constexpr Shape kShared{.rows = 4, .rows_per_scale = 2, .sum_bits = 24};
constexpr Shape kByFour{.rows = 8, .rows_per_scale = 4, .sum_bits = 32};

template <class Model>
void set_idle(Model& scale) {
  scale.valid_i = 0;
  scale.phase_i = 0;
  scale.offset_i = 0;
  scale.codebook_i = 0;
  scale.exponent_i = 0;
  scale.group_sum_i = 0;
  scale.bias_i = 0;
  scale.first_i = 0;
  scale.last_i = 0;
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

/// A vector of sums with everything that belongs to it, and what it means: each row's term is
/// factor * scale, and its offset term group_sum * offset, times 2^(exponent + bias) units.
struct Vector {
  std::vector<std::int64_t> sums;
  std::vector<std::int64_t> factors;
  std::vector<unsigned> scales;
  std::vector<unsigned> offsets;
  std::int64_t group_sum = 0;
  unsigned exponent = 0;
  int bias = 0;
  bool offset = false;
  bool codebook = false;
  bool first = false;
  bool last = false;
  bool nan = false;
};

Vector random_vector(Random& random, const Shape& shape) {
  const std::int64_t limit = (std::int64_t{1} << (shape.sum_bits - 1)) - 1;
  Vector vector;
  vector.codebook = random.chance(40);
  vector.group_sum = random.chance(10)   ? limit
                     : random.chance(10) ? -limit
                                         : random.between(-limit, limit);
  for (unsigned r = 0; r < shape.rows; ++r) {
    std::int64_t sum = random.chance(10) ? -limit : random.between(-limit, limit);
    if (vector.codebook) {
      // The group's mantissas of this code add up to `inside`, the others to the rest.
      const std::int64_t low = (vector.group_sum - limit) / 2;
      const std::int64_t high = (vector.group_sum + limit) / 2;
      const std::int64_t inside = random.chance(10)   ? low
                                  : random.chance(10) ? high
                                                      : random.between(low, high);
      const std::int64_t outside = vector.group_sum - inside;
      vector.factors.push_back(inside);
      sum = inside - outside;
    } else {
      vector.factors.push_back(sum);
    }
    vector.sums.push_back(sum);
    vector.scales.push_back(random_half(random));
    vector.offsets.push_back(random_half(random));
  }
  vector.exponent = static_cast<unsigned>(random.between(0, 30));
  vector.bias = static_cast<int>(random.between(-440, 440));
  vector.offset = random.chance(40);
  vector.first = random.chance(20);
  vector.last = random.chance(20);
  vector.nan = random.chance(20);
  return vector;
}

template <class Model>
void drive(Model& scale, const Shape& shape, const Vector& vector) {
  for (unsigned r = 0; r < shape.rows; ++r) {
    set(scale.sums_i, r * kFieldBits, shape.sum_bits, vector.sums[r]);
    set(scale.scales_i, 16 * r, 16, vector.scales[r]);
    set(scale.offsets_i, 16 * r, 16, vector.offsets[r]);
  }
  set(scale.group_sum_i, 0, shape.sum_bits, vector.group_sum);
  set(scale.bias_i, 0, 10, vector.bias);
  scale.exponent_i = static_cast<CData>(vector.exponent);
  scale.offset_i = vector.offset;
  scale.codebook_i = vector.codebook;
  scale.first_i = vector.first;
  scale.last_i = vector.last;
  scale.nan_i = vector.nan;
}

/// A lane's product and distance are the term: factor * half * 2^(exponent + bias).
void check_term(std::int64_t product, std::int64_t distance, std::int64_t factor, unsigned half,
                const Vector& vector) {
  CAPTURE(product, distance, factor, half, vector.exponent, vector.bias, vector.codebook);
  const int base = static_cast<int>(vector.exponent) + vector.bias;
  REQUIRE(distance >= base);
  REQUIRE((cpp_int(product) << static_cast<unsigned>(distance - base)) ==
          cpp_int(half_units(half)) * factor);
  const unsigned field = (half >> 10) & 31U;
  REQUIRE(distance == base + (field == 0 ? 0 : static_cast<int>(field) - 1));
}

/// Random vectors, a phase of one in `percent` of the cycles; every cycle's output is predicted.
template <class Model>
void check_terms(const Shape& shape, unsigned percent) {
  Bench<Model> scale(set_idle<Model>);
  Random random(61);
  struct Due {
    unsigned phase;
    Vector vector;
  };
  std::optional<Due> due;
  Vector vector = random_vector(random, shape);
  unsigned phase = 0;
  unsigned terms = 0;
  unsigned offsets = 0;
  for (unsigned cycle = 0; cycle < 4000; ++cycle) {
    const bool valid = random.chance(percent);
    drive(*scale, shape, vector);
    scale->phase_i = static_cast<CData>(phase);
    scale->valid_i = valid;
    scale.settle();

    // What the cycle before asked for.
    REQUIRE(scale->term_valid_o == due.has_value());
    REQUIRE(scale->offset_valid_o == (due && due->vector.offset));
    if (due) {
      REQUIRE(scale->term_phase_o == due->phase);
      REQUIRE(scale->term_first_o == due->vector.first);
      REQUIRE(scale->term_last_o == due->vector.last);
      REQUIRE(scale->term_nan_o == due->vector.nan);
      const unsigned width = shape.product_bits();
      for (unsigned l = 0; l < shape.lanes(); ++l) {
        const unsigned row = due->phase * shape.lanes() + l;
        CAPTURE(cycle, row);
        check_term(get_signed(scale->products_o, l * width, width),
                   get_signed(scale->distances_o, 10 * l, 10), due->vector.factors[row],
                   due->vector.scales[row], due->vector);
        ++terms;
        if (!due->vector.offset) continue;
        check_term(get_signed(scale->offset_products_o, l * width, width),
                   get_signed(scale->offset_distances_o, 10 * l, 10), due->vector.group_sum,
                   due->vector.offsets[row], due->vector);
        ++offsets;
      }
    }
    due.reset();
    if (valid) {
      due = Due{phase, vector};
      if (++phase == shape.rows_per_scale) {
        phase = 0;
        vector = random_vector(random, shape);
      }
    }
    scale.tick();
  }
  CHECK(terms > 4000 * shape.lanes() * percent / 110);
  CHECK(offsets > terms / 4);
}

}  // namespace

TEST_CASE("With a multiplier per row every cycle takes a vector, with its offsets") {
  check_terms<VScaleOwn>(kOwn, 100);
  check_terms<VScaleOwn>(kOwn, 40);
}

TEST_CASE("Two rows that share a multiplier take one phase each") {
  check_terms<VScaleShared>(kShared, 100);
  check_terms<VScaleShared>(kShared, 60);
}

TEST_CASE("Four rows that share a multiplier, with the widest sums") {
  check_terms<VScaleByFour>(kByFour, 100);
  check_terms<VScaleByFour>(kByFour, 60);
}

TEST_CASE("No input gives no term, also right after reset") {
  Bench<VScaleShared> scale(set_idle<VScaleShared>);
  scale->offset_i = 1;
  for (unsigned cycle = 0; cycle < 3; ++cycle) {
    scale.tick();
    CHECK(scale->term_valid_o == 0);
    CHECK(scale->offset_valid_o == 0);
  }
}

TEST_CASE("In codebook mode sums that no group can have fail an assertion, but not for NaNs") {
  Bench<VScaleOwn> scale(set_idle<VScaleOwn>);
  scale->valid_i = 1;
  scale->codebook_i = 1;
  set(scale->sums_i, 0, kOwn.sum_bits, 3);
  set(scale->sums_i, kFieldBits, kOwn.sum_bits, -7);
  scale->group_sum_i = 5;
  CHECK_NOTHROW(scale.tick());
  scale->nan_i = 1;
  set(scale->sums_i, kFieldBits, kOwn.sum_bits, -6);
  CHECK_NOTHROW(scale.tick());
  scale->nan_i = 0;
  CHECK_THROWS_AS(scale.tick(), AssertionFailed);
}
