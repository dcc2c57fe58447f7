// SPDX-License-Identifier: Apache-2.0
#include <VLutMu1/VLutMu1.h>
#include <VLutMu2/VLutMu2.h>
#include <VLutMu3/VLutMu3.h>
#include <VLutMu3Odd/VLutMu3Odd.h>
#include <VLutMu4/VLutMu4.h>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"
#include "tests/rtl/support/tables.hpp"

namespace {

using namespace bitloom::rtl;

/// Slices go in with random gaps; tables must come out exactly two cycles later, every entry right.
template <class Model>
void check_tables(TableShape shape) {
  Bench<Model> lut([&](Model& model) { model.valid_i = 0; });
  Random random(31);
  struct Slice {
    bool valid = false;
    std::vector<std::int64_t> mantissas;
  };
  Slice before_last;
  Slice last;
  for (unsigned i = 0; i < 400; ++i) {
    Slice next;
    next.valid = random.chance(70);
    next.mantissas = random_mantissas(random, shape.columns, shape.mantissa_bits);
    for (unsigned c = 0; c < shape.columns; ++c) {
      set(lut->mantissas_i, c * shape.mantissa_bits, shape.mantissa_bits, next.mantissas[c]);
    }
    lut->valid_i = next.valid;
    lut.settle();
    REQUIRE(lut->valid_o == before_last.valid);
    if (before_last.valid) {
      for (unsigned t = 0; t < shape.tables(); ++t) {
        for (unsigned j = 0; j < shape.half_entries(); ++j) {
          CAPTURE(i, t, j);
          REQUIRE(get_signed(lut->entries_o, shape.place(t, j), shape.entry_bits()) ==
                  shape.entry(before_last.mantissas, t, j));
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
  check_tables<VLutMu1>({.columns = 8, .mu = 1, .mantissa_bits = 8});
}

TEST_CASE("A table of two activations holds their difference and sum, two cycles later") {
  check_tables<VLutMu2>({.columns = 8, .mu = 2, .mantissa_bits = 8});
}

TEST_CASE("A table of three activations holds its four signed sums, two cycles later") {
  // 8 columns leave two activations for the last table, 16 leave one.
  check_tables<VLutMu3>({.columns = 8, .mu = 3, .mantissa_bits = 8});
  check_tables<VLutMu3Odd>({.columns = 16, .mu = 3, .mantissa_bits = 16});
}

TEST_CASE("A table of four activations holds its eight signed sums, two cycles later") {
  check_tables<VLutMu4>({.columns = 32, .mu = 4, .mantissa_bits = 24});
}
