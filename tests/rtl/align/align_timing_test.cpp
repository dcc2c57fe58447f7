// SPDX-License-Identifier: Apache-2.0
// When the activation buffer does what it does, and what it refuses.
#include <cstdint>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/align/store_bench.hpp"

namespace {

using namespace bitloom::rtl;

StoreJob job_of(const StoreSizes& sizes, unsigned group_log2, unsigned blocks, unsigned tokens,
                bool per_row = false) {
  StoreJob job;
  job.group_log2 = group_log2;
  job.blocks = blocks;
  job.per_row = per_row;
  for (unsigned t = 0; t < tokens; ++t) {
    job.halves.emplace_back(blocks * job.block_columns(sizes), 0x3C00U + t);
  }
  job.expect(sizes);
  return job;
}

StoreJob no_job() { return {}; }

constexpr Pace kNoReader{100, 100, 0, 0};

/// The assertion about a job fails when it is offered.
template <class Model, class Change>
void check_refused(const StoreJob& job, Change change) {
  StoreBench<Model> store;
  store.show_job(job);
  change(*store.operator->());
  store->job_valid_i = 1;
  CHECK_THROWS_AS(store.model().tick(), AssertionFailed);
}

}  // namespace

TEMPLATE_TEST_CASE("A block can be read five cycles and its slices after its last slice came", "",
                   VStore8x11x1, VStore16x8x16, VStore32x24x4, VStore64x12x1, VStore128x13x3,
                   VStore128x16x4) {
  constexpr StoreSizes sizes = kSizes<TestType>;
  for (const bool per_row : {false, true}) {
    for (unsigned group_log2 = per_row ? 3 : 0; group_log2 < 4; ++group_log2) {
      const StoreJob job = job_of(sizes, group_log2, 1, sizes.tokens, per_row);
      StoreBench<TestType> store;
      store.run([&] { return job; }, 1, {});
      const unsigned joining = sizes.line_bits < sizes.slice_bits() ? 1 : 0;
      CAPTURE(group_log2, per_row);
      REQUIRE(store.written.size() == 1);
      CHECK(store.written.front() - store.lines.back().cycle ==
            job.block_slices(sizes) + 5 + joining);
    }
  }
}

TEMPLATE_TEST_CASE("Slices never wait, neither between tokens and readings nor between jobs", "",
                   VStore8x11x1, VStore16x8x16, VStore32x24x4, VStore64x12x1, VStore128x13x3,
                   VStore128x16x4) {
  constexpr StoreSizes sizes = kSizes<TestType>;
  Random random(83);
  StoreBench<TestType> store;
  // The reader takes a block when it is complete, so two jobs and what is under way shall fit.
  const auto next_job = [&] {
    StoreJob job = random_job(random, sizes, sizes.depth() / 4);
    if (job.slices(sizes) > sizes.depth() / 4) job = job_of(sizes, 1, 2, sizes.tokens);
    job.tiles = 1;
    return job;
  };
  store.run(next_job, 60, {});
  unsigned cycles = 0;
  for (const auto& line : store.lines) cycles += line.slices;
  CHECK(store.lines.size() > 60);
  CHECK(store.lines.back().cycle - store.lines.front().cycle ==
        cycles - store.lines.front().slices);
}

TEST_CASE("A full ring takes as many slices as are released") {
  constexpr StoreSizes sizes = kSizes<VStore32x24x4>;
  StoreBench<VStore32x24x4> store;
  const auto next_job = [&] { return job_of(sizes, 0, sizes.depth(), 1); };
  store.start(2);
  for (unsigned i = 0; i < 200; ++i) store.step(next_job, kNoReader);
  CHECK(store.written.size() == sizes.depth());
  for (unsigned i = 0; i < sizes.depth(); ++i) store.step(next_job, {0, 100, 100, 0});
  for (unsigned released = 1; released < 4; ++released) {
    store.step(next_job, {0, 100, 0, 100});
    for (unsigned i = 0; i < 20; ++i) store.step(next_job, kNoReader);
    CHECK(store.written.size() == sizes.depth() + released);
  }
}

TEST_CASE("A full ring does not hold back the first reading of the next job") {
  constexpr StoreSizes sizes = kSizes<VStore128x13x3>;
  StoreBench<VStore128x13x3> store;
  store.start(2);
  const auto next_job = [&] { return job_of(sizes, 2, sizes.depth(), 3); };
  for (unsigned i = 0; i < 400; ++i) store.step(next_job, kNoReader);
  CHECK(store.written.size() == sizes.depth());
  // Two readings, one reading, and the slices that wait for room.
  CHECK(store.lines.size() == (2 + 1) * 3 * sizes.depth() + 5);
}

TEST_CASE("Later tokens do not wait for room: they have the places of the first one") {
  constexpr StoreSizes sizes = kSizes<VStore128x16x4>;
  StoreBench<VStore128x16x4> store;
  store.start(1);
  const auto next_job = [&] { return job_of(sizes, 2, sizes.depth(), 4); };
  for (unsigned i = 0; i < 200; ++i) store.step(next_job, kNoReader);
  CHECK(store.written.size() == sizes.depth());
}

TEST_CASE("Activations wait until a job is announced") {
  StoreBench<VStore16x8x16> store;
  store->valid_i = 1;
  for (unsigned i = 0; i < 10; ++i) {
    store.model().settle();
    CHECK(store->ready_o == 0);
    store.model().tick();
  }
}

TEST_CASE("Releasing a slice that is not in the ring fails an assertion") {
  StoreBench<VStore16x8x16> store;
  store->release_i = 1;
  CHECK_THROWS_AS(store.model().tick(), AssertionFailed);
}

TEST_CASE("Releasing a slice that the last token has not written fails an assertion") {
  constexpr StoreSizes sizes = kSizes<VStore32x24x4>;
  const StoreJob job = job_of(sizes, 0, 2, 2);
  StoreBench<VStore32x24x4> store;
  store.start(1);
  const auto next_job = [&] { return job; };
  while (store.lines.empty()) store.step(next_job, kNoReader);
  for (unsigned i = 0; i < 20; ++i) store.step(no_job, {0, 0, 0, 0});
  CHECK(store.written.empty());
  store->release_i = 1;
  CHECK_THROWS_AS(store.model().tick(), AssertionFailed);
}

TEST_CASE("Releasing a slice of a block that is not complete fails an assertion") {
  constexpr StoreSizes sizes = kSizes<VStore16x8x16>;
  const StoreJob job = job_of(sizes, 3, 1, 1);
  StoreBench<VStore16x8x16> store;
  store.start(1);
  const auto next_job = [&] { return job; };
  while (store.lines.size() < 32) store.step(next_job, kNoReader);
  for (unsigned i = 0; i < 12; ++i) store.step(no_job, {0, 0, 0, 0});
  CHECK(store.written.empty());
  store->release_i = 1;
  CHECK_THROWS_AS(store.model().tick(), AssertionFailed);
}

TEST_CASE("Reading behind the end of the ring fails an assertion") {
  StoreBench<VStore64x12x1> store;
  store->read_i = 1;
  store->read_slice_i = 12;  // 768 / 64
  CHECK_THROWS_AS(store.model().tick(), AssertionFailed);
}

TEST_CASE("A job that does not fit, has no token or too many, or a wrong span, is refused") {
  constexpr StoreSizes sizes = kSizes<VStore16x8x16>;
  const auto as_it_is = [](VStore16x8x16&) {};
  check_refused<VStore16x8x16>(job_of(sizes, 0, sizes.depth() / 2 + 1, 1), as_it_is);
  check_refused<VStore16x8x16>(job_of(sizes, 0, 1, 0), as_it_is);
  check_refused<VStore16x8x16>(job_of(sizes, 0, 1, 17), as_it_is);
  check_refused<VStore16x8x16>(job_of(sizes, 2, 1, 1, true), as_it_is);
  check_refused<VStore16x8x16>(job_of(sizes, 0, 1, 1),
                               [](VStore16x8x16& store) { set(store.job_i, 67, 6, 4U); });
  check_refused<VStore16x8x16>(job_of(sizes, 0, 1, 1),
                               [](VStore16x8x16& store) { set(store.job_i, 60, 1, 1U); });
}
