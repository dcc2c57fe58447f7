// SPDX-License-Identifier: Apache-2.0
#include <VPeMu1/VPeMu1.h>
#include <VPeMu2/VPeMu2.h>
#include <VPeMu3/VPeMu3.h>
#include <VPeMu3Wide/VPeMu3Wide.h>
#include <VPeMu4/VPeMu4.h>
#include <VPeMu4Wide/VPeMu4Wide.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"
#include "tests/rtl/support/tables.hpp"

namespace {

using namespace bitloom::rtl;

struct Shape {
  TableShape table;
  unsigned rows;
  unsigned slots;

  [[nodiscard]] unsigned sum_bits() const { return table.mantissa_bits + 8; }
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

/// Random sums of up to 256 columns: tables are written while earlier slots are read, as the feed
/// does it. Sums must equal the dot products, four cycles after the sum's last pass and not
/// otherwise, and stay until the next ones.
template <class Model>
void check_sums(const Shape& shape) {
  const TableShape& table = shape.table;
  const unsigned longest = 256 / table.columns;
  Bench<Model> pe(set_idle<Model>);
  Random random(51);
  std::vector<Slice> slots;  // those written at least once, in order
  std::vector<std::int64_t> sums(shape.rows, 0);
  std::vector<bool> word(shape.rows * table.columns);  // of the pass one cycle earlier
  bool word_valid = false;
  std::deque<std::pair<unsigned, std::vector<std::int64_t>>> expected;  // cycle, sums
  std::vector<std::int64_t> held;
  unsigned slices_left = 0;
  bool extreme = false;
  unsigned checked = 0;
  unsigned most_busy = 0;  // passes without a gap
  unsigned busy = 0;
  while (checked < 400) {
    REQUIRE(pe.cycle() < 40000);
    set_idle(*pe);
    // The word belongs to the pass before; without one it may be anything.
    for (unsigned b = 0; b < word.size(); ++b) {
      set_bit(pe->word_i, b, word_valid ? word[b] : random.chance(50));
    }
    const auto any_slot = [&] { return static_cast<unsigned>(random.between(0, shape.slots - 1)); };
    const bool filled = slots.size() == shape.slots;
    const bool write = !filled || random.chance(30);
    const unsigned written = filled ? any_slot() : static_cast<unsigned>(slots.size());
    const unsigned slot = any_slot();
    const bool pass = filled && random.chance(90) && !(write && slot == written);
    if (pass) {
      const bool first = slices_left == 0;
      if (first) extreme = random.chance(10);
      if (first)
        slices_left = extreme ? longest : static_cast<unsigned>(random.between(1, longest));
      pe->pass_valid_i = 1;
      pe->pass_slot_i = static_cast<CData>(slot);
      pe->pass_first_i = first;
      pe->pass_last_i = slices_left == 1;
      const Slice& slice = slots[slot];
      for (unsigned r = 0; r < shape.rows; ++r) {
        if (first) sums[r] = 0;
        for (unsigned c = 0; c < table.columns; ++c) {
          // An extreme sum adds up magnitudes: the sign of B is that of m in row 0.
          const bool plus = extreme ? (slice[c] > 0) == (r == 0) : random.chance(50);
          word[r * table.columns + c] = plus;
          sums[r] += plus ? slice[c] : -slice[c];
        }
      }
      if (--slices_left == 0) expected.emplace_back(pe.cycle() + 4, sums);
    }
    word_valid = pass;
    busy = pass ? busy + 1 : 0;
    most_busy = std::max(most_busy, busy);
    if (write) {
      const Slice slice = random_mantissas(random, table.columns, table.mantissa_bits);
      pe->table_valid_i = 1;
      pe->table_slot_i = static_cast<CData>(written);
      for (unsigned t = 0; t < table.tables(); ++t) {
        for (unsigned j = 0; j < table.half_entries(); ++j) {
          set(pe->table_entries_i, table.place(t, j), table.entry_bits(), table.entry(slice, t, j));
        }
      }
      if (filled) slots[written] = slice;
      if (!filled) slots.push_back(slice);
    }
    pe.settle();
    const bool due = !expected.empty() && expected.front().first == pe.cycle();
    REQUIRE(pe->sum_valid_o == due);
    if (due) {
      held = expected.front().second;
      expected.pop_front();
      ++checked;
    }
    for (unsigned r = 0; r < held.size(); ++r) {
      CAPTURE(pe.cycle(), r);
      REQUIRE(get_signed(pe->sums_o, r * kFieldBits, shape.sum_bits()) == held[r]);
    }
    pe.tick();
  }
  CHECK(most_busy > 10);
}

}  // namespace

TEST_CASE("A row's sum is the dot product of its signs and the mantissas, four cycles later") {
  SECTION("two tables") {
    check_sums<VPeMu4>(
        {.table = {.columns = 8, .mu = 4, .mantissa_bits = 16}, .rows = 2, .slots = 32});
  }
  SECTION("the widest array: 32 tables") {
    check_sums<VPeMu4Wide>(
        {.table = {.columns = 128, .mu = 4, .mantissa_bits = 16}, .rows = 2, .slots = 8});
  }
  SECTION("two activations per table, the widest mantissas") {
    check_sums<VPeMu2>(
        {.table = {.columns = 16, .mu = 2, .mantissa_bits = 24}, .rows = 3, .slots = 16});
  }
}

TEST_CASE("Where mu does not divide the columns, the last table's missing bits do not matter") {
  SECTION("two of three activations in the 11th table") {
    check_sums<VPeMu3>(
        {.table = {.columns = 32, .mu = 3, .mantissa_bits = 16}, .rows = 2, .slots = 8});
  }
  SECTION("two of three activations in the 43rd table") {
    check_sums<VPeMu3Wide>(
        {.table = {.columns = 128, .mu = 3, .mantissa_bits = 8}, .rows = 2, .slots = 8});
  }
}

TEST_CASE("With one activation per table the array is a plain adder tree with the same sums") {
  check_sums<VPeMu1>(
      {.table = {.columns = 64, .mu = 1, .mantissa_bits = 8}, .rows = 1, .slots = 8});
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
