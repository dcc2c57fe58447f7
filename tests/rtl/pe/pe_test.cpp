// SPDX-License-Identifier: Apache-2.0
#include <VPeMu1/VPeMu1.h>
#include <VPeMu4/VPeMu4.h>

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kSlots = 8;

struct Shape {
  unsigned rows;
  unsigned columns;
  unsigned mu;
  unsigned mantissa_bits;

  [[nodiscard]] unsigned sum_bits() const { return mantissa_bits + 8; }
  [[nodiscard]] unsigned half_entries() const { return 1U << (mu - 1); }
  [[nodiscard]] unsigned entry_bits() const { return mantissa_bits + (mu == 1 ? 0 : 2); }
};

using Slice = std::vector<std::int64_t>;

template <class Model>
void set_idle(Model& pe) {
  pe.table_valid_i = 0;
  pe.pass_valid_i = 0;
  pe.pass_first_i = 0;
  pe.pass_last_i = 0;
  pe.pass_slot_i = 0;
  pe.table_slot_i = 0;
}

/// The tables of a slice, by the definition in bl_lut's header.
template <class Model>
void drive_tables(Model& pe, const Shape& shape, unsigned slot, const Slice& slice) {
  pe.table_valid_i = 1;
  pe.table_slot_i = static_cast<CData>(slot);
  for (unsigned t = 0; t < shape.columns / shape.mu; ++t) {
    for (unsigned j = 0; j < shape.half_entries(); ++j) {
      std::int64_t sum = slice[t * shape.mu + shape.mu - 1];
      for (unsigned k = 0; k + 1 < shape.mu; ++k) {
        sum += ((j >> k) & 1U) != 0 ? slice[t * shape.mu + k] : -slice[t * shape.mu + k];
      }
      set(pe.table_entries_i, (t * shape.half_entries() + j) * shape.entry_bits(),
          shape.entry_bits(), sum);
    }
  }
}

/// Random groups of random length: tables are written while earlier slots are read, as the feed
/// does it. Sums must equal the dot products, four cycles after the group's last pass and not
/// otherwise.
template <class Model>
void check_sums(Shape shape) {
  Bench<Model> pe(set_idle<Model>);
  Random random(51);
  const std::int64_t limit = (std::int64_t{1} << (shape.mantissa_bits - 1)) - 1;
  std::array<Slice, kSlots> slots;
  unsigned filled = 0;  // slots written at least once, in order
  std::vector<std::int64_t> sums(shape.rows, 0);
  std::deque<std::pair<unsigned, std::vector<std::int64_t>>> expected;  // cycle, sums
  unsigned slices_left = 0;
  bool extreme = false;
  unsigned checked = 0;
  for (unsigned i = 0; i < 4000; ++i) {
    set_idle(*pe);
    if (slices_left == 0) extreme = random.chance(10);
    const unsigned written = filled < kSlots ? filled : static_cast<unsigned>(random.bits(3));
    const bool write = filled < kSlots || random.chance(50);
    const auto slot = static_cast<unsigned>(random.bits(3));
    const bool pass = filled == kSlots && random.chance(80) && !(write && slot == written);
    if (pass) {
      // Groups of the longest kind: 256 columns.
      const bool first = slices_left == 0;
      if (first)
        slices_left = extreme ? 256 / shape.columns : static_cast<unsigned>(random.between(1, 5));
      pe->pass_valid_i = 1;
      pe->pass_slot_i = static_cast<CData>(slot);
      pe->pass_first_i = first;
      pe->pass_last_i = slices_left == 1;
      const Slice& slice = slots.at(slot);
      for (unsigned r = 0; r < shape.rows; ++r) {
        if (first) sums[r] = 0;
        for (unsigned c = 0; c < shape.columns; ++c) {
          // An extreme group adds up magnitudes: the sign of B is that of m in row 0.
          const bool plus = extreme ? (slice[c] > 0) == (r == 0) : random.chance(50);
          set_bit(pe->pass_plane_i, r * shape.columns + c, plus);
          sums[r] += plus ? slice[c] : -slice[c];
        }
      }
      if (--slices_left == 0) expected.emplace_back(pe.cycle() + 4, sums);
    }
    if (write) {
      Slice slice;
      for (unsigned c = 0; c < shape.columns; ++c) {
        slice.push_back(random.chance(50) ? random.between(-limit, limit)
                                          : (random.chance(50) ? limit : -limit));
      }
      drive_tables(*pe, shape, written, slice);
      slots.at(written) = slice;
      if (filled < kSlots) ++filled;
    }
    pe.settle();
    const bool due = !expected.empty() && expected.front().first == pe.cycle();
    REQUIRE(pe->sum_valid_o == due);
    if (due) {
      for (unsigned r = 0; r < shape.rows; ++r) {
        CAPTURE(i, r);
        REQUIRE(get_signed(pe->sums_o, r * shape.sum_bits(), shape.sum_bits()) ==
                expected.front().second[r]);
      }
      expected.pop_front();
      ++checked;
    }
    pe.tick();
  }
  CHECK(checked > 250);
}

}  // namespace

TEST_CASE("A row's sum is the dot product of its signs and the mantissas, four cycles later") {
  check_sums<VPeMu4>({.rows = 2, .columns = 8, .mu = 4, .mantissa_bits = 16});
}

TEST_CASE("With one activation per table the array is a plain adder tree with the same sums") {
  check_sums<VPeMu1>({.rows = 3, .columns = 4, .mu = 1, .mantissa_bits = 8});
}

TEST_CASE("Reading a slot in the cycle in which it is written fails an assertion") {
  Bench<VPeMu4> pe(set_idle<VPeMu4>);
  pe->table_valid_i = 1;
  pe->table_slot_i = 3;
  pe->pass_valid_i = 1;
  pe->pass_slot_i = 2;
  CHECK_NOTHROW(pe.tick());
  pe->pass_slot_i = 3;
  CHECK_THROWS_AS(pe.tick(), AssertionFailed);
}
