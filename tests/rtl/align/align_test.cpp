// SPDX-License-Identifier: Apache-2.0
#include <VAlign12/VAlign12.h>
#include <VAlign16/VAlign16.h>
#include <VAlign24/VAlign24.h>
#include <VAlign8/VAlign8.h>
#include <VAlignOneSlice/VAlignOneSlice.h>

#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/alignment.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kColumns = 4;

template <class Model>
void set_idle(Model& align) {
  align.valid_i = 0;
  align.ready_i = 0;
  align.data_i = 0;
  align.token_first_i = 0;
}

template <class Model>
void drive(Model& align, const std::vector<unsigned>& halves, unsigned slice) {
  for (unsigned c = 0; c < kColumns; ++c) {
    set(align.data_i, 16 * c, 16, halves[slice * kColumns + c]);
  }
}

struct Slice {
  std::vector<std::int64_t> mantissas;
  bool group_last = false;
  AlignedGroup group;
  bool nan = false;
};

/// Random tokens of random kinds through `align`, with random stalls of both sides.
template <class Model>
void check_alignment(unsigned mantissa_bits, unsigned group_slices, unsigned in_percent,
                     unsigned out_percent) {
  Bench<Model> align(set_idle<Model>);
  Random random(81);
  std::vector<unsigned> halves;
  AlignedGroup group;
  unsigned slice = 0;
  std::int64_t groups_left = 0;
  bool token_first = false;
  bool token_nan = false;
  bool shown = false;
  std::deque<Slice> expected;
  unsigned checked = 0;
  for (unsigned cycle = 0; cycle < 30000; ++cycle) {
    if (!shown && random.chance(in_percent)) {
      if (slice == 0) {
        if (groups_left == 0) {
          groups_left = random.between(1, 4);
          token_first = true;
          token_nan = false;
        }
        halves = random_group(random, kColumns * group_slices, !random.chance(8));
        group = align_group(halves, mantissa_bits);
        token_nan = token_nan || group.not_finite;
        --groups_left;
      }
      shown = true;
      drive(*align, halves, slice);
      align->token_first_i = token_first;
    }
    align->valid_i = shown;
    align->ready_i = random.chance(out_percent);
    align.settle();
    if (align->valid_o && align->ready_i) {
      REQUIRE(!expected.empty());
      const Slice& want = expected.front();
      REQUIRE(align->group_last_o == want.group_last);
      if (!want.nan) {
        for (unsigned c = 0; c < kColumns; ++c) {
          CAPTURE(cycle, c);
          REQUIRE(get_signed(align->mantissas_o, c * mantissa_bits, mantissa_bits) ==
                  want.mantissas[c]);
        }
      }
      if (want.group_last) {
        REQUIRE(align->nan_o == want.nan);
        if (!want.nan) {
          REQUIRE(align->exponent_o == want.group.exponent + 14);
          REQUIRE(get_signed(align->sum_o, 0, mantissa_bits + 8) == want.group.sum);
        }
      }
      expected.pop_front();
      ++checked;
    }
    if (shown && align->ready_o) {
      const auto first = group.mantissas.begin() + slice * kColumns;
      expected.push_back({{first, first + kColumns}, slice + 1 == group_slices, group, token_nan});
      slice = (slice + 1) % group_slices;
      token_first = false;
      shown = false;
    }
    align.tick();
  }
  CHECK(checked > 6000);
}

/// Slices that never wait: the latency and the throughput of the header.
template <class Model>
void check_timing(unsigned group_slices) {
  Bench<Model> align(set_idle<Model>);
  align->valid_i = 1;
  align->ready_i = 1;
  std::deque<unsigned> last_in;
  unsigned groups = 0;
  for (unsigned cycle = 0; cycle < 60; ++cycle) {
    align.settle();
    REQUIRE(align->ready_o == 1);
    if (cycle % group_slices == group_slices - 1) last_in.push_back(cycle);
    if (align->valid_o && align->group_last_o) {
      REQUIRE(align.cycle() - last_in.front() == group_slices + 3);
      last_in.pop_front();
      ++groups;
    }
    align.tick();
  }
  CHECK(groups == (60 - (group_slices + 3)) / group_slices);
}

}  // namespace

TEST_CASE("Groups are aligned to 8, 12, 16 and 24 bit mantissas exactly as the contract says") {
  check_alignment<VAlign8>(8, 2, 70, 70);
  check_alignment<VAlign12>(12, 2, 70, 70);
  check_alignment<VAlign16>(16, 2, 70, 70);
  check_alignment<VAlign24>(24, 2, 70, 70);
}

TEST_CASE("A group may be a single slice") { check_alignment<VAlignOneSlice>(16, 1, 80, 80); }

TEST_CASE("A stalled reader holds slices back without loss") {
  check_alignment<VAlign16>(16, 2, 100, 35);
}

TEST_CASE("A group's last slice leaves its number of slices plus three cycles after it came") {
  check_timing<VAlign16>(2);
  check_timing<VAlignOneSlice>(1);
}
