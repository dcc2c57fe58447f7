// SPDX-License-Identifier: Apache-2.0
#include "sim/mem/fixed_memory.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

namespace bitloom::sim {
namespace {

constexpr Picoseconds kLatency = 100'000;

AddressSpace& some_space() {
  static AddressSpace space;
  if (!space.contains(0, 1)) space.map(0, 1U << 16);
  return space;
}

MemoryRequest read_of(std::uint32_t id, std::uint64_t tag, std::uint64_t address = 0) {
  return {.port = 0, .id = id, .op = MemoryOp::read, .address = address, .bytes = 64, .tag = tag};
}

std::vector<MemoryCompletion> due(Memory& memory, Picoseconds now) {
  std::vector<MemoryCompletion> list;
  memory.completions(now, list);
  return list;
}

TEST_CASE("A burst completes exactly its latency after it was issued, not a picosecond before") {
  FixedMemory memory({.latency = kLatency, .jitter = 0, .seed = 0}, some_space());
  CHECK(memory.next_event() == kNever);
  CHECK(memory.try_issue(read_of(0, 7), 1234));
  CHECK(memory.next_event() == 1234 + kLatency);
  CHECK(due(memory, 1234 + kLatency - 1).empty());
  const auto list = due(memory, 1234 + kLatency);
  REQUIRE(list.size() == 1);
  CHECK(list[0].tag == 7);
  CHECK(list[0].time == 1234 + kLatency);
  CHECK(list[0].ok);
  CHECK(due(memory, kNever - 1).empty());
  CHECK(memory.next_event() == kNever);
}

TEST_CASE(
    "Bursts issued one after the other complete at full rate, equal times in order of issue") {
  FixedMemory memory({.latency = kLatency, .jitter = 0, .seed = 0}, some_space());
  for (std::uint64_t i = 0; i < 300; ++i) CHECK(memory.try_issue(read_of(i % 4, i), i / 2 * 1000));
  const auto list = due(memory, kLatency + 150'000);
  REQUIRE(list.size() == 300);
  for (std::uint64_t i = 0; i < 300; ++i) {
    CHECK(list[i].tag == i);
    CHECK(list[i].time == kLatency + i / 2 * 1000);
  }
}

TEST_CASE("A burst outside the mapped regions completes, in the same time, as not ok") {
  FixedMemory memory({.latency = kLatency, .jitter = 0, .seed = 0}, some_space());
  CHECK(memory.try_issue(read_of(0, 1, (1U << 16) - 32), 0));
  CHECK(memory.try_issue(read_of(0, 2, 1U << 20), 0));
  CHECK(memory.try_issue(read_of(0, 3, (1U << 16) - 64), 0));
  const auto list = due(memory, kLatency);
  REQUIRE(list.size() == 3);
  CHECK_FALSE(list[0].ok);
  CHECK_FALSE(list[1].ok);
  CHECK(list[2].ok);
}

TEST_CASE("Random latencies stay within the jitter, use its whole range and reorder ids only") {
  constexpr Picoseconds kJitter = 50'000;
  FixedMemory memory({.latency = kLatency, .jitter = kJitter, .seed = 3}, some_space());
  for (std::uint64_t i = 0; i < 4000; ++i) CHECK(memory.try_issue(read_of(i % 4, i), i * 1000));
  std::map<std::uint64_t, std::uint64_t> last_of_id;
  std::uint64_t last = 0;
  bool reordered = false;
  Picoseconds shortest = kNever;
  Picoseconds longest = 0;
  const auto list = due(memory, kNever - 1);
  REQUIRE(list.size() == 4000);
  for (const MemoryCompletion& completion : list) {
    const std::uint64_t id = completion.tag % 4;
    if (last_of_id.contains(id)) CHECK(completion.tag > last_of_id[id]);
    last_of_id[id] = completion.tag;
    reordered |= completion.tag < last;
    last = completion.tag;
    const Picoseconds taken = completion.time - completion.tag * 1000;
    shortest = std::min(shortest, taken);
    longest = std::max(longest, taken);
  }
  CHECK(reordered);
  CHECK(shortest >= kLatency);
  CHECK(longest <= kLatency + kJitter);
  CHECK(longest > kLatency + kJitter * 95 / 100);
}

TEST_CASE("Without order between them, latencies are uniform over the jitter") {
  constexpr Picoseconds kJitter = 9;
  FixedMemory memory({.latency = 1, .jitter = kJitter, .seed = 11}, some_space());
  std::map<Picoseconds, int> count;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Picoseconds now = i * 1000;
    CHECK(memory.try_issue(read_of(0, i), now));
    ++count[due(memory, now + 999).at(0).time - now];
  }
  REQUIRE(count.size() == kJitter + 1);
  for (const auto& [time, hits] : count) {
    CAPTURE(time);
    CHECK(hits > 850);  // 1000 expected, standard deviation 30
    CHECK(hits < 1150);
  }
}

TEST_CASE("A stream's latencies follow from the seed and not from other streams") {
  const auto times = [](std::uint64_t seed, bool others) {
    FixedMemory memory({.latency = kLatency, .jitter = 50'000, .seed = seed}, some_space());
    std::vector<Picoseconds> list;
    for (std::uint64_t i = 0; i < 100; ++i) {
      const Picoseconds now = i * 1'000'000;
      if (others) memory.try_issue(read_of(1, 1), now);
      memory.try_issue(read_of(0, 0), now);
      for (const MemoryCompletion& completion : due(memory, now + 999'999))
        if (completion.tag == 0) list.push_back(completion.time);
    }
    return list;
  };
  CHECK(times(5, false) == times(5, true));
  CHECK(times(5, false) != times(6, false));
}

TEST_CASE("Reads and writes, and the ports, are streams of their own") {
  // Times of 50 bursts of a stream, alone or with those of all others in between.
  const auto times = [](std::uint32_t port, MemoryOp op, bool others) {
    FixedMemory memory({.latency = kLatency, .jitter = 50'000, .seed = 5}, some_space());
    std::vector<Picoseconds> list(50);
    for (std::uint64_t i = 0; i < list.size(); ++i) {
      for (std::uint32_t p = 0; p < 3; ++p)
        for (const MemoryOp o : {MemoryOp::read, MemoryOp::write}) {
          const bool mine = p == port && o == op;
          if (!mine && !others) continue;
          CHECK(memory.try_issue(
              {.port = p, .id = 0, .op = o, .address = 0, .bytes = 64, .tag = mine ? i : 99},
              i * 1000));
        }
    }
    for (const MemoryCompletion& completion : due(memory, kNever - 1))
      if (completion.tag != 99) list.at(completion.tag) = completion.time;
    return list;
  };
  std::set<std::vector<Picoseconds>> different;
  for (std::uint32_t port = 0; port < 3; ++port)
    for (const MemoryOp op : {MemoryOp::read, MemoryOp::write}) {
      CAPTURE(port, op == MemoryOp::write);
      const std::vector<Picoseconds> alone = times(port, op, false);
      CHECK(alone == times(port, op, true));
      CHECK(std::is_sorted(alone.begin(), alone.end()));
      different.insert(alone);
    }
  CHECK(different.size() == 6);
}

TEST_CASE(
    "Completions come in order of time whatever the order of issue, and wait for their time") {
  FixedMemory memory({.latency = kLatency, .jitter = 50'000, .seed = 2}, some_space());
  for (std::uint64_t i = 0; i < 200; ++i) CHECK(memory.try_issue(read_of(i % 16, i), i * 100));
  std::size_t count = 0;
  Picoseconds last = 0;
  while (memory.next_event() != kNever) {
    const Picoseconds next = memory.next_event();
    CHECK(next >= last);
    CHECK(due(memory, next - 1).empty());
    for (const MemoryCompletion& completion : due(memory, next)) {
      CHECK(completion.time == next);
      ++count;
    }
    last = next;
  }
  CHECK(count == 200);
}

TEST_CASE("An id that AXI does not have is refused") {
  FixedMemory memory({.latency = kLatency, .jitter = 0, .seed = 0}, some_space());
  CHECK_THROWS_AS(memory.try_issue(read_of(kMaxMemoryIds, 0), 0), std::out_of_range);
}

}  // namespace
}  // namespace bitloom::sim
