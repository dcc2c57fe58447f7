// SPDX-License-Identifier: Apache-2.0
#include <VSequencer/VSequencer.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kGroupSlices = 2;
constexpr unsigned kSlots = 8;
constexpr unsigned kSumCredits = 4;

// Causes as docs/registers.md orders the counters.
enum Cause : unsigned { kBusy, kOutput, kActivations, kScales, kWeights, kControl };

void set_idle(VSequencer& sequencer) {
  sequencer.job_valid_i = 0;
  sequencer.plane_valid_i = 0;
  sequencer.table_valid_i = 0;
  sequencer.sums_pop_i = 0;
  sequencer.tile_draining_i = 0;
  sequencer.tile_drained_i = 0;
}

struct Job {
  unsigned tiles;
  unsigned slices;
  unsigned bits;
  bool has_offset;
};

struct Pass {
  std::size_t job;
  std::size_t table;  // which table of the whole run it reads
  bool first;
  bool last;
  bool plane_last;
  bool tile_last;
  bool job_last;
};

/// All passes in plain loops: row tile, group, plane, slice.
std::vector<Pass> passes_of(const std::vector<Job>& jobs) {
  std::vector<Pass> passes;
  std::size_t group_tables = 0;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const Job& job = jobs[j];
    const unsigned groups = job.slices / kGroupSlices;
    for (unsigned tile = 1; tile <= job.tiles; ++tile) {
      for (unsigned group = 1; group <= groups; ++group) {
        for (unsigned plane = 1; plane <= job.bits; ++plane) {
          for (unsigned slice = 0; slice < kGroupSlices; ++slice) {
            const bool plane_last = plane == job.bits;
            const bool tile_last = plane_last && group == groups;
            passes.push_back({j, group_tables + slice, slice == 0, slice + 1 == kGroupSlices,
                              plane_last, tile_last, tile_last && tile == job.tiles});
          }
        }
        group_tables += kGroupSlices;
      }
    }
  }
  return passes;
}

struct Pressure {
  unsigned jobs;
  unsigned planes;
  unsigned tables;
  unsigned sums;
  unsigned drain;
};

/// Runs random jobs against a model of the credits; returns the cycles of each cause.
std::array<unsigned, 6> run_jobs(const Pressure& percent) {
  Random random(121);
  std::vector<Job> jobs;
  for (unsigned i = 0; i < 60; ++i) {
    jobs.push_back({static_cast<unsigned>(random.between(1, 5)),
                    kGroupSlices * static_cast<unsigned>(random.between(1, 8)),
                    static_cast<unsigned>(random.between(1, 8)), random.chance(50)});
  }
  const std::vector<Pass> passes = passes_of(jobs);

  Bench<VSequencer> sequencer(set_idle);
  std::array<unsigned, 6> causes{};
  std::size_t accepted = 0;
  std::vector<unsigned> head_from;  // cycle from which job j may head the queue
  unsigned last_pop = 0;
  std::size_t next = 0;
  std::size_t tables = 0;  // written so far
  std::size_t freed = 0;
  unsigned sums = 0;    // sums under way
  bool drained = true;  // result registers free
  for (unsigned cycle = 0; cycle < 200000 && next < passes.size(); ++cycle) {
    sequencer->job_valid_i = accepted < jobs.size() && random.chance(percent.jobs);
    if (accepted < jobs.size()) {
      sequencer->job_tiles_i = static_cast<CData>(jobs[accepted].tiles);
      sequencer->job_slices_i = static_cast<CData>(jobs[accepted].slices);
      sequencer->job_bits_i = static_cast<CData>(jobs[accepted].bits);
      sequencer->job_has_offset_i = jobs[accepted].has_offset;
    }
    sequencer->plane_valid_i = random.chance(percent.planes);
    sequencer->table_valid_i = tables - freed < kSlots && random.chance(percent.tables);
    sequencer->sums_pop_i = sums > 0 && random.chance(percent.sums);
    // A row tile's results drain, or it still waits for scales, in turns of some cycles.
    sequencer->tile_draining_i = !drained && (percent.drain == 100 || cycle / 8 % 2 == 0);
    sequencer->tile_drained_i = sequencer->tile_draining_i && random.chance(percent.drain);
    sequencer.settle();

    const Pass& pass = passes[next];
    const bool has_job = pass.job < accepted && std::max(head_from[pass.job], last_pop) <= cycle;
    const bool has_tables = pass.table < tables;
    const bool has_sums = !pass.last || sums < kSumCredits;
    const bool has_output = !(pass.last && pass.tile_last) || drained;
    unsigned cause = kBusy;
    if (!has_job) {
      cause = kControl;
    } else if (!has_output && sequencer->tile_draining_i) {
      cause = kOutput;
    } else if (!has_tables) {
      cause = kActivations;
    } else if (!has_sums || !has_output) {
      cause = kScales;
    } else if (!sequencer->plane_valid_i) {
      cause = kWeights;
    }
    CAPTURE(cycle, next, pass.job, pass.table, has_job, has_output, has_tables, has_sums);
    REQUIRE(sequencer->cause_o == cause);
    REQUIRE(sequencer->pass_valid_o == (cause == kBusy));
    REQUIRE(sequencer->plane_ready_o == (cause == kBusy));
    const bool frees = cause == kBusy && pass.plane_last;
    REQUIRE(sequencer->slot_free_o == frees);
    if (cause == kBusy) {
      REQUIRE(sequencer->pass_slot_o == pass.table % kSlots);
      REQUIRE(sequencer->pass_first_o == pass.first);
      REQUIRE(sequencer->pass_last_o == pass.last);
      REQUIRE(sequencer->plane_last_o == pass.plane_last);
      REQUIRE(sequencer->tile_last_o == pass.tile_last);
      REQUIRE(sequencer->job_last_o == pass.job_last);
      REQUIRE(sequencer->has_offset_o == jobs[pass.job].has_offset);
    }
    ++causes.at(cause);

    if (sequencer->job_valid_i && sequencer->job_ready_o) {
      head_from.push_back(cycle + 2);
      ++accepted;
    }
    tables += sequencer->table_valid_i;
    freed += frees;
    sums -= sequencer->sums_pop_i;
    drained = drained || sequencer->tile_drained_i;
    if (cause == kBusy) {
      sums += pass.last;
      if (pass.last && pass.tile_last) drained = false;
      if (pass.last && pass.job_last) last_pop = cycle + 1;
      ++next;
    }
    sequencer.tick();
  }
  CHECK(next == passes.size());
  CHECK(causes[kBusy] == passes.size());
  return causes;
}

}  // namespace

TEST_CASE("Passes go row tile, group, plane, slice, one per cycle, also across jobs") {
  const auto causes =
      run_jobs({.jobs = 100, .planes = 100, .tables = 100, .sums = 100, .drain = 100});
  // Two cycles until the first job heads the queue; tables are written from the first cycle on.
  CHECK(causes[kControl] == 2);
  CHECK(causes[kWeights] == 0);
  CHECK(causes[kScales] == 0);
}

TEST_CASE("Every cycle without a pass has the cause that the order of priority gives it") {
  const auto causes = run_jobs({.jobs = 3, .planes = 80, .tables = 30, .sums = 45, .drain = 8});
  for (const unsigned cause : {kBusy, kOutput, kActivations, kScales, kWeights, kControl}) {
    CAPTURE(cause);
    CHECK(causes.at(cause) > 50);
  }
}

TEST_CASE("Each scarce thing stalls the array under its own name") {
  CHECK(run_jobs({.jobs = 100, .planes = 20, .tables = 100, .sums = 100, .drain = 100})[kWeights] >
        5000);
  CHECK(run_jobs(
            {.jobs = 100, .planes = 100, .tables = 20, .sums = 100, .drain = 100})[kActivations] >
        1000);
  CHECK(run_jobs({.jobs = 100, .planes = 100, .tables = 100, .sums = 20, .drain = 100})[kScales] >
        1000);
  CHECK(run_jobs({.jobs = 100, .planes = 100, .tables = 100, .sums = 100, .drain = 2})[kOutput] >
        1000);
}

TEST_CASE("More tables than slots fail an assertion") {
  Bench<VSequencer> sequencer(set_idle);
  sequencer->table_valid_i = 1;
  for (unsigned i = 0; i < kSlots + 1; ++i) CHECK_NOTHROW(sequencer.tick());
  CHECK_THROWS_AS(sequencer.tick(), AssertionFailed);
}
