// SPDX-License-Identifier: Apache-2.0
// Descriptors in, jobs and completion records out: order, overlap and rates as docs/units/ctrl.md
// states them.
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/ctrl/machine.hpp"

namespace {

using namespace bitloom::rtl;

/// Descriptors 0 .. count - 1 of a ring that holds them all; M tells them apart.
template <class Machine>
void fill(Surroundings<Machine>& machine, unsigned count, Call call = {}) {
  for (unsigned i = 0; i < count; ++i) {
    call.m = i + 1;
    machine.memory[kRing + 64 * i] = descriptor(call);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("Descriptors and records wrap around their rings, good and bad ones in order",
                   "", Tiny, Edge) {
  Surroundings<TestType> machine;
  machine.ready_percent = 50;
  machine.fetch_latency = 7;
  machine.job_latency = 5;
  machine.record_latency = 9;
  machine.set_up(3);
  const unsigned count = 51;
  for (unsigned i = 0; i < count; i += 3) {
    // Three at a time: software writes a descriptor only where it has read the record.
    for (unsigned j = i; j < i + 3; ++j) {
      Words words = descriptor({.m = j + 1});
      if (j % 5 == 2) words[2] = 0;
      machine.memory[kRing + 64 * (j % 4)] = words;
    }
    machine.ring(i + 3);
    CHECK(machine.read(kStatus).data == 1);
    machine.run_until_answered(i + 3);
    CHECK(machine.read(kStatus).data == 0);
    CHECK(machine.read(kCompleted).data == i + 3);
  }
  REQUIRE(machine.records.size() == count);
  std::size_t job = 0;
  for (unsigned i = 0; i < count; ++i) {
    CAPTURE(i);
    CHECK(machine.requests.at(i) == ReadJob{.address = kRing + 64 * (i % 4),
                                            .run_lines = 512 / TestType::kParameters.beat,
                                            .stride_lines = 0,
                                            .runs = 1,
                                            .stripe = 0,
                                            .tag = i % 16});
    CHECK(machine.records[i].address == kRecords + 64 * (i % 4));
    CHECK(machine.records[i].index() == i);
    CHECK(machine.records[i].status() == (i % 5 == 2 ? 3 : 0));
    if (i % 5 == 2) continue;
    CHECK(machine.jobs.at(job).outputs.tag == i % 16);
    CHECK(machine.jobs.at(job++).outputs.values ==
          divide_up(i + 1, TestType::kParameters.rows) * TestType::kParameters.rows);
  }
  CHECK(job == machine.jobs.size());
}

TEST_CASE("Bad descriptors alone keep no one waiting, and records follow one another") {
  Surroundings<Edge> machine;
  machine.set_up(255);
  fill(machine, 100, {.bits = 0});
  machine.ring(100);
  machine.run_until_answered(100);
  CHECK(machine.jobs.empty());
  for (unsigned i = 0; i < 100; ++i) {
    CHECK(machine.records.at(i).status() == 5);
    CHECK(machine.records.at(i).index() == i);
    CHECK(machine.records.at(i).address == kRecords + 64 * i);
  }
}

TEST_CASE("Nothing is fetched before the machine is enabled") {
  Surroundings<Tiny> machine;
  machine.memory[0] = descriptor({});
  machine.ring(1);
  machine.steps(50);
  CHECK(machine.requests.empty());
  REQUIRE(machine.write(kControl, 1) == kOkay);
  machine.run_until_answered(1);
  CHECK(machine.requests.size() == 1);
}

TEST_CASE("Doorbells while the machine works, and its being disabled, lose and repeat nothing") {
  Surroundings<Tiny> machine;
  machine.fetch_latency = 40;
  machine.job_latency = 60;
  machine.record_latency = 30;
  machine.set_up(63);
  fill(machine, 40);
  machine.ring(3);
  machine.steps(30);
  machine.ring(20);
  machine.steps(25);
  REQUIRE(machine.write(kControl, 0) == kOkay);
  const std::size_t requested = machine.requests.size();
  CHECK(requested > 3);
  CHECK(requested < 20);
  machine.ring(40);
  machine.steps(1000);
  // What was asked for when it was disabled runs to its end.
  CHECK(machine.requests.size() == requested);
  CHECK(machine.records.size() == requested);
  CHECK(machine.read(kStatus).data == 1);
  REQUIRE(machine.write(kControl, 1) == kOkay);
  machine.run_until_answered(40);
  CHECK(machine.read(kStatus).data == 0);
  for (unsigned i = 0; i < 40; ++i) {
    CHECK(machine.requests.at(i).address == kRing + 64 * i);
    CHECK(machine.records.at(i).index() == i);
    CHECK(machine.jobs.at(i).job.tiles == divide_up(i + 1, 4));
  }
}

TEST_CASE("A free-running count may pass 2^16 entries: addresses wrap, records count on") {
  Surroundings<Edge> machine;
  machine.set_up(7);
  for (unsigned i = 0; i < 8; ++i)
    machine.memory[kRing + 64 * i] = descriptor({.bits = i % 2 == 0 ? 2U : 0U});
  const unsigned count = 65536 + 20;
  machine.ring(count);
  machine.run_until_answered(count, 2000000);
  CHECK(machine.records.at(65536 + 5).index() == 65536 + 5);
  CHECK(machine.records.at(65536 + 5).address == kRecords + 64 * 5);
  CHECK(machine.requests.at(65536 + 5).address == kRing + 64 * 5);
  CHECK(machine.read(kCompleted).data == count);
}

// ---- Windows --------------------------------------------------------------------------------

TEST_CASE("Sixteen descriptors are read ahead of the one that is worked on, and no more") {
  Surroundings<Tiny> machine;
  machine.set_up(63);
  fill(machine, 60);
  machine.fetch_latency = 1000;
  machine.ring(60);
  machine.steps(300);
  CHECK(machine.requests.size() == 16);
}

TEST_CASE("Fifteen jobs may be under way; the sixteenth waits for the first one's end") {
  Surroundings<Tiny> machine;
  machine.set_up(63);
  machine.finish_jobs = false;
  fill(machine, 60);
  machine.ring(60);
  machine.steps(1000);
  CHECK(machine.jobs.size() == 15);
  CHECK(machine.requests.size() == 15 + 16);
  machine.finish_jobs = true;
  machine.run_until_answered(60);
  CHECK(machine.jobs.size() == 60);
}

TEST_CASE("Sixteen records may wait for their responses; jobs go on until they do") {
  Surroundings<Tiny> machine;
  machine.set_up(63);
  machine.answer_records = false;
  fill(machine, 60);
  machine.ring(60);
  machine.steps(1500);
  CHECK(machine.records.size() == 16);
  CHECK(machine.finished == 16);
  CHECK(machine.jobs.size() == 16 + 15);
  CHECK(machine.read(kCompleted).data == 0);
  machine.answer_records = true;
  machine.run_until_answered(60);
  CHECK(machine.read(kCompleted).data == 60);
}

// ---- Rates and latencies of docs/units/ctrl.md -----------------------------------------------

TEST_CASE("A job is offered five cycles after its descriptor's only beat, six after its last") {
  const auto latency = [](auto machine) {
    machine->set_up(3);
    machine->memory[kRing] = descriptor({});
    machine->ring(1);
    machine->run_until_answered(1);
    return machine->job_cycles.at(0) - machine->last_beat_cycles.at(0);
  };
  CHECK(latency(std::make_unique<Surroundings<Edge>>()) == 5);
  CHECK(latency(std::make_unique<Surroundings<Tiny>>()) == 6);
}

TEST_CASE("A job's last write response leads to its record in the next cycle") {
  Surroundings<Tiny> machine;
  machine.set_up(3);
  machine.finish_jobs = false;
  machine.memory[kRing] = descriptor({});
  machine.ring(1);
  machine.steps(60);
  CHECK(machine->record_valid_o == 0);
  machine.finish_jobs = true;
  machine.step();
  CHECK(machine->record_valid_o == 1);
}

TEST_CASE("Jobs are dispatched every 6 cycles, every 8 where a descriptor has that many beats") {
  const auto period = [](auto machine) {
    machine->set_up(63);
    machine->finish_jobs = false;
    fill(*machine, 40);
    machine->ring(40);
    machine->steps(300);
    REQUIRE(machine->jobs.size() == 15);
    return machine->job_cycles.at(14) - machine->job_cycles.at(13);
  };
  CHECK(period(std::make_unique<Surroundings<Edge>>()) == 6);
  CHECK(period(std::make_unique<Surroundings<Tiny>>()) == 8);
}

TEMPLATE_TEST_CASE("Memory latency does not bound the rate of small jobs", "", Tiny, Edge, Server) {
  constexpr unsigned kCount = 240;
  Surroundings<TestType> machine;
  machine.fetch_latency = 100;
  machine.job_latency = 120;
  machine.record_latency = 100;
  machine.set_up(255);
  fill(machine, kCount);
  machine.ring(kCount);
  machine.run_until_answered(kCount);
  // Without the first ones, which wait for the first descriptor.
  const unsigned cycles = machine.record_cycles.at(kCount - 1) - machine.record_cycles.at(39);
  CAPTURE(cycles);
  CHECK(cycles <= 9 * (kCount - 40));
}

TEST_CASE("Records follow every 2 cycles where nothing else takes time") {
  Surroundings<Edge> machine;
  machine.set_up(63);
  machine.finish_jobs = false;
  fill(machine, 15);
  machine.ring(15);
  machine.steps(300);
  machine.finish_jobs = true;
  machine.record_latency = 100;
  machine.run_until_answered(15);
  CHECK(machine.record_cycles.at(14) - machine.record_cycles.at(0) == 28);
}

// ---- Completion -----------------------------------------------------------------------------

TEST_CASE("A record holds the counters at the last write response, and a NaN bit per token") {
  Surroundings<Tiny> machine;
  machine.set_up(3);
  machine.finish_jobs = false;
  machine.memory[kRing] = descriptor({});
  machine.ring(1);
  machine.steps(100);
  REQUIRE(machine.jobs.size() == 1);
  CHECK(machine.records.empty());
  for (unsigned cause = 0; cause < 5; ++cause) {
    machine->cause_i = static_cast<CData>(cause);
    machine.steps(cause + 3);
  }
  machine->cause_i = 5;
  for (unsigned stream = 0; stream < 6; ++stream) {
    machine->beats_i = std::uint64_t{stream + 1} << (6 * stream);
    machine.steps(stream + 11);
  }
  machine->beats_i = 0;
  machine.job_nan = 0xA005;
  machine.finish_jobs = true;
  machine.run_until_answered(1);
  const Words& words = machine.records.front().words;
  CHECK(words[0] == 0xA005U << 16);
  for (unsigned cause = 0; cause < 5; ++cause) CHECK(words.at(4 + cause) == cause + 3);
  CHECK(words[9] > 100);
  for (unsigned stream = 0; stream < 6; ++stream)
    CHECK(words.at(10 + stream) == (stream + 1) * (stream + 11));
  // Cycles after the last response are not counted.
  const std::uint32_t control = machine.read(0x060).data;
  CHECK(control <= words[9] + 1);
}

TEST_CASE("Bad descriptors report no NaN of the job behind them") {
  Surroundings<Tiny> machine;
  machine.set_up(3);
  machine.job_nan = 0xFFFF;
  machine.memory[kRing] = descriptor({.bits = 0});
  machine.memory[kRing + 64] = descriptor({});
  machine.ring(2);
  machine.run_until_answered(2);
  CHECK(machine.records.at(0).nan_tokens() == 0);
  CHECK(machine.records.at(1).nan_tokens() == 0xFFFF);
}

TEST_CASE("In a train, the causes of two records differ by the cycles between them") {
  Surroundings<Edge> machine;
  machine.fetch_latency = 30;
  machine.job_latency = 47;
  machine.set_up(63);
  fill(machine, 30);
  machine.ring(30);
  for (unsigned i = 0; machine.answered < 30; ++i) {
    REQUIRE(i < 5000);
    machine->cause_i = static_cast<CData>(i % 6);
    machine.step();
  }
  for (unsigned i = 1; i < 30; ++i) {
    std::uint32_t counted = 0;
    for (unsigned cause = 0; cause < 6; ++cause)
      counted +=
          machine.records[i].words.at(4 + cause) - machine.records[i - 1].words.at(4 + cause);
    // A record is offered in the cycle after its sample and taken at once.
    CHECK(counted == machine.record_cycles[i] - machine.record_cycles[i - 1]);
  }
}

TEST_CASE("completed and the interrupt follow the responses of records, in order") {
  Surroundings<Tiny> machine;
  machine.set_up(63);
  machine.answer_records = false;
  REQUIRE(machine.write(kIrqEnable, 1) == kOkay);
  const auto wants_interrupt = [](unsigned i) { return i % 3 == 1 || i == 15 || i == 16; };
  for (unsigned i = 0; i < 20; ++i)
    machine.memory[kRing + 64 * i] = descriptor({.interrupt = wants_interrupt(i)});
  machine.ring(20);
  machine.steps(400);
  CHECK(machine.records.size() == 16);
  CHECK(machine->irq_o == 0);
  for (unsigned i = 0; i < 20; ++i) {
    CAPTURE(i);
    machine.answer_records = true;
    machine.step();
    machine.answer_records = false;
    CHECK(machine.answered == i + 1);
    CHECK(machine.read(kCompleted).data == i + 1);
    CHECK(machine->irq_o == wants_interrupt(i));
    REQUIRE(machine.write(kIrqStatus, 1) == kOkay);
    CHECK(machine->irq_o == 0);
    machine.steps(30);
  }
}

TEST_CASE("The interrupt follows completions that ask for it, its enable and its clear") {
  Surroundings<Tiny> machine;
  machine.set_up(3);
  machine.memory[kRing] = descriptor({.interrupt = false});
  machine.memory[kRing + 64] = descriptor({.interrupt = true});
  machine.ring(1);
  machine.run_until_answered(1);
  CHECK(machine.read(kIrqStatus).data == 0);
  machine.ring(2);
  machine.run_until_answered(2);
  CHECK(machine.read(kIrqStatus).data == 1);
  CHECK(machine->irq_o == 0);
  REQUIRE(machine.write(kIrqEnable, 1) == kOkay);
  CHECK(machine->irq_o == 1);
  REQUIRE(machine.write(kIrqStatus, 0) == kOkay);
  CHECK(machine->irq_o == 1);
  REQUIRE(machine.write(kIrqStatus, 1) == kOkay);
  CHECK(machine->irq_o == 0);
  CHECK(machine.read(kIrqStatus).data == 0);
}

TEST_CASE("An interrupt that comes while the last one is cleared stays pending") {
  Surroundings<Tiny> machine;
  machine.set_up(3);
  for (unsigned i = 0; i < 2; ++i) machine.memory[kRing + 64 * i] = descriptor({.interrupt = true});
  REQUIRE(machine.write(kIrqEnable, 1) == kOkay);
  machine.ring(1);
  machine.run_until_answered(1);
  machine.ring(2);
  // The clear takes effect in the cycle of the second record's response, one after its data.
  while (machine->record_valid_o == 0) {
    REQUIRE(machine.bench().cycle() < 1000);
    machine.step();
  }
  REQUIRE(machine.write(kIrqStatus, 1) == kOkay);
  CHECK(machine.read(kCompleted).data == 2);
  CHECK(machine->irq_o == 1);
}
