// SPDX-License-Identifier: Apache-2.0
#include <VFeed128/VFeed128.h>
#include <VFeed32/VFeed32.h>
#include <VFeed64/VFeed64.h>
#include <VFeed8/VFeed8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/job.hpp"
#include "tests/rtl/support/random.hpp"
#include "tests/rtl/support/tables.hpp"

namespace {

using namespace bitloom::rtl;

struct Array {
  TableShape table;
  unsigned depth;  // slices in the ring: MaxK / Columns
  unsigned tokens;
  unsigned slots;

  /// Groups of 32 columns, the smallest ones, that a slice has data of.
  [[nodiscard]] unsigned segments() const { return std::max(1U, table.columns / 32); }
  [[nodiscard]] unsigned sum_bits() const { return table.mantissa_bits + 8; }
  [[nodiscard]] unsigned data_bits() const { return sum_bits() + 11; }
};

template <class Model>
void set_idle(Model& feed) {
  feed.job_valid_i = 0;
  feed.block_written_i = 0;
  feed.slot_free_i = 0;
}

/// What the activation buffer keeps of one token's slice.
struct Slice {
  std::vector<std::int64_t> mantissas;
  std::vector<unsigned> exponents;  // per group of the slice
  std::vector<std::uint64_t> sums;
  unsigned token_exponent = 0;
  bool nan = false;
};

Slice random_slice(Random& random, const Array& array) {
  Slice slice;
  slice.mantissas = random_mantissas(random, array.table.columns, array.table.mantissa_bits);
  for (unsigned s = 0; s < array.segments(); ++s) {
    slice.exponents.push_back(static_cast<unsigned>(random.bits(5)));
    slice.sums.push_back(random.bits(array.sum_bits()));
  }
  slice.token_exponent = static_cast<unsigned>(random.bits(5));
  slice.nan = random.chance(30);
  return slice;
}

/// The buffer's answer to a read: slice by slice for the tokens that were read, which keep it.
template <class Model>
void show_slice(Model& feed, const Array& array, unsigned token, const Slice& slice) {
  const TableShape& table = array.table;
  for (unsigned c = 0; c < table.columns; ++c) {
    set(feed.mantissas_i, (token * table.columns + c) * table.mantissa_bits, table.mantissa_bits,
        slice.mantissas[c]);
  }
  for (unsigned s = 0; s < array.segments(); ++s) {
    const unsigned entry = token * array.segments() + s;
    set(feed.exponents_i, entry * 5, 5, slice.exponents[s]);
    set(feed.sums_i, entry * array.sum_bits(), array.sum_bits(), slice.sums[s]);
  }
  set(feed.token_exponents_i, token * 5, 5, slice.token_exponent);
  set(feed.nans_i, token, 1, slice.nan ? 1 : 0);
}

struct Step {
  std::size_t job;
  std::size_t block;    // blocks of the whole run up to this one
  bool first_tile;      // reads what has just been written
  unsigned slice;       // place in the ring
  unsigned group;       // of the slice
  unsigned begin, end;  // columns of the group
  bool ends_sum;
  bool release;
  bool job_last;
};

/// The walk in plain loops: row tile, block, span; jobs follow each other in the ring.
std::vector<Step> walk(const std::vector<EngineJob>& jobs, const Array& array) {
  std::vector<Step> steps;
  std::size_t blocks = 0;
  unsigned base = 0;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const EngineJob& job = jobs[j];
    for (unsigned tile = 0; tile < job.tiles; ++tile) {
      const bool last_tile = tile + 1 == job.tiles;
      for (unsigned block = 0; block < job.blocks; ++block) {
        const unsigned span = block + 1 == job.blocks ? job.last_span : job.span;
        for (unsigned s = 0; s < span; ++s) {
          Step step{};
          step.job = j;
          step.block = blocks + block;
          step.first_tile = tile == 0;
          step.slice = (base + block * job.slices() + (job.shared_word ? 0 : s)) % array.depth;
          step.group = job.shared_word ? s : 0;
          const unsigned group = 32U << job.group_log2;
          step.begin = job.shared_word ? s * group : 0;
          step.end = job.shared_word ? (s + 1) * group : array.table.columns;
          step.ends_sum = job.shared_word || s + 1 == span;
          step.release = last_tile && (!job.shared_word || s + 1 == span);
          step.job_last = last_tile && block + 1 == job.blocks && s + 1 == span;
          steps.push_back(step);
        }
      }
    }
    blocks += job.blocks;
    base = (base + job.blocks * job.slices()) % array.depth;
  }
  return steps;
}

std::vector<EngineJob> random_jobs(const Array& array, unsigned count) {
  constexpr std::array<unsigned, 5> kGroups{0, 32, 64, 128, 256};
  Random random(41);
  std::vector<EngineJob> jobs;
  while (jobs.size() < count) {
    EngineJob job;
    const auto max_k = std::int64_t{array.depth} * array.table.columns;
    set_columns(job, static_cast<unsigned>(random.between(1, max_k)),
                kGroups.at(static_cast<std::size_t>(random.between(0, 4))), array.table.columns);
    if (job.blocks * job.slices() > array.depth) continue;  // K is padded to whole groups
    job.tiles = static_cast<unsigned>(random.between(1, 4));
    job.tokens = static_cast<unsigned>(random.between(1, array.tokens));
    jobs.push_back(job);
  }
  return jobs;
}

struct Pressure {
  unsigned jobs = 100;
  unsigned blocks = 100;
  unsigned slots = 100;
};

/// Every cycle's reads against a model of the credits, every table and its data three cycles later.
/// Returns the cycles from the first read to the last.
template <class Model>
unsigned run_jobs(const Array& array, const std::vector<EngineJob>& jobs, const Pressure& percent) {
  const TableShape& shape = array.table;
  const std::vector<Step> steps = walk(jobs, array);
  Random random(42);
  std::vector<std::vector<Slice>> buffer;  // by token and place
  for (unsigned t = 0; t < array.tokens; ++t) {
    buffer.emplace_back();
    for (unsigned s = 0; s < array.depth; ++s) buffer[t].push_back(random_slice(random, array));
  }

  Bench<Model> feed(set_idle<Model>);
  for (unsigned t = 0; t < array.tokens; ++t) show_slice(*feed, array, t, buffer[t][0]);
  std::size_t accepted = 0;
  std::vector<unsigned> head_from;  // cycle from which job j may head the queue
  unsigned last_pop = 0;
  std::deque<unsigned> unwritten;  // slices of each block still to be written
  std::size_t written = 0;         // blocks
  unsigned ring_free = array.depth;
  std::size_t read = 0;
  std::size_t tables = 0;
  std::size_t freed = 0;
  std::deque<std::pair<unsigned, std::size_t>> due;  // cycle and step of tables to come
  unsigned first_read = 0;
  for (unsigned cycle = 0; cycle < 100000 && tables < steps.size(); ++cycle) {
    feed->job_valid_i = accepted < jobs.size() && random.chance(percent.jobs);
    if (accepted < jobs.size()) set_job(feed->job_i, jobs[accepted]);
    feed->block_written_i =
        !unwritten.empty() && unwritten.front() <= ring_free && random.chance(percent.blocks);
    feed->slot_free_i = freed < tables && random.chance(percent.slots);
    feed.settle();

    CAPTURE(cycle, read, tables);
    bool reads = read < steps.size() && read - freed < array.slots;
    if (reads) {
      const Step& step = steps[read];
      reads = step.job < accepted && std::max(head_from[step.job], last_pop) <= cycle &&
              (!step.first_tile || step.block < written);
    }
    REQUIRE(feed->read_o == reads);
    REQUIRE(feed->release_o == (reads && steps[read].release));

    const bool has_table = !due.empty() && due.front().first == cycle;
    if (!has_table) {
      REQUIRE(feed->table_valid_o == 0);
    } else {
      const Step& step = steps[due.front().second];
      const unsigned tokens = jobs[step.job].tokens;
      REQUIRE(feed->table_valid_o == (1U << tokens) - 1U);
      REQUIRE(feed->table_slot_o == tables % array.slots);
      for (unsigned t = 0; t < tokens; ++t) {
        const Slice& slice = buffer[t][step.slice];
        std::vector<std::int64_t> mantissas = slice.mantissas;
        for (unsigned c = 0; c < shape.columns; ++c) {
          if (c < step.begin || c >= step.end) mantissas[c] = 0;
        }
        CAPTURE(t, step.slice, step.group);
        for (unsigned i = 0; i < shape.tables(); ++i) {
          for (unsigned j = 0; j < shape.half_entries(); ++j) {
            const unsigned place = t * shape.bits() + shape.place(i, j);
            if (get_signed(feed->table_entries_o, place, shape.entry_bits()) !=
                shape.entry(mantissas, i, j)) {
              CAPTURE(i, j);
              FAIL("a wrong entry");
            }
          }
        }
        const unsigned data = t * array.data_bits();
        if (step.ends_sum) {
          REQUIRE(get(feed->table_data_o, data, array.sum_bits()) == slice.sums[step.group]);
          REQUIRE(get(feed->table_data_o, data + array.sum_bits(), 5) ==
                  slice.exponents[step.group]);
          REQUIRE(get(feed->table_data_o, data + array.sum_bits() + 5, 5) == slice.token_exponent);
          REQUIRE(get(feed->table_data_o, data + array.sum_bits() + 10, 1) == slice.nan);
        }
      }
      due.pop_front();
      ++tables;
    }

    if (feed->job_valid_i && feed->job_ready_o) {
      const EngineJob& job = jobs[accepted];
      head_from.push_back(cycle + 2);
      for (unsigned block = 0; block < job.blocks; ++block) unwritten.push_back(job.slices());
      ++accepted;
    }
    if (feed->block_written_i) {
      ring_free -= unwritten.front();
      unwritten.pop_front();
      ++written;
    }
    freed += feed->slot_free_i;
    if (!reads) {
      feed.tick();
      continue;
    }
    const Step& step = steps[read];
    const unsigned tokens = jobs[step.job].tokens;
    REQUIRE(feed->read_slice_o == step.slice);
    REQUIRE(feed->read_tokens_o == (1U << tokens) - 1U);
    due.emplace_back(cycle + 3, read);
    if (read == 0) first_read = cycle;
    if (step.release) ++ring_free;
    if (step.job_last) last_pop = cycle + 1;
    ++read;
    feed.tick();
    for (unsigned t = 0; t < tokens; ++t) show_slice(*feed, array, t, buffer[t][step.slice]);
    if (read == steps.size()) last_pop = cycle;
  }
  CHECK(read == steps.size());
  CHECK(tables == steps.size());
  return last_pop - first_read + 1;
}

constexpr Array kColumns8{
    .table = {.columns = 8, .mu = 3, .mantissa_bits = 8}, .depth = 64, .tokens = 3, .slots = 32};
constexpr Array kColumns32{
    .table = {.columns = 32, .mu = 2, .mantissa_bits = 8}, .depth = 12, .tokens = 2, .slots = 8};
constexpr Array kColumns64{
    .table = {.columns = 64, .mu = 1, .mantissa_bits = 16}, .depth = 16, .tokens = 1, .slots = 8};
constexpr Array kColumns128{
    .table = {.columns = 128, .mu = 4, .mantissa_bits = 8}, .depth = 10, .tokens = 4, .slots = 8};

constexpr Pressure kScarce{.jobs = 10, .blocks = 30, .slots = 60};

/// A job of eight blocks of one slice.
EngineJob eight_blocks(unsigned tiles) {
  EngineJob job;
  set_columns(job, 8 * 32, 32, 32);
  job.tiles = tiles;
  return job;
}

}  // namespace

TEST_CASE("New tables come four cycles after a slot became free") {
  Bench<VFeed32> feed(set_idle<VFeed32>);
  feed->job_valid_i = 1;
  set_job(feed->job_i, eight_blocks(3));
  feed.tick();
  feed->job_valid_i = 0;
  feed->block_written_i = 1;
  for (unsigned block = 0; block < 8; ++block) feed.tick();
  feed->block_written_i = 0;
  for (unsigned i = 0; i < 20; ++i) feed.tick();
  REQUIRE(feed->read_o == 0);  // the eight slots hold tables
  feed->slot_free_i = 1;
  feed.tick();  // the slot is free from here
  feed->slot_free_i = 0;
  for (unsigned cycle = 1; cycle <= 5; ++cycle) {
    feed.settle();
    CHECK(feed->table_valid_o == (cycle == 4));
    feed.tick();
  }
}

TEST_CASE("The first row tile waits for each block to be written; later ones read at once") {
  Bench<VFeed8> feed(set_idle<VFeed8>);
  EngineJob job;
  set_columns(job, 64, 32, 8);  // two blocks of four slices
  job.tiles = 2;
  feed->job_valid_i = 1;
  set_job(feed->job_i, job);
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
  feed->block_written_i = 1;
  run(1);
  feed->block_written_i = 0;
  run(10);
  CHECK(reads == 4);
  feed->block_written_i = 1;
  run(1);
  feed->block_written_i = 0;
  run(20);
  CHECK(reads == 16);
}

TEST_CASE("Tables and group data of every pass come in the order row tile, block, span") {
  SECTION("blocks of up to 32 slices") {
    run_jobs<VFeed8>(kColumns8, random_jobs(kColumns8, 25), kScarce);
  }
  SECTION("slices of one group, and a ring that is no power of two") {
    run_jobs<VFeed32>(kColumns32, random_jobs(kColumns32, 40), kScarce);
  }
  SECTION("slices of one or two groups") {
    run_jobs<VFeed64>(kColumns64, random_jobs(kColumns64, 40), kScarce);
  }
  SECTION("slices of up to four groups") {
    run_jobs<VFeed128>(kColumns128, random_jobs(kColumns128, 60), kScarce);
  }
}

TEST_CASE("One slot is filled per cycle, also across row tiles and jobs") {
  // The second job's blocks are written while the first one's are read again.
  EngineJob job;
  set_columns(job, 4 * 32, 32, 32);
  job.tiles = 2;
  const unsigned cycles = run_jobs<VFeed32>(kColumns32, {job, job, job, job}, {});
  CHECK(cycles == 4 * 8);
}

TEST_CASE("A job of more slices than the buffer holds fails an assertion") {
  const auto check = [](unsigned k, unsigned group, bool legal) {
    Bench<VFeed128> feed(set_idle<VFeed128>);
    EngineJob job;
    set_columns(job, k, group, 128);
    feed->job_valid_i = 1;
    set_job(feed->job_i, job);
    if (legal) CHECK_NOTHROW(feed.tick());
    if (!legal) CHECK_THROWS_AS(feed.tick(), AssertionFailed);
  };
  check(1280, 256, true);
  check(1281, 256, false);
  check(1280, 32, true);
  check(1281, 32, false);
}
