// SPDX-License-Identifier: Apache-2.0
#include <VReadStream1/VReadStream1.h>
#include <VReadStream16/VReadStream16.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/dma/reads.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

template <class M, unsigned Channels, unsigned BurstBeats, unsigned Depth, unsigned JobQueue>
struct Stream {
  using Model = M;
  static constexpr unsigned kChannels = Channels;
  static constexpr unsigned kBurstBeats = BurstBeats;
  static constexpr unsigned kDepth = Depth;
  static constexpr unsigned kJobQueue = JobQueue;
  static constexpr std::uint64_t kAll = (std::uint64_t{1} << Channels) - 1;

  static void set_idle(Model& stream) {
    stream.job_valid_i = 0;
    stream.request_ready_i = 0;
    stream.beat_valid_i = 0;
    stream.beat_error_i = 0;
    stream.ready_i = 0;
  }
};
using Stream1 = Stream<VReadStream1, 1, 4, 16, 2>;
using Stream16 = Stream<VReadStream16, 16, 4, 16, 2>;

template <class Model>
void offer(Bench<Model>& stream, const ReadJob& job) {
  stream->job_valid_i = 1;
  set_job(stream->job_i, job);
  stream.settle();
  REQUIRE(stream->job_ready_o == 1);
  stream.tick();
  stream->job_valid_i = 0;
}

/// The memory behind the channels. Beats come in order on each channel, at times of its own.
template <class S>
class Memory {
 public:
  /// Lines that the jobs ask for, in order, each with its expected errors.
  std::deque<Line> lines;

  /// Takes this cycle's request: channel c's first beat comes `delays[c]` cycles later.
  void request(const typename S::Model& stream, unsigned cycle,
               const std::array<unsigned, S::kChannels>& delays) {
    for (unsigned c = 0; c < S::kChannels; ++c) {
      for (unsigned beat = 0; beat <= stream.request_len_o; ++beat) {
        const std::uint64_t base = std::uint64_t{c} * stream.request_stripe_o * kPage;
        beats_.at(c).push_back({stream.request_address_o + base + std::uint64_t{beat} * kBeatBytes,
                                cycle + delays.at(c)});
      }
    }
  }

  [[nodiscard]] bool has_beat(unsigned channel, unsigned cycle) const {
    return !beats_.at(channel).empty() && beats_.at(channel).front().cycle <= cycle;
  }

  void send(typename S::Model& stream, unsigned channel, bool bad) {
    const Beat beat = beats_.at(channel).front();
    beats_.at(channel).pop_front();
    set_bit(stream.beat_valid_i, channel, true);
    set_bit(stream.beat_error_i, channel, bad);
    set(stream.beat_data_i, 64 * channel, 64, word_at(beat.address));
    Line& line = lines.at(sent_.at(channel)++ - consumed_);
    REQUIRE(beat.address == line.address_of(channel));
    if (bad) line.bad |= std::uint64_t{1} << channel;
  }

  /// Everything that has arrived by now.
  void send_all(typename S::Model& stream, unsigned cycle) {
    stream.beat_valid_i = 0;
    stream.beat_error_i = 0;
    for (unsigned c = 0; c < S::kChannels; ++c) {
      if (has_beat(c, cycle)) send(stream, c, false);
    }
  }

  /// Checks the line at the head and its error, if it has one; true if it had.
  bool consume(const typename S::Model& stream) {
    REQUIRE(!lines.empty());
    const Line& line = lines.front();
    for (unsigned c = 0; c < S::kChannels; ++c) {
      REQUIRE(sent_.at(c) > consumed_);
      REQUIRE(get(stream.data_o, 64 * c, 64) == word_at(line.address_of(c)));
    }
    const bool bad = line.bad != 0;
    REQUIRE(stream.error_o == bad);
    if (bad) {
      REQUIRE(stream.error_tag_o == line.tag);
      REQUIRE(stream.error_address_o == line.error_address());
    }
    ++consumed_;
    lines.pop_front();
    return bad;
  }

  [[nodiscard]] unsigned consumed() const { return consumed_; }
  /// Lines of which at least one beat has been sent and that are not consumed.
  [[nodiscard]] unsigned in_buffer() const {
    return *std::max_element(sent_.begin(), sent_.end()) - consumed_;
  }

 private:
  struct Beat {
    std::uint64_t address;
    unsigned cycle;
  };
  std::array<std::deque<Beat>, S::kChannels> beats_;
  std::array<unsigned, S::kChannels> sent_{};
  unsigned consumed_ = 0;
};

template <class S>
std::array<unsigned, S::kChannels> same_delay(unsigned delay) {
  std::array<unsigned, S::kChannels> delays{};
  delays.fill(delay);
  return delays;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "Runs and strides become whole bursts on every channel, and their lines come in order with "
    "their errors",
    "", Stream1, Stream16) {
  using S = TestType;
  Bench<typename S::Model> stream(S::set_idle);
  Random random(101);
  Memory<S> memory;
  std::deque<ReadBurst> expected;
  ReadJob job;
  unsigned tag = 0;
  unsigned reserved = 0;  // lines asked for and not yet consumed
  unsigned page_ends = 0;
  unsigned full = 0;
  unsigned errors = 0;
  std::uint64_t held = 0;
  for (unsigned cycle = 0; cycle < 30000; ++cycle) {
    if (!stream->job_valid_i && random.chance(40)) {
      job = random_job(random, tag++ % 16);
      stream->job_valid_i = 1;
      set_job(stream->job_i, job);
    }
    stream->request_ready_i = random.chance(70);
    // Phases: the consumer is slow, the memory is slow, neither.
    const unsigned phase = (cycle / 500) % 3;
    stream->ready_i = random.chance(phase == 0 ? 25 : 95);
    stream->beat_valid_i = 0;
    stream->beat_error_i = 0;
    for (unsigned c = 0; c < S::kChannels; ++c) {
      if (memory.has_beat(c, cycle) && random.chance(phase == 1 ? 50 : 90)) {
        memory.send(*stream, c, random.chance(2));
      }
    }
    stream.settle();
    const bool job_taken = stream->job_valid_i && stream->job_ready_o;
    if (job_taken) {
      for (const ReadBurst& burst : bursts_of(job, S::kBurstBeats)) expected.push_back(burst);
      for (const Line& line : lines_of(job, S::kBurstBeats)) memory.lines.push_back(line);
    }
    if (stream->request_valid_o && stream->request_ready_i) {
      REQUIRE(!expected.empty());
      const ReadBurst burst{stream->request_address_o, stream->request_len_o + 1U,
                            stream->request_stripe_o};
      REQUIRE(burst.address == expected.front().address);
      REQUIRE(burst.beats == expected.front().beats);
      REQUIRE(burst.stripe == expected.front().stripe);
      const std::uint64_t end = burst.address + std::uint64_t{burst.beats} * kBeatBytes;
      REQUIRE(burst.address / kPage == (end - 1) / kPage);
      page_ends += end % kPage == 0;
      expected.pop_front();
      reserved += burst.beats;
      std::array<unsigned, S::kChannels> delays{};
      for (unsigned& delay : delays) delay = static_cast<unsigned>(random.between(1, 30));
      memory.request(*stream, cycle, delays);
    }
    // The buffers and the line at the head.
    REQUIRE(reserved <= S::kDepth + 1);
    full += reserved == S::kDepth + 1;
    if (stream->valid_o && stream->ready_i) {
      errors += memory.consume(*stream);
      --reserved;
    } else {
      REQUIRE(stream->error_o == 0);
    }
    // A line that was offered and not taken stays.
    if (held != 0) REQUIRE((stream->valid_o && get(stream->data_o, 0, 64) == held));
    held = stream->valid_o && !stream->ready_i ? get(stream->data_o, 0, 64) : 0;
    stream.tick();
    if (job_taken) stream->job_valid_i = 0;
  }
  CHECK(memory.consumed() > 10000);
  CHECK(page_ends > 100);
  CHECK(full > 20);
  CHECK(errors > 100);
}

TEMPLATE_TEST_CASE("An error of any beat of any channel is charged to its job, burst and channel",
                   "", Stream1, Stream16) {
  using S = TestType;
  // The bursts of a run that starts inside a block, of a short job, and of a second reading.
  const std::vector<ReadJob> jobs{
      {.address = 0x11FF8 - 8 * S::kBurstBeats,
       .run_lines = S::kBurstBeats + 3,
       .stripe = 3,
       .tag = 5},
      {.address = 0x40008, .run_lines = 1, .stripe = 0x00FFFFFF, .tag = 9},
      {.address = 0x80010, .run_lines = 3, .stride_lines = 0, .runs = 2, .stripe = 2, .tag = 12}};
  const unsigned all_lines = S::kBurstBeats + 3 + 1 + 6;
  Bench<typename S::Model> stream(S::set_idle);
  for (unsigned bad_line = 0; bad_line < all_lines; ++bad_line) {
    for (unsigned bad_channel = 0; bad_channel < S::kChannels; ++bad_channel) {
      CAPTURE(bad_line, bad_channel);
      S::set_idle(*stream);
      stream.reset();
      Memory<S> memory;
      stream->request_ready_i = 1;
      stream->ready_i = 1;
      std::size_t next = 0;
      std::array<unsigned, S::kChannels> sent{};
      unsigned errors = 0;
      while (memory.consumed() < all_lines) {
        REQUIRE(stream.cycle() < 200);
        stream->job_valid_i = next < jobs.size();
        if (next < jobs.size()) set_job(stream->job_i, jobs[next]);
        stream->beat_valid_i = 0;
        stream->beat_error_i = 0;
        for (unsigned c = 0; c < S::kChannels; ++c) {
          if (memory.has_beat(c, stream.cycle())) {
            memory.send(*stream, c, c == bad_channel && sent.at(c) == bad_line);
            ++sent.at(c);
          }
        }
        stream.settle();
        if (stream->job_valid_i && stream->job_ready_o) {
          for (const Line& line : lines_of(jobs[next], S::kBurstBeats)) {
            memory.lines.push_back(line);
          }
          ++next;
        }
        if (stream->request_valid_o) {
          memory.request(*stream, stream.cycle(), same_delay<S>(3));
        }
        if (stream->valid_o) errors += memory.consume(*stream);
        stream.tick();
      }
      REQUIRE(errors == 1);
    }
  }
}

TEST_CASE("A line with errors on several channels is reported once, for the lowest of them") {
  using S = Stream16;
  Bench<S::Model> stream(S::set_idle);
  Memory<S> memory;
  const ReadJob job{.address = 0x2000, .run_lines = 4, .stripe = 7, .tag = 3};
  for (const Line& line : lines_of(job, S::kBurstBeats)) memory.lines.push_back(line);
  stream->request_ready_i = 1;
  offer(stream, job);
  std::array<unsigned, S::kChannels> delays = same_delay<S>(4);
  delays[1] = 9;
  delays[3] = 1;
  while (stream.cycle() < 30) {
    stream->ready_i = stream.cycle() > 20;
    stream->beat_valid_i = 0;
    for (unsigned c = 0; c < S::kChannels; ++c) {
      if (memory.has_beat(c, stream.cycle())) memory.send(*stream, c, c == 1 || c == 3 || c == 15);
    }
    stream.settle();
    if (stream->request_valid_o) memory.request(*stream, stream.cycle(), delays);
    if (stream->valid_o && stream->ready_i) {
      CHECK(stream->error_address_o == 0x2000 + 7 * kPage);
      memory.consume(*stream);
    }
    // Nothing is reported before the line is handed over.
    if (!stream->ready_i) CHECK(stream->error_o == 0);
    stream.tick();
  }
  CHECK(memory.consumed() == 4);
}

TEMPLATE_TEST_CASE(
    "One burst per cycle is asked for until a buffer is spoken for; one slow channel holds all", "",
    Stream1, Stream16) {
  using S = TestType;
  Bench<typename S::Model> stream(S::set_idle);
  Memory<S> memory;
  const ReadJob job{.address = 0x4000, .run_lines = 2 * S::kDepth, .stripe = 1};
  for (const Line& line : lines_of(job, S::kBurstBeats)) memory.lines.push_back(line);
  stream->request_ready_i = 1;
  stream->ready_i = 1;
  offer(stream, job);
  stream.tick();
  const unsigned slow = S::kChannels - 1;
  std::array<unsigned, S::kChannels> delays = same_delay<S>(1);
  delays[slow] = 1000;
  for (unsigned burst = 0; burst < S::kDepth / S::kBurstBeats; ++burst) {
    memory.send_all(*stream, stream.cycle());
    stream.settle();
    CHECK(stream->request_valid_o == 1);
    CHECK(stream->request_address_o == 0x4000 + burst * S::kBurstBeats * kBeatBytes);
    memory.request(*stream, stream.cycle(), delays);
    stream.tick();
  }
  while (stream.cycle() < 900) {
    memory.send_all(*stream, stream.cycle());
    stream.settle();
    REQUIRE(stream->request_valid_o == 0);
    REQUIRE(stream->valid_o == 0);
    stream.tick();
  }
  // Room for one more burst comes line by line; the one at the head has left the buffer.
  while (memory.consumed() < S::kBurstBeats) {
    REQUIRE(stream.cycle() < 1100);
    memory.send_all(*stream, stream.cycle());
    stream.settle();
    const bool room = memory.consumed() + stream->valid_o >= S::kBurstBeats;
    CHECK(stream->request_valid_o == room);
    if (room) break;
    if (stream->valid_o) memory.consume(*stream);
    stream.tick();
  }
}

TEMPLATE_TEST_CASE(
    "A request follows its job, and a line its last beat, after two cycles; a line passes per "
    "cycle",
    "", Stream1, Stream16) {
  using S = TestType;
  Bench<typename S::Model> stream(S::set_idle);
  Memory<S> memory;
  const ReadJob job{.address = 0, .run_lines = 200, .stripe = 1};
  for (const Line& line : lines_of(job, S::kBurstBeats)) memory.lines.push_back(line);
  stream->request_ready_i = 1;
  stream->ready_i = 1;
  std::array<unsigned, S::kChannels> delays{};
  for (unsigned c = 0; c < S::kChannels; ++c) delays.at(c) = c == S::kChannels / 2 ? 6 : 2 + c % 3;
  stream->job_valid_i = 1;
  set_job(stream->job_i, job);
  while (memory.consumed() < 200) {
    REQUIRE(stream.cycle() < 300);
    memory.send_all(*stream, stream.cycle());
    stream.settle();
    if (stream.cycle() <= 2) CHECK(stream->request_valid_o == (stream.cycle() == 2));
    if (stream->request_valid_o) memory.request(*stream, stream.cycle(), delays);
    // The slowest channel's first beat comes 6 cycles after the request in cycle 2.
    CHECK(stream->valid_o == (stream.cycle() >= 2 + 6 + 2));
    if (stream->valid_o) memory.consume(*stream);
    stream.tick();
    stream->job_valid_i = 0;
  }
}

TEMPLATE_TEST_CASE("Queued jobs keep their places until their last lines are consumed", "", Stream1,
                   Stream16) {
  using S = TestType;
  Bench<typename S::Model> stream(S::set_idle);
  Memory<S> memory;
  stream->request_ready_i = 1;
  // All are asked for and in the buffer, none is consumed.
  for (unsigned i = 0; i < S::kJobQueue + 1; ++i) {
    const ReadJob job{.address = 0x1000U * i, .run_lines = 2, .stripe = 9, .tag = i};
    for (const Line& line : lines_of(job, S::kBurstBeats)) memory.lines.push_back(line);
    stream->job_valid_i = 1;
    set_job(stream->job_i, job);
    for (unsigned cycle = 0; cycle < 5; ++cycle) {
      memory.send_all(*stream, stream.cycle());
      stream.settle();
      if (cycle == 0) REQUIRE(stream->job_ready_o == 1);
      if (stream->request_valid_o) memory.request(*stream, stream.cycle(), same_delay<S>(1));
      stream.tick();
      stream->job_valid_i = 0;
    }
  }
  CHECK(stream->job_ready_o == 0);
  stream->beat_valid_i = 0;
  stream->ready_i = 1;
  for (unsigned i = 0; i < 2 * (S::kJobQueue + 1); ++i) {
    REQUIRE(stream->valid_o == 1);
    CHECK(stream->job_ready_o == (i >= 2));
    memory.consume(*stream);
    stream.tick();
  }
  CHECK(stream->valid_o == 0);
}

TEST_CASE("Jobs of one burst each are asked for every other cycle") {
  using S = Stream16;
  Bench<S::Model> stream(S::set_idle);
  Memory<S> memory;
  stream->request_ready_i = 1;
  stream->ready_i = 1;
  stream->job_valid_i = 1;
  const ReadJob job{.address = 0x3000, .run_lines = 1, .stripe = 2};
  set_job(stream->job_i, job);
  for (unsigned i = 0; i < 100; ++i) {
    memory.send_all(*stream, stream.cycle());
    stream.settle();
    if (stream->job_ready_o) memory.lines.push_back(lines_of(job, S::kBurstBeats).front());
    if (i >= 2) CHECK(stream->request_valid_o == (i % 2 == 0));
    if (stream->request_valid_o) memory.request(*stream, stream.cycle(), same_delay<S>(1));
    if (stream->valid_o) memory.consume(*stream);
    stream.tick();
  }
}

TEMPLATE_TEST_CASE("A beat that was not asked for fails an assertion, on any channel", "", Stream1,
                   Stream16) {
  using S = TestType;
  Bench<typename S::Model> stream(S::set_idle);
  for (unsigned c = 0; c < S::kChannels; ++c) {
    S::set_idle(*stream);
    stream.reset();
    offer(stream, {.address = 0, .run_lines = 4});
    set_bit(stream->beat_valid_i, c, true);
    CHECK_THROWS_AS(stream.tick(), AssertionFailed);
  }
  // Nor one more than was asked for.
  S::set_idle(*stream);
  stream.reset();
  offer(stream, {.address = 0, .run_lines = 4});
  stream->request_ready_i = 1;
  for (unsigned i = 0; i < 4; ++i) stream.tick();
  set_bit(stream->beat_valid_i, S::kChannels - 1, true);
  for (unsigned i = 0; i < 4; ++i) CHECK_NOTHROW(stream.tick());
  CHECK_THROWS_AS(stream.tick(), AssertionFailed);
}

TEST_CASE("A job that reads nothing, or parts of beats, fails an assertion") {
  const ReadJob job =
      GENERATE(ReadJob{.run_lines = 0}, ReadJob{.runs = 0}, ReadJob{.address = 0x1004});
  Bench<Stream1::Model> stream(Stream1::set_idle);
  CHECK_THROWS_AS(offer(stream, job), AssertionFailed);
}
