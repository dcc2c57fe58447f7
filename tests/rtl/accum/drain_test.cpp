// SPDX-License-Identifier: Apache-2.0
#include <VDrainFour/VDrainFour.h>
#include <VDrainOne/VDrainOne.h>
#include <VDrainThree/VDrainThree.h>

#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

struct Shape {
  unsigned rows;
  unsigned tokens;
  unsigned result_lanes;
  unsigned accumulator_bits;
};

constexpr Shape kOne{.rows = 4, .tokens = 1, .result_lanes = 1, .accumulator_bits = 32};
constexpr Shape kThree{.rows = 4, .tokens = 3, .result_lanes = 4, .accumulator_bits = 48};
constexpr Shape kFour{.rows = 8, .tokens = 4, .result_lanes = 2, .accumulator_bits = 97};

template <class Model>
void set_idle(Model& drain) {
  drain.tile_done_i = 0;
  drain.tokens_i = 0;
  drain.binary16_i = 0;
  drain.nans_i = 0;
}

/// The result registers of all tokens.
struct Registers {
  std::vector<std::vector<std::int64_t>> values;  // [token][row]
  std::vector<bool> nans;
  std::vector<int> units;
};

Registers random_registers(Random& random, const Shape& shape) {
  Registers registers;
  for (unsigned t = 0; t < shape.tokens; ++t) {
    std::vector<std::int64_t> rows;
    for (unsigned r = 0; r < shape.rows; ++r) {
      rows.push_back(static_cast<std::int64_t>(random.bits(32)) - (std::int64_t{1} << 31));
    }
    registers.values.push_back(rows);
    registers.nans.push_back(random.chance(30));
    registers.units.push_back(static_cast<int>(random.between(-512, 511)));
  }
  return registers;
}

/// What the registers show for the row that is asked for.
template <class Model>
void show(Model& drain, const Shape& shape, const Registers& registers) {
  const unsigned bits = shape.accumulator_bits;
  for (unsigned t = 0; t < shape.tokens; ++t) {
    for (unsigned k = 0; k < shape.result_lanes; ++k) {
      set(drain.values_i, (t * shape.result_lanes + k) * bits, bits,
          bit(drain.read_o, t) ? cpp_int(registers.values[t][drain.row_o + k]) : cpp_int(0));
    }
    set_bit(drain.nans_i, t, registers.nans[t]);
    set(drain.units_i, 10 * t, 10, registers.units[t]);
  }
}

struct Group {
  std::vector<std::int64_t> values;
  bool nan;
  int unit;
  unsigned token;
  bool binary16;
};

/// Row tiles one after the other: a new one is done at the earliest when the last results of the
/// one before are read, and the registers change after that cycle.
template <class Model>
void check_order(const Shape& shape, unsigned next_percent) {
  Bench<Model> drain(set_idle<Model>);
  Random random(81);
  std::deque<Group> expected;  // in the registers or on their way out
  Registers registers = random_registers(random, shape);
  unsigned left = 0;  // groups of the row tile that is read
  unsigned taken = 0;
  unsigned tiles = 0;
  unsigned adjacent = 0;  // row tiles that follow the one before without a gap
  bool read = false;      // in the cycle before: a group leaves now
  for (unsigned cycle = 0; cycle < 8000; ++cycle) {
    set_idle(*drain);
    const bool done = left <= 1 && random.chance(next_percent);
    Registers next = registers;
    unsigned groups = 0;
    if (done) {
      const auto tokens = static_cast<unsigned>(random.between(1, shape.tokens));
      const bool binary16 = random.chance(50);
      next = random_registers(random, shape);
      drain->tile_done_i = 1;
      drain->tokens_i = static_cast<CData>(tokens);
      drain->binary16_i = binary16;
      groups = tokens * shape.rows / shape.result_lanes;
      adjacent += left;
      ++tiles;
      for (unsigned t = 0; t < tokens; ++t) {
        for (unsigned row = 0; row < shape.rows; row += shape.result_lanes) {
          Group group{{}, next.nans[t], next.units[t], t, binary16};
          for (unsigned k = 0; k < shape.result_lanes; ++k) {
            group.values.push_back(next.values[t][row + k]);
          }
          expected.push_back(group);
        }
      }
    }
    show(*drain, shape, registers);
    drain.settle();
    CAPTURE(cycle, taken, left);
    REQUIRE(drain->draining_o == (left > 1));
    REQUIRE(drain->valid_o == read);
    if (read) {
      const Group& group = expected.front();
      for (unsigned k = 0; k < shape.result_lanes; ++k) {
        const unsigned bits = shape.accumulator_bits;
        REQUIRE(get_exact(drain->values_o, k * bits, bits) == group.values[k]);
      }
      REQUIRE(drain->nan_o == group.nan);
      REQUIRE(get_signed(drain->unit_o, 0, 10) == group.unit);
      REQUIRE(drain->token_o == group.token);
      REQUIRE(drain->binary16_o == group.binary16);
      expected.pop_front();
      ++taken;
    }
    drain.tick();
    read = left > 0;
    if (left > 0) --left;
    // What has been read for the last time may be anything.
    if (left == 0) registers = random_registers(random, shape);
    if (done) {
      left = groups;
      registers = next;
    }
  }
  CHECK(taken > 1000);
  CHECK(tiles > 8000 / (shape.tokens * shape.rows / shape.result_lanes + 8) / 4);
  CHECK(adjacent > tiles / 10);
}

}  // namespace

TEST_CASE("Tokens, then rows, without a gap where the next row tile is there") {
  check_order<VDrainOne>(kOne, 100);
  check_order<VDrainOne>(kOne, 50);
  check_order<VDrainThree>(kThree, 30);
  check_order<VDrainFour>(kFour, 100);
  check_order<VDrainFour>(kFour, 20);
}

TEST_CASE("The first results come two cycles after the row tile is done, then some each cycle") {
  Bench<VDrainFour> drain(set_idle<VDrainFour>);
  Random random(3);
  const Registers registers = random_registers(random, kFour);
  drain->tile_done_i = 1;
  drain->tokens_i = 3;
  for (unsigned cycle = 0; cycle < 20; ++cycle) {
    show(*drain, kFour, registers);
    drain.settle();
    CAPTURE(cycle);
    REQUIRE(drain->valid_o == (cycle >= 2 && cycle < 2 + 12));
    REQUIRE(drain->draining_o == (cycle >= 1 && cycle < 12));
    drain.tick();
    drain->tile_done_i = 0;
  }
}

TEST_CASE("A row tile that is done before the last one has been drained fails an assertion") {
  Bench<VDrainOne> drain(set_idle<VDrainOne>);
  drain->tile_done_i = 1;
  drain->tokens_i = 1;
  for (unsigned row = 0; row < kOne.rows; ++row) {
    CHECK_NOTHROW(drain.tick());
    drain->tile_done_i = 0;
  }
  drain->tile_done_i = 1;  // with the last row
  CHECK_NOTHROW(drain.tick());
  CHECK_THROWS_AS(drain.tick(), AssertionFailed);
}

TEST_CASE("A number of tokens that cannot be fails an assertion") {
  for (const unsigned tokens : {0U, 4U, 16U}) {
    Bench<VDrainThree> drain(set_idle<VDrainThree>);
    drain->tile_done_i = 1;
    drain->tokens_i = static_cast<CData>(tokens);
    CHECK_THROWS_AS(drain.tick(), AssertionFailed);
  }
}
