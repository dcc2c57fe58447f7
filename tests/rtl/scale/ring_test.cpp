// SPDX-License-Identifier: Apache-2.0
#include <VRingJoined/VRingJoined.h>
#include <VRingPair/VRingPair.h>
#include <VRingSplit/VRingSplit.h>

#include <cstdint>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kVectorBits = 32;

struct Shape {
  unsigned line_bits;
  unsigned depth;

  [[nodiscard]] unsigned line_vectors() const { return line_bits / kVectorBits; }
};

template <class Model>
void set_idle(Model& ring) {
  ring.job_valid_i = 0;
  ring.valid_i = 0;
  ring.read_i = 0;
  ring.vector_i = 0;
  ring.offset_i = 0;
  ring.release_i = 0;
}

/// The stream of jobs: their vectors, and the image with what fills up each job's last line.
struct Stream {
  std::vector<std::uint32_t> vectors;
  std::vector<std::uint32_t> image;
};

Stream stream_of(Random& random, const Shape& shape, const std::vector<unsigned>& pairs) {
  Stream stream;
  for (const unsigned job : pairs) {
    for (unsigned i = 0; i < 2 * job; ++i) {
      stream.vectors.push_back(static_cast<std::uint32_t>(random.bits(32)));
      stream.image.push_back(stream.vectors.back());
    }
    while (stream.image.size() % shape.line_vectors() != 0) {
      stream.image.push_back(static_cast<std::uint32_t>(random.bits(32)));
    }
  }
  return stream;
}

struct Pressure {
  unsigned jobs = 100;
  unsigned lines = 100;
  unsigned reads = 100;
  bool in_turn = false;  // reads of the two oldest vectors, which are released at once
};

/// Runs jobs of so many pairs with a reader that names any vectors it holds and releases them when
/// it likes. Returns the cycles from the first pair's announcement to the last one's.
template <class Model>
unsigned run_jobs(const Shape& shape, const std::vector<unsigned>& pairs, const Pressure& percent) {
  Random random(61);
  const Stream stream = stream_of(random, shape, pairs);
  Bench<Model> ring(set_idle<Model>);
  std::size_t accepted = 0;
  std::size_t line = 0;
  bool offered = false;
  std::size_t loaded = 0;  // vectors that were announced
  std::size_t released = 0;
  std::optional<std::uint32_t> scales;
  std::optional<std::uint32_t> offsets;
  unsigned first = 0;
  unsigned last = 0;
  while (released < stream.vectors.size()) {
    REQUIRE(ring.cycle() < 100000);
    ring->job_valid_i = accepted < pairs.size() && random.chance(percent.jobs);
    if (accepted < pairs.size()) ring->job_pairs_i = pairs[accepted];
    offered = offered ||
              (line * shape.line_vectors() < stream.image.size() && random.chance(percent.lines));
    ring->valid_i = offered;
    for (unsigned i = 0; i < shape.line_vectors(); ++i) {
      set(ring->data_i, i * kVectorBits, kVectorBits,
          offered ? stream.image[line * shape.line_vectors() + i] : random.bits(32));
    }

    ring.settle();
    CAPTURE(ring.cycle(), loaded, released, line);
    if (ring->loaded_o) {
      if (loaded == 0) first = ring.cycle();
      last = ring.cycle();
      loaded += 2;
    }
    REQUIRE(loaded <= stream.vectors.size());
    REQUIRE(loaded - released <= shape.depth);
    if (scales) REQUIRE(ring->scales_o == *scales);
    if (offsets) REQUIRE(ring->offsets_o == *offsets);

    const auto held = static_cast<std::int64_t>(loaded - released);
    const bool offset = held >= 2 && (percent.in_turn || random.chance(50));
    ring->read_i = held > 0 && random.chance(percent.reads);
    ring->offset_i = ring->read_i ? offset : random.chance(50);
    std::size_t vector = released;
    std::size_t release = 2;
    if (!percent.in_turn) {
      const auto furthest = held - (offset ? 2 : 1);
      if (held > 0) vector += static_cast<std::size_t>(random.between(0, furthest));
      release = random.chance(60) ? 0 : static_cast<std::size_t>(random.between(0, held));
    }
    if (!ring->read_i) release = random.bits(5);
    ring->vector_i =
        static_cast<CData>(ring->read_i ? vector % shape.depth : random.bits(5) % shape.depth);
    ring->release_i = static_cast<CData>(release);
    ring.settle();
    if (ring->read_i) {
      scales = stream.vectors[vector + (offset ? 1 : 0)];
      offsets.reset();
      if (offset) offsets = stream.vectors[vector];
      released += release;
    }
    if (ring->job_valid_i && ring->job_ready_o) ++accepted;
    if (ring->valid_i && ring->ready_o) {
      ++line;
      offered = false;
    }
    ring.tick();
  }
  CHECK(accepted == pairs.size());
  CHECK(line * shape.line_vectors() == stream.image.size());
  CHECK(loaded == stream.vectors.size());
  return last - first + 1;
}

std::vector<unsigned> random_pairs(const Shape& shape) {
  Random random(62);
  std::vector<unsigned> pairs;
  for (unsigned i = 0; i < 60; ++i) {
    auto job = static_cast<unsigned>(random.between(1, random.chance(70) ? 8 : 40));
    // Jobs that end with their line, too.
    if (shape.line_vectors() > 2 && random.chance(20)) job = shape.line_vectors() / 2;
    pairs.push_back(job);
  }
  return pairs;
}

constexpr Shape kJoined{.line_bits = 32, .depth = 8};
constexpr Shape kPair{.line_bits = 64, .depth = 32};
constexpr Shape kSplit{.line_bits = 256, .depth = 32};

template <class Model>
void check_random(const Shape& shape) {
  const std::vector<unsigned> pairs = random_pairs(shape);
  run_jobs<Model>(shape, pairs, {.jobs = 3, .lines = 50, .reads = 80});
  run_jobs<Model>(shape, pairs, {.jobs = 100, .lines = 100, .reads = 30});
  run_jobs<Model>(shape, pairs, {.jobs = 20, .lines = 80, .reads = 60});
}

}  // namespace

TEST_CASE("Vectors come as stored, alone or with their offset, as often as they are named") {
  SECTION("two lines per pair") { check_random<VRingJoined>(kJoined); }
  SECTION("a line per pair") { check_random<VRingPair>(kPair); }
  SECTION("four pairs per line, the rest of a job's last line dropped") {
    check_random<VRingSplit>(kSplit);
  }
}

TEST_CASE("Two vectors come in and two leave per cycle, also across jobs") {
  const Pressure full{.in_turn = true};
  CHECK(run_jobs<VRingPair>(kPair, {30, 1, 1, 17, 2, 40}, full) == 91);
  CHECK(run_jobs<VRingSplit>(kSplit, {30, 1, 1, 17, 2, 40}, full) == 91);
  CHECK(run_jobs<VRingJoined>(kJoined, {30, 1, 1, 17, 2, 40}, full) == 2 * 91 - 1);
}

TEST_CASE("The ring fills up and goes on when two vectors were released, one by one or at once") {
  Bench<VRingPair> ring(set_idle<VRingPair>);
  ring->job_valid_i = 1;
  ring->job_pairs_i = 100;
  ring.tick();
  ring->job_valid_i = 0;
  ring->valid_i = 1;
  unsigned pairs = 0;
  const auto run = [&](unsigned cycles) {
    for (unsigned i = 0; i < cycles; ++i) {
      ring.settle();
      pairs += ring->loaded_o;
      ring.tick();
      ring->read_i = 0;
    }
  };
  const auto release = [&](unsigned vectors) {
    ring->read_i = 1;
    ring->release_i = static_cast<CData>(vectors);
    run(20);
  };
  run(40);
  CHECK(pairs == 16);
  CHECK(ring->ready_o == 0);
  release(0);
  CHECK(pairs == 16);
  release(1);
  CHECK(pairs == 16);
  release(1);
  CHECK(pairs == 17);
  release(32);
  CHECK(pairs == 33);
}

TEST_CASE("Without a job nothing is taken") {
  Bench<VRingPair> ring(set_idle<VRingPair>);
  ring->valid_i = 1;
  for (unsigned i = 0; i < 5; ++i) {
    ring.settle();
    CHECK(ring->ready_o == 0);
    ring.tick();
  }
}

TEST_CASE("Releasing more vectors than the ring holds fails an assertion") {
  Bench<VRingPair> ring(set_idle<VRingPair>);
  ring->job_valid_i = 1;
  ring->job_pairs_i = 1;
  ring.tick();
  ring->job_valid_i = 0;
  ring->valid_i = 1;
  for (unsigned i = 0; i < 4; ++i) ring.tick();
  ring->read_i = 1;
  ring->release_i = 2;
  CHECK_NOTHROW(ring.tick());
  ring->release_i = 1;
  CHECK_THROWS_AS(ring.tick(), AssertionFailed);
}
