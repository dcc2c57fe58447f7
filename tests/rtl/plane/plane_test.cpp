// SPDX-License-Identifier: Apache-2.0
#include <VPlane/VPlane.h>
#include <VPlaneBcq/VPlaneBcq.h>
#include <VPlaneLine/VPlaneLine.h>
#include <VPlaneOne/VPlaneOne.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/job.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kWordBits = 64;

template <class Model>
void set_idle(Model& plane) {
  plane.job_valid_i = 0;
  plane.valid_i = 0;
  plane.data_i = 0;
  plane.ready_i = 0;
}

/// A job of the given mode; the shape is all that matters here.
EngineJob job_of(bool codebook, unsigned bits, unsigned tiles, unsigned blocks, unsigned slices) {
  EngineJob job;
  job.codebook = codebook;
  job.bits = bits;
  job.rounds = codebook ? 1U << bits : bits;
  job.tiles = tiles;
  job.blocks = blocks;
  job.span = job.last_span = slices;
  return job;
}

/// What a model of PlaneW = 64 can be asked.
struct Limits {
  unsigned lines;          // memory lines per plane word
  unsigned codebook_bits;  // planes of a codebook job
  unsigned slices;         // of a block
  unsigned jobs;           // that wait in its queue and at its head
};

EngineJob random_job(Random& random, const Limits& limits) {
  const bool codebook = random.chance(50);
  const bool shared = random.chance(30);
  EngineJob job = job_of(
      codebook, static_cast<unsigned>(random.between(1, codebook ? limits.codebook_bits : 8)),
      static_cast<unsigned>(random.between(1, 3)), static_cast<unsigned>(random.between(1, 4)),
      1U << random.between(0, limits.slices == 1   ? 0
                              : limits.slices == 8 ? 3
                                                   : 5));
  if (shared) {
    // Several groups in a slice: one plane word per plane, however many passes it serves.
    job.shared_word = true;
    job.span = 4;
    job.last_span = static_cast<unsigned>(random.between(1, 4));
  }
  return job;
}

struct Words {
  std::vector<std::uint64_t> in;   // the image: tile, block, plane, slice
  std::vector<std::uint64_t> out;  // for the array: tile, block, plane or code, slice
};

/// The words of a job, the one-hot ones by the definition: bit by bit from indices.
Words words_of(Random& random, const EngineJob& job) {
  Words words;
  for (unsigned block = 0; block < job.tiles * job.blocks; ++block) {
    const std::size_t begin = words.in.size();
    for (unsigned i = 0; i < job.bits * job.slices(); ++i) words.in.push_back(random.bits(64));
    if (!job.codebook) {
      words.out.insert(words.out.end(), words.in.begin() + static_cast<std::ptrdiff_t>(begin),
                       words.in.end());
      continue;
    }
    for (unsigned code = 0; code < job.rounds; ++code) {
      for (unsigned slice = 0; slice < job.slices(); ++slice) {
        std::uint64_t word = 0;
        for (unsigned place = 0; place < kWordBits; ++place) {
          unsigned index = 0;
          for (unsigned p = 0; p < job.bits; ++p) {
            const std::uint64_t plane = words.in[begin + p * job.slices() + slice];
            index = 2 * index + static_cast<unsigned>((plane >> place) & 1U);
          }
          word |= std::uint64_t{index == code} << place;
        }
        words.out.push_back(word);
      }
    }
  }
  return words;
}

struct Pressure {
  unsigned jobs;
  unsigned lines;
  unsigned words;
};

/// Runs jobs; every word must come once, in order, and stay until it is taken. Returns the cycles
/// in which they left.
template <class Model>
std::vector<unsigned> run_jobs(const std::vector<EngineJob>& jobs, const Limits& limits,
                               const Pressure& percent) {
  Random random(22);
  Words words;
  for (const EngineJob& job : jobs) {
    const Words more = words_of(random, job);
    words.in.insert(words.in.end(), more.in.begin(), more.in.end());
    words.out.insert(words.out.end(), more.out.begin(), more.out.end());
  }
  const unsigned line_bits = kWordBits / limits.lines;
  const auto line = [&](std::size_t index) {
    const std::uint64_t word = words.in[index / limits.lines];
    const std::uint64_t rest = word >> (index % limits.lines * line_bits);
    return line_bits == 64 ? rest : rest & ((std::uint64_t{1} << line_bits) - 1);
  };

  Bench<Model> plane(set_idle<Model>);
  std::size_t accepted = 0;
  std::size_t lines = 0;
  bool offered = false;
  std::vector<unsigned> left;
  std::optional<std::uint64_t> waiting;
  while (left.size() < words.out.size()) {
    REQUIRE(plane.cycle() < 200000);
    plane->job_valid_i = accepted < jobs.size() && random.chance(percent.jobs);
    if (accepted < jobs.size()) set_job(plane->job_i, jobs[accepted]);
    // At full pressure all jobs that fit are known before the first line comes.
    const bool early =
        percent.jobs == 100 && accepted < std::min<std::size_t>(jobs.size(), limits.jobs);
    // A line that was offered stays until it is taken.
    offered = offered ||
              (!early && lines < words.in.size() * limits.lines && random.chance(percent.lines));
    plane->valid_i = offered;
    set(plane->data_i, 0, line_bits, plane->valid_i ? line(lines) : random.bits(64));
    plane->ready_i = random.chance(percent.words);
    plane.settle();
    CAPTURE(plane.cycle(), accepted, lines, left.size());
    if (waiting) {
      REQUIRE(plane->valid_o == 1);
      REQUIRE(plane->data_o == *waiting);
    }
    waiting.reset();
    if (plane->valid_o) {
      REQUIRE(plane->data_o == words.out[left.size()]);
      if (plane->ready_i)
        left.push_back(plane.cycle());
      else
        waiting = plane->data_o;
    }
    if (plane->job_valid_i && plane->job_ready_o) ++accepted;
    if (plane->valid_i && plane->ready_o) {
      ++lines;
      offered = false;
    }
    plane.tick();
  }
  CHECK(accepted == jobs.size());
  CHECK(lines == words.in.size() * limits.lines);
  // Nothing comes behind the last word.
  plane->valid_i = 0;
  plane->job_valid_i = 0;
  plane->ready_i = 1;
  for (unsigned i = 0; i < 10; ++i) {
    plane.settle();
    CHECK(plane->valid_o == 0);
    plane.tick();
  }
  return left;
}

template <class Model>
void run_random_jobs(const Limits& limits, unsigned count, const Pressure& percent) {
  Random random(21);
  std::vector<EngineJob> jobs;
  for (unsigned i = 0; i < count; ++i) jobs.push_back(random_job(random, limits));
  run_jobs<Model>(jobs, limits, percent);
}

constexpr Limits kJoined{.lines = 4, .codebook_bits = 4, .slices = 8, .jobs = 3};
constexpr Limits kLine{.lines = 1, .codebook_bits = 4, .slices = 32, .jobs = 5};
constexpr Limits kOne{.lines = 2, .codebook_bits = 1, .slices = 1, .jobs = 3};

constexpr Pressure kFull{.jobs = 100, .lines = 100, .words = 100};

/// When the words of jobs leave if lines are always there and words always taken, from the rules: a
/// word comes in per cycle, plane words leave as they come, the codes of a block two cycles after
/// its last index word or right behind what leaves before; two blocks of index words are kept.
std::vector<unsigned> fastest(const std::vector<EngineJob>& jobs) {
  std::vector<unsigned> left;
  std::vector<unsigned> block_left;  // last word of each codebook block
  unsigned in_from = 0;
  unsigned out_from = 0;
  for (const EngineJob& job : jobs) {
    for (unsigned block = 0; block < job.tiles * job.blocks; ++block) {
      const unsigned in_words = job.bits * job.slices();
      if (job.codebook) {
        if (block_left.size() >= 2) {
          in_from = std::max(in_from, block_left[block_left.size() - 2]);
        }
        in_from += in_words;
        out_from = std::max(out_from, in_from + 1);
        for (unsigned i = 0; i < job.rounds * job.slices(); ++i) left.push_back(out_from++);
        block_left.push_back(out_from - 1);
      } else {
        in_from = std::max(in_from, out_from);
        for (unsigned i = 0; i < in_words; ++i) left.push_back(in_from++);
        out_from = in_from;
      }
    }
  }
  return left;
}

void check_fastest(const std::vector<EngineJob>& jobs) {
  std::vector<unsigned> left = run_jobs<VPlaneLine>(jobs, kLine, kFull);
  // The first line comes when the jobs are known and at the head of their queue.
  std::vector<unsigned> expected = fastest(jobs);
  const unsigned start = left.front() - expected.front();
  CHECK(start <= 7);
  for (unsigned& cycle : expected) cycle += start;
  CHECK(left == expected);
}

}  // namespace

TEST_CASE("A line that is a plane word passes in the same cycle") {
  Bench<VPlaneBcq> plane(set_idle<VPlaneBcq>);
  plane->valid_i = 1;
  plane->data_i = 0x0123456789ABCDEF;
  plane.settle();
  CHECK(plane->job_ready_o == 1);
  CHECK(plane->valid_o == 1);
  CHECK(plane->ready_o == 0);
  CHECK(plane->data_o == 0x0123456789ABCDEF);
  plane->ready_i = 1;
  plane.settle();
  CHECK(plane->ready_o == 1);
}

TEST_CASE("A plane word of four lines is there one cycle after its last one, and every four then") {
  Bench<VPlane> plane(set_idle<VPlane>);
  plane->job_valid_i = 1;
  set_job(plane->job_i, job_of(false, 8, 1, 4, 1));
  plane.tick();
  plane->job_valid_i = 0;
  plane.tick();
  plane->ready_i = 1;
  plane->valid_i = 1;
  for (unsigned line = 0; line < 40; ++line) {
    plane->data_i = static_cast<SData>(line);
    plane.settle();
    REQUIRE(plane->ready_o == 1);
    REQUIRE(plane->valid_o == (line >= 4 && line % 4 == 0));
    plane.tick();
  }
}

TEST_CASE("The one-hot words of a block start two cycles after its last index word") {
  Bench<VPlaneLine> plane(set_idle<VPlaneLine>);
  plane->job_valid_i = 1;
  set_job(plane->job_i, job_of(true, 3, 1, 1, 2));
  plane.tick();
  plane->job_valid_i = 0;
  plane.tick();
  // The first word is made whether or not it is waited for; it leaves 10 cycles later.
  const unsigned first = 5 + 2;
  for (unsigned cycle = 0; cycle < first + 10 + 16 + 5; ++cycle) {
    plane->valid_i = cycle < 6;
    plane->data_i = 0;
    plane->ready_i = cycle >= first + 10;
    plane.settle();
    CHECK(plane->valid_o == (cycle >= first && cycle < first + 10 + 16));
    if (plane->valid_o) {
      const bool code_0 = cycle < first + 10 + 2;  // two slices
      CHECK(plane->data_o == (code_0 ? ~std::uint64_t{0} : 0));
    }
    plane.tick();
  }
}

TEST_CASE("Words of all modes come once and in order under random stalls and late jobs") {
  SECTION("four lines per word") {
    run_random_jobs<VPlane>(kJoined, 60, {.jobs = 5, .lines = 80, .words = 70});
    run_random_jobs<VPlane>(kJoined, 60, {.jobs = 100, .lines = 70, .words = 30});
  }
  SECTION("a line per word") {
    run_random_jobs<VPlaneLine>(kLine, 60, {.jobs = 5, .lines = 50, .words = 80});
    run_random_jobs<VPlaneLine>(kLine, 60, {.jobs = 100, .lines = 90, .words = 30});
    run_random_jobs<VPlaneLine>(kLine, 60, kFull);
  }
  SECTION("the smallest banks: one plane, one slice") {
    run_random_jobs<VPlaneOne>(kOne, 100, {.jobs = 10, .lines = 80, .words = 70});
    run_random_jobs<VPlaneOne>(kOne, 100, kFull);
  }
}

TEST_CASE("Codes of one block leave while the index words of the next come in, across jobs") {
  // Two codes per index word at one plane, four per three at three planes and so on: no gap.
  for (unsigned bits = 1; bits <= 4; ++bits) {
    check_fastest({job_of(true, bits, 2, 3, 1), job_of(true, bits, 1, 1, 1),
                   job_of(true, bits, 2, 2, 32), job_of(true, 5 - bits, 1, 2, 4)});
  }
}

TEST_CASE(
    "Plane words follow codes without a gap, and codes follow as soon as their indices are in") {
  check_fastest({job_of(false, 3, 1, 2, 1), job_of(true, 2, 1, 2, 2), job_of(false, 2, 2, 1, 2),
                 job_of(false, 1, 1, 1, 1), job_of(true, 4, 1, 1, 1)});
  check_fastest({job_of(true, 1, 1, 1, 1), job_of(false, 1, 1, 1, 1), job_of(true, 1, 1, 1, 1),
                 job_of(true, 1, 1, 1, 1), job_of(false, 1, 1, 1, 1)});
}

TEST_CASE("A codebook job of more planes or slices than the banks hold fails an assertion") {
  const auto check = [](const EngineJob& job, bool legal) {
    Bench<VPlane> plane(set_idle<VPlane>);
    plane->job_valid_i = 1;
    set_job(plane->job_i, job);
    plane.tick();
    plane->job_valid_i = 0;
    plane.tick();
    if (legal) CHECK_NOTHROW(plane.tick());
    if (!legal) CHECK_THROWS_AS(plane.tick(), AssertionFailed);
  };
  check(job_of(true, 4, 1, 1, 8), true);
  check(job_of(true, 5, 1, 1, 8), false);
  check(job_of(true, 4, 1, 1, 9), false);
  check(job_of(false, 8, 1, 1, 16), true);
}
