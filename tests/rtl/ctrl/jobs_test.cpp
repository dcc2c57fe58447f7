// SPDX-License-Identifier: Apache-2.0
// Descriptors in, jobs and completion records out: docs/descriptor.md.
#include <VCtrl/VCtrl.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/ctrl/machine.hpp"

namespace {

using namespace bitloom::rtl;

using Machine = Surroundings<VCtrl>;

constexpr std::uint64_t kRing = 0x1'0000'4000;
constexpr std::uint64_t kRecords = 0x2'0000'8000;
constexpr unsigned kInterruptBit = 11;

struct Call {
  unsigned m = 64;
  unsigned k = 256;
  unsigned bits = 2;
  unsigned planes = 2;
  bool has_offset = false;
  bool interrupt = false;
};

Words descriptor(const Call& call) {
  Words words{};
  words[0] = 1U | unsigned{call.has_offset} << 9 | unsigned{call.interrupt} << kInterruptBit |
             call.bits << 16 | call.planes << 20 | 1U << 24;
  words[1] = call.m;
  words[2] = call.k;
  words[3] = 128;
  words[4] = 0x10000;  // weights; high words are 0 but for the outputs
  words[6] = 0x20000;
  words[8] = 0x30000;
  words[10] = 0x40000;
  words[11] = 0x5;
  return words;
}

void set_up(Machine& machine, unsigned mask) {
  REQUIRE(machine.write(0x014, static_cast<std::uint32_t>(kRing)) == kOkay);
  REQUIRE(machine.write(0x018, static_cast<std::uint32_t>(kRing >> 32)) == kOkay);
  REQUIRE(machine.write(0x01C, static_cast<std::uint32_t>(kRecords)) == kOkay);
  REQUIRE(machine.write(0x020, static_cast<std::uint32_t>(kRecords >> 32)) == kOkay);
  REQUIRE(machine.write(0x024, mask) == kOkay);
  REQUIRE(machine.write(0x00C, 1) == kOkay);
}

void ring(Machine& machine, unsigned count) { REQUIRE(machine.write(0x028, count) == kOkay); }

unsigned status(const Record& record) { return record.words[0] & 0xFFU; }

/// One descriptor through a fresh machine.
Record answer_to(const Words& words, std::size_t* jobs = nullptr) {
  Machine machine;
  set_up(machine, 3);
  machine.memory[kRing] = words;
  ring(machine, 1);
  machine.run_until_records(1);
  if (jobs != nullptr) *jobs = machine.jobs.size();
  return machine.records.front();
}

unsigned rounded_up(unsigned value, unsigned unit) { return (value + unit - 1) / unit; }

}  // namespace

TEST_CASE("A job's streams have the lengths of the images in memory") {
  Random random(151);
  for (unsigned i = 0; i < 60; ++i) {
    Call call;
    call.m = static_cast<unsigned>(random.between(1, 2048));
    call.k = static_cast<unsigned>(random.between(1, 4096));
    call.bits = static_cast<unsigned>(random.between(1, 6));
    call.planes =
        random.chance(30) ? call.bits : static_cast<unsigned>(random.between(call.bits, 8));
    call.has_offset = random.chance(50);
    Machine machine;
    machine.ready_percent = 60;
    set_up(machine, 0);
    machine.memory[kRing] = descriptor(call);
    ring(machine, 1);
    machine.run_until_records(1);
    CHECK(status(machine.records.front()) == 0);
    REQUIRE(machine.jobs.size() == 1);

    // Beats of 8 bytes; 4 rows x 128 columns of one plane are 64 bytes.
    const unsigned tiles = rounded_up(call.m, 4);
    const unsigned groups = rounded_up(call.k, 128);
    const bool contiguous = call.bits == call.planes;
    const unsigned group_beats = call.bits * 8;
    const StartedJob expected{
        .tiles = tiles,
        .slices = groups * 8,
        .bits = call.bits,
        .has_offset = call.has_offset,
        .weights_address = 0x10000,
        .weights_run_beats = contiguous ? tiles * groups * group_beats : group_beats,
        .weights_stride_beats = call.planes * 8,
        .weights_runs = contiguous ? 1 : tiles * groups,
        .scales_address = 0x20000,
        .scales_beats = tiles * groups * (call.bits + (call.has_offset ? 1U : 0U)),
        .activations_address = 0x30000,
        .activations_beats = groups * 128 * 2 / 8,
        .outputs_address = 0x500040000,
        .outputs_values = tiles * 4};
    CAPTURE(call.m, call.k, call.bits, call.planes);
    CHECK(machine.jobs.front() == expected);
  }
}

TEST_CASE("Every descriptor that cannot run is answered with its code and starts nothing") {
  const Words good = descriptor({});
  struct Bad {
    std::string what;
    unsigned status;
    std::function<void(Words&)> spoil;
  };
  const auto set_field = [](unsigned word, unsigned low, unsigned width, std::uint32_t value) {
    return [=](Words& words) {
      const std::uint32_t mask = (width == 32 ? 0xFFFFFFFFU : (1U << width) - 1U) << low;
      words.at(word) = (words.at(word) & ~mask) | value << low;
    };
  };
  const std::vector<Bad> bad{
      {"opcode 0", 1, set_field(0, 0, 8, 0)},
      {"opcode 2", 1, set_field(0, 0, 8, 2)},
      {"M of 0", 2, set_field(1, 0, 32, 0)},
      {"M above max_m", 2, set_field(1, 0, 32, 2049)},
      {"M of 2^32 - 1", 2, set_field(1, 0, 32, 0xFFFFFFFF)},
      {"K of 0", 3, set_field(2, 0, 32, 0)},
      {"K above max_k", 3, set_field(2, 0, 32, 4097)},
      {"group size 0", 4, set_field(3, 0, 32, 0)},
      {"group size 64", 4, set_field(3, 0, 32, 64)},
      {"group size 256", 4, set_field(3, 0, 32, 256)},
      {"0 bits", 5, set_field(0, 16, 4, 0)},
      {"bits above max_bits", 5, set_field(0, 16, 8, 0x87)},
      {"bits above the planes", 5, set_field(0, 20, 4, 1)},
      {"9 planes", 5, set_field(0, 20, 4, 9)},
      {"0 tokens", 6, set_field(0, 24, 5, 0)},
      {"2 tokens", 6, set_field(0, 24, 5, 2)},
      {"codebook mode", 7, set_field(0, 8, 1, 1)},
      {"binary16 results", 8, set_field(0, 10, 1, 1)},
      {"unaligned weights", 9, set_field(4, 0, 12, 0x800)},
      {"unaligned scales", 9, set_field(6, 0, 12, 8)},
      {"unaligned activations", 9, set_field(8, 0, 12, 1)},
      {"unaligned outputs", 9, set_field(10, 0, 12, 64)},
      {"reserved bit 12", 10, set_field(0, 12, 1, 1)},
      {"reserved bit 15", 10, set_field(0, 15, 1, 1)},
      {"reserved bit 29", 10, set_field(0, 29, 1, 1)},
      {"reserved bit 31", 10, set_field(0, 31, 1, 1)},
      {"reserved_0", 10, set_field(12, 0, 32, 1)},
      {"reserved_3", 10, set_field(15, 31, 1, 1)},
  };
  for (const Bad& entry : bad) {
    CAPTURE(entry.what);
    Words words = good;
    entry.spoil(words);
    std::size_t jobs = 0;
    const Record record = answer_to(words, &jobs);
    CHECK(status(record) == entry.status);
    CHECK(jobs == 0);
    CHECK(record.words[0] >> 8 == 0);
  }
  std::size_t jobs = 0;
  CHECK(status(answer_to(good, &jobs)) == 0);
  CHECK(jobs == 1);
}

TEST_CASE("Limits themselves are allowed: the largest M, K, bits and planes, and the smallest") {
  CHECK(status(answer_to(descriptor({.m = 2048, .k = 4096, .bits = 6, .planes = 8}))) == 0);
  CHECK(status(answer_to(descriptor({.m = 1, .k = 1, .bits = 1, .planes = 1}))) == 0);
}

TEST_CASE("Of several faults the first in the order of the checks gives the status") {
  Words words = descriptor({});
  words[10] |= 4;  // bad_address
  CHECK(status(answer_to(words)) == 9);
  words[0] |= 1U << 10;  // bad_format
  CHECK(status(answer_to(words)) == 8);
  words[0] |= 1U << 25;  // bad_tokens
  CHECK(status(answer_to(words)) == 6);
  words[0] &= ~(15U << 16);  // bad_bits
  CHECK(status(answer_to(words)) == 5);
  words[3] = 0;  // bad_group_size
  CHECK(status(answer_to(words)) == 4);
  words[0] |= 1U << 8;  // bad_mode
  CHECK(status(answer_to(words)) == 7);
  words[2] = 0;  // bad_k
  CHECK(status(answer_to(words)) == 3);
  words[1] = 0;  // bad_m
  CHECK(status(answer_to(words)) == 2);
  words[15] = 1;  // bad_reserved
  CHECK(status(answer_to(words)) == 10);
  words[0] |= 2;  // bad_opcode
  CHECK(status(answer_to(words)) == 1);
}

TEST_CASE("Descriptors and records wrap around their rings, good and bad ones in order") {
  Machine machine;
  machine.ready_percent = 50;
  set_up(machine, 3);
  const unsigned count = 21;
  for (unsigned i = 0; i < count; i += 3) {
    // Three at a time: software writes a descriptor only where it has read the record.
    for (unsigned j = i; j < i + 3; ++j) {
      Words words = descriptor({.m = j + 1});
      if (j % 5 == 2) words[2] = 0;
      machine.memory[kRing + 64 * (j % 4)] = words;
    }
    ring(machine, i + 3);
    CHECK(machine.read(0x010).data == 1);
    machine.run_until_records(i + 3);
    CHECK(machine.read(0x010).data == 0);
    CHECK(machine.read(0x02C).data == i + 3);
  }
  REQUIRE(machine.records.size() == count);
  std::size_t job = 0;
  for (unsigned i = 0; i < count; ++i) {
    CAPTURE(i);
    CHECK(machine.fetches.at(i) == kRing + 64 * (i % 4));
    CHECK(machine.records[i].address == kRecords + 64 * (i % 4));
    CHECK(machine.records[i].words[1] == i);
    CHECK(status(machine.records[i]) == (i % 5 == 2 ? 3 : 0));
    if (i % 5 != 2) CHECK(machine.jobs.at(job++).outputs_values == rounded_up(i + 1, 4) * 4);
  }
  CHECK(job == machine.jobs.size());
}

TEST_CASE("Nothing is fetched before the machine is enabled") {
  Machine machine;
  machine.memory[0] = descriptor({});
  ring(machine, 1);
  for (unsigned i = 0; i < 50; ++i) machine.step();
  CHECK(machine.fetches.empty());
  REQUIRE(machine.write(0x00C, 1) == kOkay);
  machine.run_until_records(1);
  CHECK(machine.fetches.size() == 1);
}

TEST_CASE("A record holds the counters at the last write response, and the NaN flag") {
  Machine machine;
  set_up(machine, 3);
  machine.finish_jobs = false;
  machine.memory[kRing] = descriptor({});
  ring(machine, 1);
  for (unsigned i = 0; i < 100; ++i) machine.step();
  REQUIRE(machine.jobs.size() == 1);
  CHECK(machine.records.empty());
  for (unsigned cause = 0; cause < 5; ++cause) {
    machine->cause_i = static_cast<CData>(cause);
    for (unsigned i = 0; i < cause + 3; ++i) machine.step();
  }
  machine->cause_i = 5;
  for (unsigned stream = 0; stream < 6; ++stream) {
    machine->beats_i = static_cast<CData>(1U << stream);
    for (unsigned i = 0; i < stream + 11; ++i) machine.step();
  }
  machine->beats_i = 0;
  machine.job_nan = true;
  machine.finish_jobs = true;
  machine.run_until_records(1);
  const Words& words = machine.records.front().words;
  CHECK(words[0] == 1U << 16);
  for (unsigned cause = 0; cause < 5; ++cause) CHECK(words.at(4 + cause) == cause + 3);
  CHECK(words[9] > 100);
  for (unsigned stream = 0; stream < 6; ++stream) CHECK(words.at(10 + stream) == stream + 11);
  // Cycles after the last response are not counted.
  const std::uint32_t control = machine.read(0x060).data;
  CHECK(control <= words[9] + 1);
}

TEST_CASE("A bus error is charged to its job, with the first error's stream and address") {
  Machine machine;
  set_up(machine, 3);
  machine.finish_jobs = false;
  for (unsigned i = 0; i < 3; ++i) machine.memory[kRing + 64 * i] = descriptor({});
  ring(machine, 2);
  for (unsigned i = 0; i < 90; ++i) machine.step();
  REQUIRE(machine.jobs.size() == 2);
  // The second job's prefetched burst fails first, then one of the first job, twice, and in the
  // same cycle a write of the second one, which has an error already.
  const auto read_error = [&](unsigned tag, unsigned stream, std::uint64_t address) {
    machine->read_error_i = 1;
    machine->read_error_tag_i = static_cast<CData>(tag);
    machine->read_error_stream_i = static_cast<CData>(stream);
    machine->read_error_address_i = address;
    machine.step();
    machine->read_error_i = 0;
  };
  read_error(1, 0, 0x777000);
  read_error(0, 2, 0x123456789A000);
  machine->write_error_i = 1;
  machine->write_error_tag_i = 1;
  machine->write_error_address_i = 0x5000;
  read_error(0, 1, 0x6000);
  machine->write_error_i = 0;
  machine.finish_jobs = true;
  machine.run_until_records(2);
  ring(machine, 3);
  machine.run_until_records(3);
  const auto address = [&](unsigned index) {
    const Words& words = machine.records.at(index).words;
    return words[2] | std::uint64_t{words[3]} << 32;
  };
  CHECK(machine.records[0].words[0] == (11U | 2U << 8));
  CHECK(address(0) == 0x123456789A000);
  CHECK(machine.records[1].words[0] == 11U);
  CHECK(address(1) == 0x777000);
  CHECK(machine.records[2].words[0] == 0);
  CHECK(address(2) == 0);
}

TEST_CASE("A write error beside a read error of another job is charged as well") {
  Machine machine;
  set_up(machine, 3);
  machine.finish_jobs = false;
  for (unsigned i = 0; i < 2; ++i) machine.memory[kRing + 64 * i] = descriptor({});
  ring(machine, 2);
  for (unsigned i = 0; i < 90; ++i) machine.step();
  machine->read_error_i = 1;
  machine->read_error_tag_i = 1;
  machine->read_error_stream_i = 1;
  machine->read_error_address_i = 0x1000;
  machine->write_error_i = 1;
  machine->write_error_tag_i = 0;
  machine->write_error_address_i = 0x2000;
  machine.step();
  machine->read_error_i = 0;
  machine->write_error_i = 0;
  machine.finish_jobs = true;
  machine.run_until_records(2);
  CHECK(machine.records[0].words[0] == (11U | 4U << 8));
  CHECK(machine.records[0].words[2] == 0x2000);
  CHECK(machine.records[1].words[0] == (11U | 1U << 8));
  CHECK(machine.records[1].words[2] == 0x1000);
}

TEST_CASE("A descriptor whose read failed is not executed") {
  Machine machine;
  set_up(machine, 3);
  machine.memory[kRing] = descriptor({});
  machine->read_error_i = 1;
  machine->read_error_tag_i = 0;
  machine->read_error_stream_i = 3;
  machine->read_error_address_i = kRing;
  machine.step();
  machine->read_error_i = 0;
  ring(machine, 1);
  machine.run_until_records(1);
  CHECK(machine.jobs.empty());
  CHECK(machine.records[0].words[0] == (11U | 3U << 8));
  CHECK((machine.records[0].words[2] | std::uint64_t{machine.records[0].words[3]} << 32) == kRing);
}

TEST_CASE("An error of a record's write stays visible in the status register") {
  Machine machine;
  CHECK(machine.read(0x010).data == 0);
  machine->record_error_i = 1;
  machine.step();
  machine->record_error_i = 0;
  CHECK(machine.read(0x010).data == 2);
}

TEST_CASE("The interrupt follows completions that ask for it, its enable and its clear") {
  Machine machine;
  set_up(machine, 3);
  machine.memory[kRing] = descriptor({.interrupt = false});
  machine.memory[kRing + 64] = descriptor({.interrupt = true});
  ring(machine, 1);
  machine.run_until_records(1);
  CHECK(machine.read(0x034).data == 0);
  ring(machine, 2);
  machine.run_until_records(2);
  CHECK(machine.read(0x034).data == 1);
  CHECK(machine->irq_o == 0);
  REQUIRE(machine.write(0x030, 1) == kOkay);
  CHECK(machine->irq_o == 1);
  REQUIRE(machine.write(0x034, 0) == kOkay);
  CHECK(machine->irq_o == 1);
  REQUIRE(machine.write(0x034, 1) == kOkay);
  CHECK(machine->irq_o == 0);
  CHECK(machine.read(0x034).data == 0);
}

TEST_CASE("An interrupt that comes while the last one is cleared stays pending") {
  Machine machine;
  set_up(machine, 3);
  for (unsigned i = 0; i < 3; ++i) {
    machine.memory[kRing + 64 * i] = descriptor({.interrupt = true});
  }
  REQUIRE(machine.write(0x030, 1) == kOkay);
  ring(machine, 1);
  machine.run_until_records(1);
  ring(machine, 2);
  // The clear takes effect in the cycle of the second record's response, one after its data.
  while (machine->record_valid_o == 0) {
    REQUIRE(machine.bench().cycle() < 1000);
    machine.step();
  }
  REQUIRE(machine.write(0x034, 1) == kOkay);
  CHECK(machine.read(0x02C).data == 2);
  CHECK(machine->irq_o == 1);
}

TEST_CASE(
    "A job is offered six cycles after its descriptor's last beat, a bad one's record sooner") {
  Machine machine;
  set_up(machine, 3);
  machine.memory[kRing] = descriptor({});
  ring(machine, 1);
  unsigned last_beat = 0;
  while (machine.jobs.empty()) {
    REQUIRE(machine.bench().cycle() < 200);
    const unsigned now = machine.bench().cycle();
    machine.step();
    if (machine->beat_valid_i) last_beat = now;
    if (machine->job_valid_o && machine.jobs.empty())
      CHECK(machine.bench().cycle() - last_beat == 6);
  }
}

TEST_CASE("A job's last write response leads to its record in the next cycle") {
  Machine machine;
  set_up(machine, 3);
  machine.finish_jobs = false;
  machine.memory[kRing] = descriptor({});
  ring(machine, 1);
  for (unsigned i = 0; i < 60; ++i) machine.step();
  CHECK(machine->record_valid_o == 0);
  machine.finish_jobs = true;
  machine.step();
  CHECK(machine->record_valid_o == 1);
}

TEST_CASE("Three jobs may be under way; the fourth waits for the first one's record") {
  Machine machine;
  set_up(machine, 7);
  machine.finish_jobs = false;
  for (unsigned i = 0; i < 6; ++i) machine.memory[kRing + 64 * i] = descriptor({});
  ring(machine, 6);
  for (unsigned i = 0; i < 500; ++i) machine.step();
  CHECK(machine.jobs.size() == 3);
  CHECK(machine.fetches.size() == 4);
  machine.finish_jobs = true;
  machine.run_until_records(6);
  CHECK(machine.jobs.size() == 6);
}
