// SPDX-License-Identifier: Apache-2.0
#include <VLutFeed/VLutFeed.h>

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

constexpr unsigned kDepth = 12;  // slices in the ring: MaxK / Columns
constexpr unsigned kGroupSlices = 2;
constexpr unsigned kSlots = 8;
constexpr unsigned kGroupQueue = 4;
constexpr unsigned kMantissaBits = 8;
constexpr unsigned kSumBits = 16;

void set_idle(VLutFeed& feed) {
  feed.job_valid_i = 0;
  feed.job_tiles_i = 0;
  feed.job_slices_i = 0;
  feed.group_written_i = 0;
  feed.mantissas_i = 0;
  feed.exponent_i = 0;
  feed.sum_i = 0;
  feed.nan_i = 0;
  feed.slot_free_i = 0;
  feed.group_pop_i = 0;
}

/// The buffer's contents, recognizable by place: the data of slice `slice`.
void show_slice(VLutFeed& feed, unsigned slice) {
  feed.mantissas_i = 0x01010101U * slice;  // four equal mantissas
  feed.exponent_i = static_cast<CData>(slice / kGroupSlices);
  feed.sum_i = static_cast<SData>(1000 + slice / kGroupSlices);
  feed.nan_i = (slice / kGroupSlices) % 3 == 0;
}

struct Job {
  unsigned tiles;
  unsigned slices;
};

struct Step {
  unsigned slice;
  bool group_end;
  bool release;
  unsigned release_slices;
};

/// The walk in plain loops: row tile, group, slice; jobs follow each other in the ring.
std::vector<Step> walk(const std::vector<Job>& jobs) {
  std::vector<Step> steps;
  unsigned base = 0;
  for (const Job& job : jobs) {
    for (unsigned tile = 0; tile < job.tiles; ++tile) {
      for (unsigned slice = 0; slice < job.slices; ++slice) {
        const bool last = tile + 1 == job.tiles && slice + 1 == job.slices;
        steps.push_back(
            {(base + slice) % kDepth, slice % kGroupSlices == kGroupSlices - 1, last, job.slices});
      }
    }
    base = (base + job.slices) % kDepth;
  }
  return steps;
}

}  // namespace

TEST_CASE("New tables come four cycles after a slot became free, at one slice per cycle before") {
  Bench<VLutFeed> feed(set_idle);
  feed->job_valid_i = 1;
  feed->job_tiles_i = 3;
  feed->job_slices_i = 8;
  feed.tick();
  feed->job_valid_i = 0;
  // Every group is in the buffer.
  for (unsigned group = 0; group < 4; ++group) {
    feed->group_written_i = 1;
    feed.tick();
  }
  feed->group_written_i = 0;
  // Slots fill without a gap, then the feed waits. Groups are consumed, slots are not.
  for (unsigned i = 0; i < 20; ++i) {
    feed->group_pop_i = feed->group_valid_o;
    feed.tick();
  }
  feed->group_pop_i = 0;
  REQUIRE(feed->read_o == 0);
  feed->slot_free_i = 1;
  feed.tick();  // the slot is free from here
  feed->slot_free_i = 0;
  for (unsigned cycle = 1; cycle <= 4; ++cycle) {
    feed.settle();
    CHECK(feed->table_valid_o == (cycle == 4));
    feed.tick();
  }
  feed.settle();
  CHECK(feed->table_valid_o == 0);
}

TEST_CASE("The first row tile waits for each group to be written; later ones read at once") {
  Bench<VLutFeed> feed(set_idle);
  feed->job_valid_i = 1;
  feed->job_tiles_i = 2;
  feed->job_slices_i = 4;
  feed.tick();
  feed->job_valid_i = 0;
  unsigned reads = 0;
  const auto run = [&](unsigned cycles) {
    for (unsigned i = 0; i < cycles; ++i) {
      feed.settle();
      reads += feed->read_o;
      feed.tick();
    }
  };
  run(10);
  CHECK(reads == 0);
  feed->group_written_i = 1;
  run(1);
  feed->group_written_i = 0;
  run(10);
  CHECK(reads == 2);
  feed->group_written_i = 1;
  run(1);
  feed->group_written_i = 0;
  run(10);
  CHECK(reads == 8);
}

TEST_CASE("A job's walk reads row tile, group, slice, and releases the ring after its last read") {
  Random random(41);
  std::vector<Job> jobs;
  for (unsigned i = 0; i < 60; ++i) {
    jobs.push_back(
        {static_cast<unsigned>(random.between(1, 5)),
         kGroupSlices * static_cast<unsigned>(random.between(1, kDepth / kGroupSlices))});
  }
  const std::vector<Step> steps = walk(jobs);

  Bench<VLutFeed> feed(set_idle);
  std::size_t next_job = 0;
  std::deque<unsigned> unwritten;  // groups of the accepted jobs, by job
  unsigned ring_free = kDepth;     // slices not yet written over
  std::size_t read = 0;
  std::size_t tables = 0;
  std::size_t groups = 0;
  std::vector<Step> group_steps;
  for (const Step& step : steps) {
    if (step.group_end) group_steps.push_back(step);
  }
  unsigned held_slots = 0;
  unsigned shown = 0;
  for (unsigned cycle = 0; cycle < 20000 && groups < group_steps.size(); ++cycle) {
    show_slice(*feed, shown);
    feed->job_valid_i = next_job < jobs.size() && random.chance(50);
    if (next_job < jobs.size()) {
      feed->job_tiles_i = static_cast<CData>(jobs[next_job].tiles);
      feed->job_slices_i = static_cast<CData>(jobs[next_job].slices);
    }
    feed->group_written_i = !unwritten.empty() && ring_free >= kGroupSlices && random.chance(60);
    feed->slot_free_i = held_slots > 0 && random.chance(70);
    feed.settle();
    feed->group_pop_i = feed->group_valid_o && random.chance(70);
    feed.settle();

    if (feed->job_valid_i && feed->job_ready_o) {
      unwritten.push_back(jobs[next_job].slices / kGroupSlices);
      ++next_job;
    }
    if (feed->group_written_i) {
      ring_free -= kGroupSlices;
      if (--unwritten.front() == 0) unwritten.pop_front();
    }
    if (feed->table_valid_o) {
      REQUIRE(tables < read);
      // Two equal mantissas per table: their difference, then their sum.
      const auto m = static_cast<std::int64_t>(steps[tables].slice);
      REQUIRE(feed->table_slot_o == tables % kSlots);
      for (unsigned t = 0; t < 2; ++t) {
        REQUIRE(get_signed(feed->table_entries_o, (2 * t) * 9, 9) == 0);
        REQUIRE(get_signed(feed->table_entries_o, (2 * t + 1) * 9, 9) == 2 * m);
      }
      ++tables;
      ++held_slots;
    }
    if (feed->slot_free_i) --held_slots;
    if (feed->group_valid_o && feed->group_pop_i) {
      REQUIRE(groups < group_steps.size());
      const unsigned group = group_steps[groups].slice / kGroupSlices;
      REQUIRE(feed->group_exponent_o == group);
      REQUIRE(feed->group_sum_o == 1000 + group);
      REQUIRE(feed->group_nan_o == (group % 3 == 0));
      ++groups;
    }
    if (feed->read_o) {
      REQUIRE(read < steps.size());
      CAPTURE(read);
      REQUIRE(feed->read_slice_o == steps[read].slice);
      REQUIRE(feed->release_o == steps[read].release);
      if (feed->release_o) {
        REQUIRE(feed->release_slices_o == steps[read].release_slices);
        ring_free += steps[read].release_slices;
      }
      shown = feed->read_slice_o;
      ++read;
      REQUIRE(read - tables + held_slots <= kSlots);
    } else {
      REQUIRE(feed->release_o == 0);
    }
    feed.tick();
  }
  CHECK(read == steps.size());
  CHECK(groups == group_steps.size());
}

TEST_CASE("The feed reads ahead as far as the group queue reaches and no further") {
  Bench<VLutFeed> feed(set_idle);
  feed->job_valid_i = 1;
  feed->job_tiles_i = 4;
  feed->job_slices_i = 12;
  feed.tick();
  feed->job_valid_i = 0;
  unsigned reads = 0;
  unsigned tables = 0;
  for (unsigned i = 0; i < 60; ++i) {
    feed->group_written_i = i < 6;
    feed->slot_free_i = tables > 0;  // slots are never short
    feed.settle();
    if (feed->slot_free_i) --tables;
    tables += feed->table_valid_o;
    reads += feed->read_o;
    feed.tick();
  }
  CHECK(reads == kGroupQueue * kGroupSlices);
}
