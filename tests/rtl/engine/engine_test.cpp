// SPDX-License-Identifier: Apache-2.0
#include <VEngine/VEngine.h>

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/alignment.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/numbers.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kRows = 4;
constexpr unsigned kColumns = 32;
constexpr unsigned kGroupColumns = 128;
constexpr unsigned kGroupSlices = kGroupColumns / kColumns;
constexpr unsigned kMantissaBits = 16;
constexpr unsigned kBeatWords = 2;  // of 64 bits
constexpr std::uint32_t kQuietNan = 0x7FC00000;

void set_idle(VEngine& engine) {
  engine.job_valid_i = 0;
  engine.weight_valid_i = 0;
  engine.scale_valid_i = 0;
  engine.act_valid_i = 0;
  engine.result_ready_i = 0;
}

/// A job's memory streams in 64-bit words, two per beat, and its results by the contract.
struct Job {
  unsigned tiles = 1;
  unsigned groups = 1;
  unsigned bits = 1;
  bool has_offset = false;
  std::vector<std::uint64_t> weights;
  std::vector<std::uint64_t> scales;
  std::vector<std::uint64_t> activations;
  std::vector<std::uint32_t> results;
  bool nan = false;
};

std::uint64_t four_halves(const std::vector<unsigned>& halves, std::size_t first) {
  return std::uint64_t{halves[first]} | std::uint64_t{halves[first + 1]} << 16 |
         std::uint64_t{halves[first + 2]} << 32 | std::uint64_t{halves[first + 3]} << 48;
}

Job random_job(Random& random, unsigned tiles, unsigned groups, unsigned bits, bool finite) {
  Job job;
  job.tiles = tiles;
  job.groups = groups;
  job.bits = bits;
  job.has_offset = random.chance(50);
  std::vector<AlignedGroup> aligned;
  for (unsigned g = 0; g < groups; ++g) {
    const auto halves = random_group(random, kGroupColumns, finite || random.chance(50));
    for (std::size_t c = 0; c < halves.size(); c += 4) {
      job.activations.push_back(four_halves(halves, c));
    }
    aligned.push_back(align_group(halves, kMantissaBits));
    job.nan = job.nan || aligned.back().not_finite;
  }
  const auto random_vector = [&] {
    std::vector<unsigned> halves;
    for (unsigned r = 0; r < kRows; ++r) {
      auto half = static_cast<unsigned>(random.bits(16));
      if (((half >> 10) & 31U) == 31U) half ^= 0x4000U;
      halves.push_back(random.chance(10) ? half & 0x83FFU : half);
    }
    job.scales.push_back(four_halves(halves, 0));
    return halves;
  };
  for (unsigned tile = 0; tile < tiles; ++tile) {
    // In units of 2^-24 * 2^-24 * 2^(-14 + 14) / 2^(MB - 2 - 10): see the division below.
    std::array<cpp_int, kRows> sums;
    for (const AlignedGroup& group : aligned) {
      const auto shift = static_cast<unsigned>(group.exponent + 14);
      for (unsigned plane = 0; plane < bits; ++plane) {
        std::array<std::int64_t, kRows> dot{};
        for (unsigned slice = 0; slice < kGroupSlices; ++slice) {
          for (unsigned r = 0; r < kRows; ++r) {
            const std::uint64_t word = random.chance(5) ? 0 : random.bits(kColumns);
            if (r % 2 == 0) job.weights.push_back(word);
            if (r % 2 == 1) job.weights.back() |= word << kColumns;
            for (unsigned c = 0; c < kColumns; ++c) {
              const std::int64_t m = group.mantissas[slice * kColumns + c];
              dot.at(r) += ((word >> c) & 1U) != 0 ? m : -m;
            }
          }
        }
        const auto alpha = random_vector();
        for (unsigned r = 0; r < kRows; ++r) {
          sums.at(r) += cpp_int(half_units(alpha[r])) * dot.at(r) << shift;
        }
      }
      if (job.has_offset) {
        const auto beta = random_vector();
        for (unsigned r = 0; r < kRows; ++r) {
          sums.at(r) += cpp_int(half_units(beta[r])) * group.sum << shift;
        }
      }
    }
    for (const cpp_int& sum : sums) {
      // alpha counts 2^-24, m counts 2^(E - 14): together 2^-52 after the shift by E + 14.
      if (!job.nan) REQUIRE(sum % 16 == 0);
      job.results.push_back(job.nan ? kQuietNan : nearest_binary32(sum / 16));
    }
  }
  // A beat holds two vectors; what is left of the job's last beat is dropped.
  if (job.scales.size() % 2 != 0) job.scales.push_back(random.bits(64));
  return job;
}

struct Rates {
  unsigned weights;
  unsigned scales;
  unsigned activations;
  unsigned results;
};

/// Runs jobs back to back with streams that are ready `rates` percent of the cycles; returns the
/// cycles from the first pass to the last, bubbles included, by cause.
std::array<unsigned, 6> run_jobs(const std::vector<Job>& jobs, const Rates& percent) {
  Bench<VEngine> engine(set_idle);
  Random random(131);
  struct Stream {
    std::vector<std::uint64_t> beats;
    std::size_t next = 0;
    bool shown = false;
  };
  Stream weights;
  Stream scales;
  Stream activations;
  std::vector<std::pair<std::uint32_t, bool>> expected;
  std::size_t passes = 0;
  for (const Job& job : jobs) {
    const auto append = [](Stream& stream, const std::vector<std::uint64_t>& beats) {
      stream.beats.insert(stream.beats.end(), beats.begin(), beats.end());
    };
    append(weights, job.weights);
    append(scales, job.scales);
    append(activations, job.activations);
    for (const std::uint32_t result : job.results) expected.emplace_back(result, job.nan);
    passes += job.weights.size() / kBeatWords;
  }
  std::array<unsigned, 6> causes{};
  std::size_t next_job = 0;
  std::size_t taken = 0;
  std::size_t issued = 0;
  const auto show = [&](Stream& stream, unsigned percent_shown, CData& valid, auto& data) {
    stream.shown =
        stream.next < stream.beats.size() && (stream.shown || random.chance(percent_shown));
    valid = stream.shown;
    for (unsigned w = 0; stream.shown && w < kBeatWords; ++w) {
      set(data, 64 * w, 64, stream.beats[stream.next + w]);
    }
  };
  const auto advance = [](Stream& stream, bool ready) {
    if (stream.shown && ready) {
      stream.next += kBeatWords;
      stream.shown = false;
    }
  };
  while (taken < expected.size()) {
    REQUIRE(engine.cycle() < 400000);
    engine->job_valid_i = next_job < jobs.size();
    if (next_job < jobs.size()) {
      const Job& job = jobs[next_job];
      engine->job_tiles_i = static_cast<CData>(job.tiles);
      engine->job_slices_i = static_cast<CData>(job.groups * kGroupSlices);
      engine->job_bits_i = static_cast<CData>(job.bits);
      engine->job_has_offset_i = job.has_offset;
    }
    show(weights, percent.weights, engine->weight_valid_i, engine->weight_data_i);
    show(scales, percent.scales, engine->scale_valid_i, engine->scale_data_i);
    show(activations, percent.activations, engine->act_valid_i, engine->act_data_i);
    engine->result_ready_i = random.chance(percent.results);
    engine.settle();
    if (engine->result_valid_o && engine->result_ready_i) {
      CAPTURE(taken);
      REQUIRE(engine->result_data_o == expected[taken].first);
      REQUIRE(engine->result_nan_o == expected[taken].second);
      ++taken;
    }
    issued += engine->cause_o == 0;
    if (issued > 0 && issued < passes) ++causes.at(engine->cause_o);
    const bool job_taken = engine->job_valid_i && engine->job_ready_o;
    advance(weights, engine->weight_ready_o);
    advance(scales, engine->scale_ready_o);
    advance(activations, engine->act_ready_o);
    engine.tick();
    if (job_taken) ++next_job;
  }
  CHECK(issued == passes);
  CHECK(weights.next == weights.beats.size());
  CHECK(scales.next == scales.beats.size());
  CHECK(activations.next == activations.beats.size());
  return causes;
}

}  // namespace

TEST_CASE(
    "Random jobs give the contract's bits, back to back, under random stalls of every stream") {
  Random random(132);
  std::vector<Job> jobs;
  for (unsigned i = 0; i < 80; ++i) {
    jobs.push_back(random_job(random, static_cast<unsigned>(random.between(1, 4)),
                              static_cast<unsigned>(random.between(1, 4)),
                              static_cast<unsigned>(random.between(1, 8)), !random.chance(10)));
  }
  run_jobs(jobs, {.weights = 90, .scales = 60, .activations = 60, .results = 70});
  run_jobs(jobs, {.weights = 100, .scales = 15, .activations = 90, .results = 100});
  run_jobs(jobs, {.weights = 100, .scales = 100, .activations = 5, .results = 100});
  run_jobs(jobs, {.weights = 100, .scales = 100, .activations = 100, .results = 5});
}

TEST_CASE("With every stream ready the array takes a plane word every cycle, also across jobs") {
  Random random(133);
  std::vector<Job> jobs;
  for (const unsigned bits : {1U, 2U, 3U, 4U, 8U}) {
    jobs.push_back(random_job(random, 3, 4, bits, true));
  }
  const auto causes =
      run_jobs(jobs, {.weights = 100, .scales = 100, .activations = 100, .results = 100});
  std::size_t passes = 0;
  for (const Job& job : jobs) passes += job.weights.size() / kBeatWords;
  CHECK(causes[0] == passes - 1);
  // A first row tile at one bit reads activations as fast as they are aligned: four beats per
  // slice.
  const std::size_t first_tile = 4 * kGroupColumns * 16 / 128;
  CHECK(causes[2] <= first_tile + 20);
  CHECK(causes[1] + causes[3] + causes[4] + causes[5] == 0);
}

TEST_CASE("A NaN token gives NaN in all of its job's rows and in no other job's") {
  Random random(134);
  std::vector<Job> jobs;
  bool nan = false;
  while (!nan) {
    jobs = {random_job(random, 2, 2, 2, true), random_job(random, 2, 2, 2, false),
            random_job(random, 2, 2, 2, true)};
    nan = jobs[1].nan && !jobs[0].nan && !jobs[2].nan;
  }
  run_jobs(jobs, {.weights = 100, .scales = 100, .activations = 100, .results = 100});
}
