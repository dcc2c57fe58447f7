// SPDX-License-Identifier: Apache-2.0
#include <VReadStream/VReadStream.h>

#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kBeatBytes = 8;
constexpr unsigned kBurstBeats = 4;
constexpr unsigned kDepth = 16;

void set_idle(VReadStream& stream) {
  stream.job_valid_i = 0;
  stream.request_ready_i = 0;
  stream.beat_valid_i = 0;
  stream.beat_last_i = 0;
  stream.beat_error_i = 0;
  stream.ready_i = 0;
}

struct Job {
  std::uint64_t address;
  unsigned run_beats;
  unsigned stride_beats;
  unsigned runs;
};

struct Burst {
  std::uint64_t address;
  unsigned beats;
};

/// Every burst of a job: runs cut at multiples of a whole burst.
std::vector<Burst> bursts_of(const Job& job) {
  std::vector<Burst> bursts;
  for (unsigned run = 0; run < job.runs; ++run) {
    const std::uint64_t start = job.address + std::uint64_t{run} * job.stride_beats * kBeatBytes;
    for (unsigned beat = 0; beat < job.run_beats; ++beat) {
      const std::uint64_t address = start + std::uint64_t{beat} * kBeatBytes;
      if (beat == 0 || address % (kBurstBeats * kBeatBytes) == 0) bursts.push_back({address, 0});
      ++bursts.back().beats;
    }
  }
  return bursts;
}

void offer(VReadStream& stream, const Job& job) {
  stream.job_valid_i = 1;
  stream.job_address_i = job.address;
  stream.job_run_beats_i = job.run_beats;
  stream.job_stride_beats_i = job.stride_beats;
  stream.job_runs_i = job.runs;
}

/// Ready to ask for the first burst of `job`.
void start(Bench<VReadStream>& stream, const Job& job) {
  offer(*stream, job);
  stream.tick();
  stream->job_valid_i = 0;
  while (!stream->request_valid_o) {
    REQUIRE(stream.cycle() < 20);
    stream.tick();
  }
}

}  // namespace

TEST_CASE("Runs and strides become whole bursts within 4 KiB, and their data comes in order") {
  Bench<VReadStream> stream(set_idle);
  Random random(101);
  std::deque<Burst> expected_bursts;
  std::deque<std::uint64_t> expected_beats;
  std::deque<Burst> in_memory;
  std::deque<Burst> on_the_way;  // a beat returns two cycles after its request at the earliest
  std::uint64_t last_error_check = 0;
  unsigned reserved = 0;  // beats asked for and not yet consumed
  unsigned consumed = 0;
  unsigned page_ends = 0;
  for (unsigned cycle = 0; cycle < 60000; ++cycle) {
    if (!stream->job_valid_i && random.chance(40)) {
      Job job{};
      const bool contiguous = random.chance(40);
      // Often just below the end of a page.
      job.address = static_cast<std::uint64_t>(random.between(1, 1000)) * 4096 -
                    static_cast<std::uint64_t>(random.between(0, 9)) * kBeatBytes;
      job.runs = contiguous ? 1 : static_cast<unsigned>(random.between(1, 4));
      job.run_beats = static_cast<unsigned>(random.between(1, contiguous ? 40 : 9));
      job.stride_beats = job.run_beats + static_cast<unsigned>(random.between(0, 9));
      offer(*stream, job);
    }
    stream->request_ready_i = random.chance(70);
    stream->ready_i = random.chance((cycle / 500) % 2 == 0 ? 90 : 25);
    stream->beat_valid_i = !in_memory.empty() && random.chance(80);
    if (stream->beat_valid_i) {
      stream->beat_data_i = in_memory.front().address;
      stream->beat_last_i = in_memory.front().beats == 1;
      stream->beat_error_i = random.chance(10);
    }
    stream.settle();
    if (stream->job_valid_i && stream->job_ready_o) {
      const Job job{stream->job_address_i, stream->job_run_beats_i, stream->job_stride_beats_i,
                    stream->job_runs_i};
      for (const Burst& burst : bursts_of(job)) {
        expected_bursts.push_back(burst);
        for (unsigned b = 0; b < burst.beats; ++b) {
          expected_beats.push_back(burst.address + b * kBeatBytes);
        }
      }
    }
    REQUIRE(stream->error_o == (stream->beat_valid_i && stream->beat_error_i));
    if (stream->error_o) {
      // The first byte of the burst: a burst lies within one block.
      const std::uint64_t block = in_memory.front().address / (kBurstBeats * kBeatBytes);
      REQUIRE(stream->error_address_o / (kBurstBeats * kBeatBytes) == block);
      REQUIRE(stream->error_address_o <= in_memory.front().address);
      last_error_check = stream->error_address_o;
    }
    if (stream->request_valid_o && stream->request_ready_i) {
      REQUIRE(!expected_bursts.empty());
      const Burst burst{stream->request_address_o, stream->request_len_o + 1U};
      REQUIRE(burst.address == expected_bursts.front().address);
      REQUIRE(burst.beats == expected_bursts.front().beats);
      REQUIRE(burst.address / 4096 == (burst.address + burst.beats * kBeatBytes - 1) / 4096);
      page_ends += (burst.address + burst.beats * kBeatBytes) % 4096 == 0;
      expected_bursts.pop_front();
      reserved += burst.beats;
      REQUIRE(reserved <= kDepth);
      on_the_way.push_back(burst);
    }
    if (stream->valid_o && stream->ready_i) {
      REQUIRE(!expected_beats.empty());
      REQUIRE(stream->data_o == expected_beats.front());
      expected_beats.pop_front();
      --reserved;
      ++consumed;
    }
    const bool beat_sent = stream->beat_valid_i;
    const std::size_t arriving =
        on_the_way.size() - (stream->request_valid_o && stream->request_ready_i);
    const bool job_taken = stream->job_valid_i && stream->job_ready_o;
    stream.tick();
    if (job_taken) stream->job_valid_i = 0;
    if (beat_sent) {
      in_memory.front().address += kBeatBytes;
      if (--in_memory.front().beats == 0) in_memory.pop_front();
    }
    for (std::size_t i = 0; i < arriving; ++i) {
      in_memory.push_back(on_the_way.front());
      on_the_way.pop_front();
    }
  }
  CHECK(consumed > 10000);
  CHECK(page_ends > 100);
  CHECK(last_error_check != 0);
}

TEST_CASE("An error names the first byte of its burst") {
  Bench<VReadStream> stream(set_idle);
  start(stream, {.address = 0x1008, .run_beats = 5, .stride_beats = 0, .runs = 1});
  stream->request_ready_i = 1;
  stream.tick();  // 0x1008: three beats to the end of the block
  stream.tick();  // 0x1020: two beats
  stream.tick();
  for (unsigned beat = 0; beat < 5; ++beat) {
    stream->beat_valid_i = 1;
    stream->beat_last_i = beat == 2 || beat == 4;
    stream->beat_error_i = beat == 1 || beat == 4;
    stream.settle();
    CHECK(stream->error_o == (beat == 1 || beat == 4));
    if (stream->error_o) CHECK(stream->error_address_o == (beat == 1 ? 0x1008U : 0x1020U));
    stream.tick();
  }
}

TEST_CASE("A stream asks for one burst per cycle until its buffer is spoken for, then waits") {
  Bench<VReadStream> stream(set_idle);
  start(stream, {.address = 0x4000, .run_beats = 64, .stride_beats = 0, .runs = 1});
  stream->request_ready_i = 1;
  for (unsigned burst = 0; burst < kDepth / kBurstBeats; ++burst) {
    stream.settle();
    CHECK(stream->request_valid_o == 1);
    CHECK(stream->request_address_o == 0x4000 + burst * kBurstBeats * kBeatBytes);
    stream.tick();
  }
  for (unsigned i = 0; i < 20; ++i) {
    CHECK(stream->request_valid_o == 0);
    stream.tick();
  }
}

TEST_CASE(
    "A returned beat is at the stream's head after two cycles, and one beat passes per cycle") {
  Bench<VReadStream> stream(set_idle);
  start(stream, {.address = 0, .run_beats = 200, .stride_beats = 0, .runs = 1});
  stream->request_ready_i = 1;
  stream->ready_i = 1;
  unsigned in_memory = 0;
  unsigned on_the_way = 0;
  unsigned sent = 0;
  unsigned consumed = 0;
  unsigned first_sent = 0;
  while (consumed < 200) {
    REQUIRE(stream.cycle() < 400);
    stream->beat_valid_i = in_memory > 0;
    stream->beat_data_i = sent;
    stream->beat_last_i = sent % kBurstBeats == kBurstBeats - 1;
    stream.settle();
    if (stream->beat_valid_i && sent == 0) first_sent = stream.cycle();
    if (stream->valid_o) {
      REQUIRE(stream->data_o == consumed);
      REQUIRE(stream.cycle() == first_sent + 2 + consumed);
      ++consumed;
    }
    if (stream->beat_valid_i) {
      --in_memory;
      ++sent;
    }
    in_memory += on_the_way;
    on_the_way = stream->request_valid_o ? stream->request_len_o + 1U : 0;
    stream.tick();
  }
}

TEST_CASE("A beat that was not asked for, or has no room, fails an assertion") {
  Bench<VReadStream> stream(set_idle);
  start(stream, {.address = 0, .run_beats = 4, .stride_beats = 0, .runs = 1});
  stream->beat_valid_i = 1;
  CHECK_THROWS_AS(stream.tick(), AssertionFailed);
  stream->beat_valid_i = 0;
  stream.reset();
  start(stream, {.address = 0, .run_beats = 4, .stride_beats = 0, .runs = 1});
  stream->request_ready_i = 1;
  for (unsigned i = 0; i < 4; ++i) stream.tick();
  stream->beat_valid_i = 1;  // a burst that never ends
  for (unsigned i = 0; i < kDepth + 1; ++i) CHECK_NOTHROW(stream.tick());
  CHECK_THROWS_AS(stream.tick(), AssertionFailed);
}
