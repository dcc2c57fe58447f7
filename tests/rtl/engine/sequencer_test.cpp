// SPDX-License-Identifier: Apache-2.0
#include <VSequencer/VSequencer.h>
#include <VSequencerNarrow/VSequencerNarrow.h>
#include <VSequencerOwn/VSequencerOwn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/job.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kRing = 32;  // scale vectors in the ring

// Causes as docs/registers.md orders the counters.
enum Cause : unsigned { kBusy, kOutput, kActivations, kScales, kWeights, kControl };

/// An array and the columns it is used with; the sequencer itself only sees jobs.
struct Array {
  unsigned columns;
  unsigned tokens;
  unsigned slots;
  unsigned rows_per_scale;
  unsigned result_groups;  // of a row tile and token
  unsigned result_depth;   // groups in the result buffer
};

template <class Model>
void set_idle(Model& sequencer) {
  sequencer.job_valid_i = 0;
  sequencer.word_valid_i = 0;
  sequencer.table_valid_i = 0;
  sequencer.vectors_loaded_i = 0;
  sequencer.result_taken_i = 0;
}

struct Pass {
  std::size_t job = 0;
  std::size_t table = 0;  // which table of the whole run it reads
  bool frees = false;     // nothing reads the table after it
  std::size_t word = 0;   // which plane word of the whole run it reads
  bool takes = false;     // nothing reads the word after it
  bool first = false;
  bool last = false;
  std::size_t vector = 0;  // of the whole run, offsets if there are any
  bool offset = false;
  unsigned release = 0;  // vectors, oldest first
  bool tile_first = false;
  bool tile_last = false;
  bool job_last = false;

  /// Vectors of the whole run that must have come in.
  [[nodiscard]] std::size_t vectors() const { return vector + (offset ? 2 : 1); }
};

/// The scale vectors of one row tile in the order of the image, by what they are for.
struct TileVectors {
  std::size_t count = 0;
  // [block][round][group of the block]: the first vector of that sum.
  std::vector<std::vector<std::vector<std::size_t>>> first;
};

TileVectors tile_vectors(const EngineJob& job) {
  TileVectors tile;
  for (unsigned block = 0; block < job.blocks; ++block) {
    const unsigned passes = block + 1 == job.blocks ? job.last_span : job.span;
    const unsigned groups = job.shared_word ? passes : 1;
    tile.first.emplace_back();
    for (unsigned round = 0; round < job.rounds; ++round) {
      tile.first.back().emplace_back();
      for (unsigned group = 0; group < groups; ++group) {
        std::size_t vector = 0;
        if (job.codebook) {
          vector = round;  // one centroid per code, for the whole tile
        } else if (job.per_row) {
          vector = round == 0 ? 0 : round + (job.has_offset ? 1 : 0);
        } else {
          vector = tile.count;
          tile.count += round == 0 && job.has_offset ? 2 : 1;
        }
        tile.first.back().back().push_back(vector);
      }
    }
  }
  if (job.codebook) tile.count = job.rounds;
  if (job.per_row && !job.codebook) tile.count = job.rounds + (job.has_offset ? 1U : 0U);
  return tile;
}

/// All passes in plain loops: row tile, block, round, span.
std::vector<Pass> passes_of(const std::vector<EngineJob>& jobs) {
  std::vector<Pass> passes;
  std::size_t tables = 0;
  std::size_t words = 0;
  std::size_t vectors = 0;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const EngineJob& job = jobs[j];
    const TileVectors scales = tile_vectors(job);
    const std::size_t job_begin = passes.size();
    const std::size_t vectors_begin = vectors;
    for (unsigned tile = 0; tile < job.tiles; ++tile) {
      for (unsigned block = 0; block < job.blocks; ++block) {
        const unsigned span = block + 1 == job.blocks ? job.last_span : job.span;
        for (unsigned round = 0; round < job.rounds; ++round) {
          for (unsigned s = 0; s < span; ++s) {
            Pass pass;
            pass.job = j;
            pass.table = tables + s;
            pass.frees = round + 1 == job.rounds;
            pass.word = words;
            pass.takes = !job.shared_word || s + 1 == span;
            if (pass.takes) ++words;
            pass.first = job.shared_word || s == 0;
            pass.last = job.shared_word || s + 1 == span;
            pass.vector = vectors + scales.first[block][round][job.shared_word ? s : 0];
            pass.offset = job.has_offset && round == 0;
            // Within a sum of several passes, of the whole sum.
            pass.tile_first = block == 0 && round == 0 && (!job.shared_word || s == 0);
            pass.tile_last = block + 1 == job.blocks && round + 1 == job.rounds && s + 1 == span;
            pass.job_last = pass.tile_last && tile + 1 == job.tiles;
            passes.push_back(pass);
          }
        }
        tables += span;
      }
      vectors += scales.count;
    }
    // A vector is released by the last sum that uses it, or with all of its row tile's by the
    // tile's last sum; what pads the last pair by the job's last sum.
    const std::size_t used = vectors - vectors_begin;
    vectors += used % 2;
    std::vector<std::size_t> last_use(vectors - vectors_begin, passes.size() - 1);
    const bool whole_tiles = job.codebook || job.per_row;
    for (std::size_t p = job_begin; p < passes.size(); ++p) {
      if (!passes[p].last) continue;
      const std::size_t vector = passes[p].vector - vectors_begin;
      if (!whole_tiles) last_use.at(vector) = p;
      if (!whole_tiles && passes[p].offset) last_use.at(vector + 1) = p;
      if (!whole_tiles || !passes[p].tile_last) continue;
      const std::size_t tile_begin = vector - vector % scales.count;
      for (std::size_t v = 0; v < scales.count; ++v) last_use.at(tile_begin + v) = p;
    }
    REQUIRE(std::is_sorted(last_use.begin(), last_use.end()));
    for (const std::size_t p : last_use) ++passes[p].release;
  }
  return passes;
}

EngineJob random_job(Random& random, const Array& array) {
  constexpr std::array<unsigned, 5> kGroups{0, 32, 64, 128, 256};
  EngineJob job;
  set_columns(job, static_cast<unsigned>(random.between(1, random.chance(70) ? 600 : 1500)),
              kGroups.at(static_cast<std::size_t>(random.between(0, 4))), array.columns);
  job.tiles = static_cast<unsigned>(random.between(1, 4));
  job.codebook = random.chance(40);
  job.bits = static_cast<unsigned>(random.between(1, job.codebook ? 4 : 8));
  job.rounds = job.codebook ? 1U << job.bits : job.bits;
  job.has_offset = !job.codebook && random.chance(50);
  job.binary16 = random.chance(50);
  job.tokens = static_cast<unsigned>(random.between(1, array.tokens));
  job.rounding_exponent = static_cast<int>(random.between(-128, 127));
  return job;
}

std::vector<EngineJob> random_jobs(const Array& array, unsigned count) {
  Random random(121);
  std::vector<EngineJob> jobs;
  for (unsigned i = 0; i < count; ++i) jobs.push_back(random_job(random, array));
  return jobs;
}

struct Pressure {
  unsigned jobs = 100;
  unsigned words = 100;
  unsigned tables = 100;
  unsigned vectors = 100;
  unsigned results = 100;
};

/// bl_pkg::sum_t, from its lowest field.
void require_sum(std::uint64_t sum, const Pass& pass, const EngineJob& job) {
  REQUIRE(get_signed(sum, 0, 8) == job.rounding_exponent);
  REQUIRE(get(sum, 8, 5) == job.tokens);
  REQUIRE(bit(sum, 13) == job.binary16);
  REQUIRE(bit(sum, 14) == job.codebook);
  REQUIRE(bit(sum, 15) == pass.tile_last);
  REQUIRE(bit(sum, 16) == pass.tile_first);
  REQUIRE(get(sum, 17, 6) == pass.release);
  REQUIRE(bit(sum, 23) == pass.offset);
  REQUIRE(get(sum, 24, 5) == pass.vector % kRing);
}

/// Runs jobs against a model of the credits; returns the cycles of each cause.
template <class Model>
std::array<unsigned, 6> run_jobs(const Array& array, const std::vector<EngineJob>& jobs,
                                 const Pressure& percent) {
  Random random(122);
  const std::vector<Pass> passes = passes_of(jobs);
  std::size_t all_vectors = 0;
  for (const Pass& pass : passes) all_vectors += pass.release;

  Bench<Model> sequencer(set_idle<Model>);
  std::array<unsigned, 6> causes{};
  std::size_t accepted = 0;
  std::vector<unsigned> head_from;  // cycle from which job j may head the queue
  unsigned last_pop = 0;
  std::size_t next = 0;
  std::size_t tables = 0;  // written so far
  std::size_t freed = 0;
  std::size_t words = 0;  // taken so far
  std::size_t loaded = 0;
  std::size_t released = 0;
  unsigned multipliers_from = 0;  // cycle from which they are free
  unsigned registers_from = 0;    // cycle from which the result registers are free
  unsigned results = 0;           // groups that have their place in the result buffer
  for (unsigned cycle = 0; cycle < 400000 && next < passes.size(); ++cycle) {
    sequencer->job_valid_i = accepted < jobs.size() && random.chance(percent.jobs);
    if (accepted < jobs.size()) set_job(sequencer->job_i, jobs[accepted]);
    sequencer->word_valid_i = random.chance(percent.words);
    sequencer->table_valid_i = tables - freed < array.slots && random.chance(percent.tables);
    sequencer->vectors_loaded_i =
        loaded < all_vectors && loaded - released + 2 <= kRing && random.chance(percent.vectors);
    sequencer->result_taken_i = results > 0 && random.chance(percent.results);
    sequencer.settle();

    const Pass& pass = passes[next];
    const EngineJob& job = jobs[pass.job];
    const bool has_job = pass.job < accepted && std::max(head_from[pass.job], last_pop) <= cycle;
    const bool has_tables = pass.table < tables;
    const bool has_scales = !pass.last || (pass.vectors() <= loaded && multipliers_from <= cycle);
    const unsigned groups = job.tokens * array.result_groups;
    const bool has_output =
        !pass.tile_last || (registers_from <= cycle && results + groups <= array.result_depth);
    unsigned cause = kBusy;
    if (!has_job) {
      cause = kControl;
    } else if (!has_output) {
      cause = kOutput;
    } else if (!has_tables) {
      cause = kActivations;
    } else if (!has_scales) {
      cause = kScales;
    } else if (!sequencer->word_valid_i) {
      cause = kWeights;
    }
    CAPTURE(cycle, next, pass.job, pass.table, has_job, has_output, has_tables, has_scales);
    REQUIRE(sequencer->cause_o == cause);
    const bool busy = cause == kBusy;
    REQUIRE(sequencer->pass_valid_o == busy);
    REQUIRE(sequencer->word_ready_o == (busy && pass.takes));
    REQUIRE(sequencer->slot_free_o == (busy && pass.frees));
    if (busy) {
      REQUIRE(words == pass.word);
      REQUIRE(sequencer->pass_tokens_o == (1U << job.tokens) - 1U);
      REQUIRE(sequencer->pass_slot_o == pass.table % array.slots);
      REQUIRE(sequencer->pass_first_o == pass.first);
      REQUIRE(sequencer->pass_last_o == pass.last);
      if (pass.last) require_sum(sequencer->sum_o, pass, job);
    }
    ++causes.at(cause);

    if (sequencer->job_valid_i && sequencer->job_ready_o) {
      head_from.push_back(cycle + 2);
      ++accepted;
    }
    tables += sequencer->table_valid_i;
    loaded += 2U * sequencer->vectors_loaded_i;
    results -= sequencer->result_taken_i;
    if (busy) {
      freed += pass.frees;
      words += pass.takes;
      released += pass.release;
      if (pass.last) multipliers_from = cycle + array.rows_per_scale;
      if (pass.tile_last) {
        registers_from = cycle + groups;
        results += groups;
      }
      if (pass.job_last) last_pop = cycle + 1;
      ++next;
    }
    sequencer.tick();
  }
  CHECK(next == passes.size());
  CHECK(causes[kBusy] == passes.size());
  CHECK(released == all_vectors);
  return causes;
}

constexpr Array kArray{.columns = 128,
                       .tokens = 4,
                       .slots = 8,
                       .rows_per_scale = 2,
                       .result_groups = 4,
                       .result_depth = 32};
constexpr Array kOwn{.columns = 64,
                     .tokens = 1,
                     .slots = 8,
                     .rows_per_scale = 1,
                     .result_groups = 2,
                     .result_depth = 4};
constexpr Array kNarrow{.columns = 8,
                        .tokens = 16,
                        .slots = 32,
                        .rows_per_scale = 4,
                        .result_groups = 1,
                        .result_depth = 32};

constexpr Pressure kScarce{.jobs = 2, .words = 80, .tables = 20, .vectors = 12, .results = 10};

/// Every cause has cycles of its own, and enough of them.
void check_all_causes(const std::array<unsigned, 6>& causes) {
  for (const unsigned cause : {kBusy, kOutput, kActivations, kScales, kWeights, kControl}) {
    CAPTURE(cause);
    CHECK(causes.at(cause) > 50);
  }
}

}  // namespace

TEST_CASE("Passes go row tile, block, round, span, one per cycle, also across jobs of all modes") {
  std::vector<EngineJob> jobs = random_jobs(kOwn, 60);
  // With two passes the results of a tile have left when the next one ends.
  std::erase_if(jobs, [](const EngineJob& job) { return job.blocks * job.rounds < 2; });
  REQUIRE(jobs.size() > 40);
  const auto causes = run_jobs<VSequencerOwn>(kOwn, jobs, {});
  // Two cycles until the first job heads the queue; tables and scales come from the first cycle on.
  CHECK(causes[kControl] == 2);
  CHECK(causes[kOutput] == 0);
  CHECK(causes[kActivations] == 0);
  CHECK(causes[kScales] == 0);
  CHECK(causes[kWeights] == 0);
}

TEST_CASE(
    "Rows that share a multiplier space the sums of short passes, and cost long ones nothing") {
  EngineJob job;
  job.tiles = 10;
  job.bits = job.rounds = 4;
  set_columns(job, 1024, 128, 8);  // 16 passes per sum, 4 cycles per sum
  CHECK(run_jobs<VSequencerNarrow>(kNarrow, {job}, {})[kScales] == 0);

  set_columns(job, 1024, 128, 128);  // one pass per sum, two cycles per sum: 320 sums
  CHECK(run_jobs<VSequencer>(kArray, {job}, {})[kScales] == 10 * 8 * 4 - 1);
}

TEST_CASE("Every cycle without a pass has the cause that the order of priority gives it") {
  SECTION("groups below and at the width of the array, two rows per multiplier") {
    check_all_causes(run_jobs<VSequencer>(kArray, random_jobs(kArray, 150), kScarce));
  }
  SECTION("groups below and above the width of the array") {
    check_all_causes(run_jobs<VSequencerOwn>(kOwn, random_jobs(kOwn, 60), kScarce));
  }
  SECTION("groups of up to 32 passes, four rows per multiplier") {
    // Sums take long here, so that scales are scarce only if they come rarely.
    Pressure scarce = kScarce;
    scarce.vectors = 2;
    check_all_causes(run_jobs<VSequencerNarrow>(kNarrow, random_jobs(kNarrow, 60), scarce));
  }
  SECTION("jobs of one pass, far apart: there is no next job while their results leave") {
    const auto causes =
        run_jobs<VSequencerOwn>(kOwn, std::vector<EngineJob>(100), {.jobs = 5, .results = 10});
    CHECK(causes[kControl] > 500);
    CHECK(causes[kOutput] > 50);
  }
}

TEST_CASE("Each scarce thing stalls the array under its own name") {
  const std::vector<EngineJob> jobs = random_jobs(kOwn, 40);
  const auto run = [&](const Pressure& percent) {
    return run_jobs<VSequencerOwn>(kOwn, jobs, percent);
  };
  CHECK(run({.words = 20})[kWeights] > 5000);
  CHECK(run({.tables = 10})[kActivations] > 1000);
  CHECK(run({.vectors = 10})[kScales] > 1000);
  CHECK(run({.results = 2})[kOutput] > 500);
  CHECK(run({.jobs = 1})[kControl] > 300);
}

TEST_CASE("Scale vectors of a codebook or of whole rows come in once per row tile") {
  // 3 tiles of 2^4 centroids, then of an offset and 8 scales, an odd number: 48 + 28 vectors.
  EngineJob codebook;
  codebook.tiles = 3;
  codebook.codebook = true;
  codebook.bits = 4;
  codebook.rounds = 16;
  set_columns(codebook, 1000, 64, 64);
  EngineJob rows;
  rows.tiles = 3;
  rows.bits = rows.rounds = 8;
  rows.has_offset = true;
  set_columns(rows, 1000, 0, 64);
  std::size_t released = 0;
  for (const Pass& pass : passes_of({codebook, rows})) released += pass.release;
  REQUIRE(released == 48 + 28);  // the vectors that the run below supplies
  run_jobs<VSequencerOwn>(kOwn, {codebook, rows}, kScarce);
}

TEST_CASE("More tables than slots fail an assertion") {
  Bench<VSequencer> sequencer(set_idle<VSequencer>);
  sequencer->table_valid_i = 1;
  for (unsigned i = 0; i < kArray.slots + 1; ++i) CHECK_NOTHROW(sequencer.tick());
  CHECK_THROWS_AS(sequencer.tick(), AssertionFailed);
}

TEST_CASE("A result that leaves a buffer in which there is none fails an assertion") {
  Bench<VSequencer> sequencer(set_idle<VSequencer>);
  sequencer->result_taken_i = 1;
  CHECK_NOTHROW(sequencer.tick());
  CHECK_THROWS_AS(sequencer.tick(), AssertionFailed);
}

TEST_CASE("Row tiles of one pass follow each other as fast as their results can be read") {
  // 2 groups of results a row tile: every other cycle, whatever else is there.
  EngineJob job;
  job.tiles = 100;
  const auto causes = run_jobs<VSequencerOwn>(kOwn, {job}, {});
  CHECK(causes[kBusy] == 100);
  CHECK(causes[kOutput] == 99);
}

TEST_CASE("More scale vectors than the ring holds fail an assertion") {
  Bench<VSequencer> sequencer(set_idle<VSequencer>);
  sequencer->vectors_loaded_i = 1;
  for (unsigned i = 0; i < kRing / 2 + 1; ++i) CHECK_NOTHROW(sequencer.tick());
  CHECK_THROWS_AS(sequencer.tick(), AssertionFailed);
}

TEST_CASE("A job of more passes than slots, or of no or too many tokens, fails an assertion") {
  const auto check = [](const EngineJob& job, bool legal) {
    Bench<VSequencer> sequencer(set_idle<VSequencer>);
    sequencer->job_valid_i = 1;
    set_job(sequencer->job_i, job);
    if (legal) CHECK_NOTHROW(sequencer.tick());
    if (!legal) CHECK_THROWS_AS(sequencer.tick(), AssertionFailed);
  };
  check({.span = 8, .last_span = 8, .tokens = 4}, true);
  check({.span = 9, .last_span = 9, .tokens = 4}, false);
  check({.tokens = 5}, false);
  check({.tokens = 0}, false);
}
