// SPDX-License-Identifier: Apache-2.0
// Bus errors: each is charged to its job, the first of a job is reported, and nothing hangs.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/ctrl/machine.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kBusError = 11;

void check_fault(const Record& record, unsigned stream, std::uint64_t address) {
  CHECK(record.status() == kBusError);
  CHECK(record.stream() == stream);
  CHECK(record.fault_address() == address);
}

}  // namespace

TEST_CASE("A bus error is charged to its job, with the first error's stream and address") {
  Surroundings<Tiny> machine;
  machine.set_up(3);
  machine.finish_jobs = false;
  for (unsigned i = 0; i < 3; ++i) machine.memory[kRing + 64 * i] = descriptor({});
  machine.ring(2);
  machine.steps(90);
  REQUIRE(machine.jobs.size() == 2);
  // The second job's prefetched burst fails first, then one of the first job, twice, and in the
  // same cycle a write of the second one, which has an error already.
  machine.errors_now = {{0, 1, 0x777000}};
  machine.step();
  machine.errors_now = {{2, 0, 0x123456789A000}};
  machine.step();
  machine.errors_now = {{1, 0, 0x6000}, {4, 1, 0x5000}};
  machine.step();
  machine.finish_jobs = true;
  machine.run_until_answered(2);
  machine.ring(3);
  machine.run_until_answered(3);
  check_fault(machine.records[0], 2, 0x123456789A000);
  check_fault(machine.records[1], 0, 0x777000);
  CHECK(machine.records[2].words[0] == 0);
  CHECK(machine.records[2].fault_address() == 0);
}

TEST_CASE("Errors of all streams in one cycle each reach their job") {
  Surroundings<Tiny> machine;
  machine.set_up(15);
  machine.finish_jobs = false;
  for (unsigned i = 0; i < 5; ++i) machine.memory[kRing + 64 * i] = descriptor({});
  machine.ring(5);
  machine.steps(120);
  REQUIRE(machine.jobs.size() == 5);
  machine.errors_now = {{0, 3, 0x1000}, {1, 2, 0x2000}, {2, 4, 0x3000}, {4, 0, 0x4000}};
  machine.step();
  machine.finish_jobs = true;
  machine.run_until_answered(5);
  check_fault(machine.records[0], 4, 0x4000);
  CHECK(machine.records[1].status() == 0);
  check_fault(machine.records[2], 1, 0x2000);
  check_fault(machine.records[3], 0, 0x1000);
  check_fault(machine.records[4], 2, 0x3000);
}

TEST_CASE("Of one job's errors in one cycle, that of the lowest stream is the first") {
  for (unsigned lowest : {0U, 1U, 2U}) {
    Surroundings<Tiny> machine;
    machine.set_up(3);
    machine.finish_jobs = false;
    machine.memory[kRing] = descriptor({});
    machine.ring(1);
    machine.steps(60);
    machine.errors_now = {{4, 0, 0x44000}};
    for (unsigned stream = lowest; stream < 3; ++stream)
      machine.errors_now.push_back({stream, 0, 0x1000 * (stream + 1)});
    machine.step();
    machine.finish_jobs = true;
    machine.run_until_answered(1);
    check_fault(machine.records[0], lowest, 0x1000 * (lowest + 1));
  }
}

TEMPLATE_TEST_CASE("A descriptor whose read failed is not executed; its neighbours are", "", Tiny,
                   Edge) {
  Surroundings<TestType> machine;
  machine.set_up(15);
  for (unsigned i = 0; i < 9; ++i) machine.memory[kRing + 64 * i] = descriptor({.m = i + 1});
  machine.memory[kRing + 64 * 5] = Words{};  // as what a failed read may bring
  machine.descriptor_errors = {{1, {kRing + 64}}, {4, {0xABC000}}, {5, {0xDEF000}}};
  machine.ring(9);
  machine.run_until_answered(9);
  CHECK(machine.jobs.size() == 6);
  for (unsigned i = 0; i < 9; ++i) {
    CAPTURE(i);
    if (i == 1)
      check_fault(machine.records[i], 3, kRing + 64);
    else if (i == 4)
      check_fault(machine.records[i], 3, 0xABC000);
    else if (i == 5)
      check_fault(machine.records[i], 3, 0xDEF000);
    else
      CHECK(machine.records[i].words[0] == 0);
  }
}

TEST_CASE("The error of a descriptor's read may come up to three cycles after its last beat") {
  for (unsigned late = 1; late <= 4; ++late) {
    Surroundings<Edge> machine;
    machine.set_up(3);
    machine.memory[kRing] = descriptor({});
    machine.ring(1);
    while (machine.last_beat_cycles.empty()) machine.step();
    machine.steps(late - 1);
    machine.errors_now = {{3, 0, 0x5000}};
    if (late == 4) {
      CHECK_THROWS_AS(machine.step(), AssertionFailed);
      break;
    }
    machine.step();
    machine.run_until_answered(1);
    CHECK(machine.jobs.empty());
    check_fault(machine.records.at(0), 3, 0x5000);
  }
}

TEMPLATE_TEST_CASE("In a storm of errors every descriptor gets its record, with its first error",
                   "", Tiny, Server) {
  constexpr unsigned kCount = 600;
  Random random(161);
  Surroundings<TestType> machine;
  machine.ready_percent = 80;
  machine.fetch_latency = 20;
  machine.job_latency = 40;
  machine.record_latency = 25;
  machine.set_up(1023);
  struct Expected {
    unsigned status = 0;
    unsigned stream = 0;
    std::uint64_t address = 0;
  };
  std::vector<Expected> expected(kCount);
  std::vector<unsigned> good;  // descriptors that become jobs
  for (unsigned i = 0; i < kCount; ++i) {
    Words words = descriptor({.m = i + 1, .interrupt = random.chance(50)});
    if (random.chance(10)) {
      words[0] ^= 2;
      expected[i].status = 1;
    }
    if (random.chance(15)) {
      std::vector<std::uint64_t> addresses;
      const auto beats = random.between(1, 512 / TestType::kParameters.beat);
      for (std::int64_t b = 0; b < beats; ++b) addresses.push_back(random.bits(50) << 6);
      machine.descriptor_errors[i] = addresses;
      expected[i] = {kBusError, 3, addresses.front()};
    }
    if (expected[i].status == 0) good.push_back(i);
    machine.memory[kRing + 64 * i] = words;
  }
  machine.ring(kCount);

  // Every job gets none to three errors between its start and its end.
  std::multimap<unsigned, BusError> plan;  // by cycle
  std::map<unsigned, unsigned> index_of_tag;
  std::size_t seen = 0;
  for (unsigned i = 0; machine.answered < kCount; ++i) {
    REQUIRE(i < 50000);
    const unsigned now = machine.bench().cycle();
    for (; seen < machine.jobs.size(); ++seen) {
      const unsigned index = good.at(seen);
      index_of_tag[index % 16] = index;
      for (auto n = random.between(-2, 3); n > 0; --n) {
        const auto choice = static_cast<unsigned>(random.between(0, 3));
        const BusError error{choice == 3 ? 4 : choice, index % 16, random.bits(52) << 12};
        plan.emplace(now + static_cast<unsigned>(random.between(0, 36)), error);
      }
    }
    // One error per stream and cycle; the others wait.
    auto [begin, end] = plan.equal_range(now);
    std::vector<BusError> due;
    for (auto it = begin; it != end; ++it) due.push_back(it->second);
    plan.erase(now);
    std::sort(due.begin(), due.end(),
              [](const BusError& a, const BusError& b) { return a.stream < b.stream; });
    for (const BusError& error : due) {
      const bool busy =
          !machine.errors_now.empty() && machine.errors_now.back().stream == error.stream;
      if (busy) {
        plan.emplace(now + 1, error);
        continue;
      }
      machine.errors_now.push_back(error);
      Expected& job = expected.at(index_of_tag.at(error.tag));
      if (job.status == 0) job = {kBusError, error.stream, error.address};
    }
    machine.step();
  }
  CHECK(plan.empty());
  CHECK(machine.jobs.size() == good.size());
  unsigned faults = 0;
  for (unsigned i = 0; i < kCount; ++i) {
    CAPTURE(i);
    const Record& record = machine.records.at(i);
    CHECK(record.index() == i);
    CHECK(record.status() == expected[i].status);
    CHECK(record.stream() == expected[i].stream);
    CHECK(record.fault_address() == expected[i].address);
    if (record.status() == kBusError) ++faults;
  }
  CHECK(faults > 200);
  CHECK(machine.read(kStatus).data == 0);
}

TEST_CASE("An error of a record's write stays visible in the status register") {
  Surroundings<Tiny> machine;
  CHECK(machine.read(kStatus).data == 0);
  machine->record_error_i = 1;
  machine.step();
  machine->record_error_i = 0;
  CHECK(machine.read(kStatus).data == 2);
}

TEST_CASE("An error that names no job under way is a fault of the machine itself") {
  for (const BusError& error :
       {BusError{0, 1, 0}, BusError{2, 15, 0}, BusError{4, 1, 0}, BusError{3, 0, 0}}) {
    Surroundings<Tiny> machine;
    machine.set_up(3);
    machine.finish_jobs = false;
    machine.memory[kRing] = descriptor({});
    machine.ring(1);
    machine.steps(60);
    machine.errors_now = {error};
    CHECK_THROWS_AS(machine.step(), AssertionFailed);
  }
}
