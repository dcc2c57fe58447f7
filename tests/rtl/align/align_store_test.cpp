// SPDX-License-Identifier: Apache-2.0
#include <VAlignStore/VAlignStore.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/alignment.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kColumns = 4;
constexpr unsigned kGroupSlices = 2;
constexpr unsigned kGroupColumns = kColumns * kGroupSlices;
constexpr unsigned kDepth = 12;  // slices: MaxK / Columns
constexpr unsigned kMantissaBits = 16;

void set_idle(VAlignStore& store) {
  store.job_valid_i = 0;
  store.job_slices_i = 0;
  store.valid_i = 0;
  store.data_i = 0;
  store.read_i = 0;
  store.read_slice_i = 0;
  store.release_i = 0;
  store.release_slices_i = 0;
}

struct Job {
  std::vector<std::vector<unsigned>> groups;
  std::vector<bool> nan;  // whether this or an earlier group is not finite
};

Job random_job(Random& random) {
  Job job;
  bool nan = false;
  const std::int64_t groups = random.between(1, kDepth / kGroupSlices);
  for (std::int64_t g = 0; g < groups; ++g) {
    job.groups.push_back(random_group(random, kGroupColumns, !random.chance(4)));
    nan = nan || align_group(job.groups.back(), kMantissaBits).not_finite;
    job.nan.push_back(nan);
  }
  return job;
}

void offer_job(Bench<VAlignStore>& store, unsigned slices) {
  store->job_valid_i = 1;
  store->job_slices_i = static_cast<CData>(slices);
  store.settle();
  REQUIRE(store->job_ready_o == 1);
  store.tick();
  store->job_valid_i = 0;
}

}  // namespace

TEST_CASE("Jobs fill the ring one behind the other and are read back group by group") {
  Bench<VAlignStore> store(set_idle);
  Random random(91);
  std::deque<Job> announced;    // accepted, not all of their slices sent
  std::deque<Job> to_read;      // accepted, not released
  std::size_t sent = 0;         // slices of announced.front() sent
  unsigned groups_written = 0;  // groups in the ring that the reader may use
  unsigned base = 0;            // ring place of to_read.front()
  unsigned read_slice = 0;
  std::optional<unsigned> reading;  // slice within the job whose data is due
  unsigned jobs_done = 0;
  for (unsigned cycle = 0; cycle < 60000 && jobs_done < 300; ++cycle) {
    store->job_valid_i = random.chance(30);
    Job job;
    if (store->job_valid_i) {
      job = random_job(random);
      store->job_slices_i = static_cast<CData>(job.groups.size() * kGroupSlices);
    }
    const bool offered = !announced.empty() && random.chance(80);
    store->valid_i = offered;
    if (offered) {
      const auto& halves = announced.front().groups[sent / kGroupSlices];
      for (unsigned c = 0; c < kColumns; ++c) {
        set(store->data_i, 16 * c, 16, halves[(sent % kGroupSlices) * kColumns + c]);
      }
    }
    const bool can_read =
        !to_read.empty() && read_slice / kGroupSlices < groups_written && random.chance(70);
    store->read_i = can_read;
    if (can_read) store->read_slice_i = static_cast<CData>((base + read_slice) % kDepth);
    const bool release = can_read && read_slice + 1 == to_read.front().groups.size() * kGroupSlices;
    store->release_i = release;
    store->release_slices_i =
        static_cast<CData>(release ? to_read.front().groups.size() * kGroupSlices : 0);
    store.settle();
    const bool accepted = offered && store->ready_o;
    const bool job_accepted = store->job_valid_i && store->job_ready_o;
    store.tick();
    groups_written += store->group_written_o;
    if (can_read) {
      const Job& job_read = to_read.front();
      const unsigned g = read_slice / kGroupSlices;
      const AlignedGroup group = align_group(job_read.groups[g], kMantissaBits);
      REQUIRE(store->nan_o == job_read.nan[g]);
      if (!job_read.nan[g]) {
        REQUIRE(store->exponent_o == group.exponent + 14);
        REQUIRE(get_signed(store->sum_o, 0, kMantissaBits + 8) == group.sum);
        for (unsigned c = 0; c < kColumns; ++c) {
          CAPTURE(cycle, c);
          REQUIRE(get_signed(store->mantissas_o, c * kMantissaBits, kMantissaBits) ==
                  group.mantissas[(read_slice % kGroupSlices) * kColumns + c]);
        }
      }
      ++read_slice;
    }
    if (release) {
      const auto slices = static_cast<unsigned>(to_read.front().groups.size() * kGroupSlices);
      groups_written -= slices / kGroupSlices;
      base = (base + slices) % kDepth;
      read_slice = 0;
      to_read.pop_front();
      ++jobs_done;
    }
    if (accepted && ++sent == announced.front().groups.size() * kGroupSlices) {
      announced.pop_front();
      sent = 0;
    }
    if (job_accepted) {
      announced.push_back(job);
      to_read.push_back(job);
    }
  }
  CHECK(jobs_done == 300);
}

TEST_CASE("A group is written one cycle after alignment has finished it") {
  Bench<VAlignStore> store(set_idle);
  offer_job(store, kGroupSlices);
  store.tick();
  store->valid_i = 1;
  store.settle();
  REQUIRE(store->ready_o == 1);
  store.tick();
  const unsigned last_in = store.cycle();
  store.tick();
  store->valid_i = 0;
  while (!store->group_written_o) {
    REQUIRE(store.cycle() < 100);
    store.tick();
  }
  CHECK(store.cycle() - last_in == kGroupSlices + 3 + 1);
}

TEST_CASE("A full ring holds the next job back until slices are released") {
  Bench<VAlignStore> store(set_idle);
  offer_job(store, kDepth);
  offer_job(store, kDepth);
  store->valid_i = 1;
  unsigned written = 0;
  for (unsigned i = 0; i < 200; ++i) {
    store.tick();
    written += store->group_written_o;
  }
  CHECK(written == kDepth / kGroupSlices);
  store->release_i = 1;
  store->release_slices_i = kGroupSlices;
  store.tick();
  store->release_i = 0;
  for (unsigned i = 0; i < 50; ++i) {
    store.tick();
    written += store->group_written_o;
  }
  CHECK(written == kDepth / kGroupSlices + 1);
}

TEST_CASE("Activations wait until a job is announced") {
  Bench<VAlignStore> store(set_idle);
  store->valid_i = 1;
  for (unsigned i = 0; i < 10; ++i) {
    store.settle();
    CHECK(store->ready_o == 0);
    store.tick();
  }
}

TEST_CASE("Releasing more slices than the buffer holds fails an assertion") {
  Bench<VAlignStore> store(set_idle);
  store->release_i = 1;
  store->release_slices_i = 1;
  CHECK_THROWS_AS(store.tick(), AssertionFailed);
}
