// SPDX-License-Identifier: Apache-2.0
#include <VLutMu1/VLutMu1.h>
#include <VLutMu2/VLutMu2.h>
#include <VLutMu3/VLutMu3.h>
#include <VLutMu4/VLutMu4.h>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

struct Shape {
  unsigned columns;
  unsigned mu;
  unsigned mantissa_bits;

  [[nodiscard]] unsigned half_entries() const { return 1U << (mu - 1); }
  [[nodiscard]] unsigned entry_bits() const {
    return mantissa_bits + (mu == 1 ? 0 : mu == 2 ? 1 : 2);
  }
};

/// Entry `index` of the table whose activations start at `first`: the sum in plain words.
std::int64_t entry(const std::vector<std::int64_t>& mantissas, unsigned first, unsigned mu,
                   unsigned index) {
  std::int64_t sum = mantissas[first + mu - 1];
  for (unsigned k = 0; k + 1 < mu; ++k) {
    sum += ((index >> k) & 1U) != 0 ? mantissas[first + k] : -mantissas[first + k];
  }
  return sum;
}

/// Slices go in with random gaps; tables must come out exactly two cycles later, every entry right.
template <class Model>
void check_tables(Shape shape) {
  Bench<Model> lut([&](Model& model) {
    model.valid_i = 0;
    set(model.mantissas_i, 0, shape.columns * shape.mantissa_bits > 64 ? 64 : 8, 0);
  });
  Random random(31);
  const std::int64_t limit = (std::int64_t{1} << (shape.mantissa_bits - 1)) - 1;
  struct Slice {
    bool valid = false;
    std::vector<std::int64_t> mantissas;
  };
  Slice before_last;
  Slice last;
  for (unsigned i = 0; i < 400; ++i) {
    Slice next;
    next.valid = random.chance(70);
    for (unsigned c = 0; c < shape.columns; ++c) {
      // Extremes are as likely as values in between: the widest sums must fit.
      const std::int64_t m =
          random.chance(50) ? random.between(-limit, limit) : (random.chance(50) ? limit : -limit);
      next.mantissas.push_back(m);
      set(lut->mantissas_i, c * shape.mantissa_bits, shape.mantissa_bits, m);
    }
    lut->valid_i = next.valid;
    lut.settle();
    REQUIRE(lut->valid_o == before_last.valid);
    if (before_last.valid) {
      for (unsigned t = 0; t < shape.columns / shape.mu; ++t) {
        for (unsigned j = 0; j < shape.half_entries(); ++j) {
          const unsigned place = (t * shape.half_entries() + j) * shape.entry_bits();
          CAPTURE(i, t, j);
          REQUIRE(get_signed(lut->entries_o, place, shape.entry_bits()) ==
                  entry(before_last.mantissas, t * shape.mu, shape.mu, j));
        }
      }
    }
    lut.tick();
    before_last = last;
    last = next;
  }
}

}  // namespace

TEST_CASE("A table of one activation is the activation, two cycles later") {
  check_tables<VLutMu1>({.columns = 4, .mu = 1, .mantissa_bits = 8});
}

TEST_CASE("A table of two activations holds their difference and sum, two cycles later") {
  check_tables<VLutMu2>({.columns = 4, .mu = 2, .mantissa_bits = 8});
}

TEST_CASE("A table of three activations holds its four signed sums, two cycles later") {
  check_tables<VLutMu3>({.columns = 6, .mu = 3, .mantissa_bits = 8});
}

TEST_CASE("A table of four activations holds its eight signed sums, two cycles later") {
  check_tables<VLutMu4>({.columns = 8, .mu = 4, .mantissa_bits = 16});
}
