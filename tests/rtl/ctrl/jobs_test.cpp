// SPDX-License-Identifier: Apache-2.0
// What a descriptor says and what follows from it, field by field: docs/descriptor.md.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/ctrl/machine.hpp"

namespace {

using namespace bitloom::rtl;

/// One descriptor through a fresh machine.
template <class Machine>
Record answer_to(const Words& words, std::size_t* jobs = nullptr) {
  Surroundings<Machine> machine;
  machine.set_up(3);
  machine.memory[kRing] = words;
  machine.ring(1);
  machine.run_until_answered(1);
  if (jobs != nullptr) *jobs = machine.jobs.size();
  return machine.records.front();
}

template <class Machine>
unsigned status_of(const Call& call) {
  return answer_to<Machine>(descriptor(call)).status();
}

void check_read(const ReadJob& found, const ReadJob& expected) {
  CHECK(found.address == expected.address);
  CHECK(found.run_lines == expected.run_lines);
  CHECK(found.stride_lines == expected.stride_lines);
  CHECK(found.runs == expected.runs);
  CHECK(found.stripe == expected.stripe);
  CHECK(found.tag == expected.tag);
}

void check_job(const StartedJob& found, const StartedJob& expected) {
  CHECK(found.job.tiles == expected.job.tiles);
  CHECK(found.job.blocks == expected.job.blocks);
  CHECK(found.job.span == expected.job.span);
  CHECK(found.job.last_span == expected.job.last_span);
  CHECK(found.job.shared_word == expected.job.shared_word);
  CHECK(found.job.group_log2 == expected.job.group_log2);
  CHECK(found.job.bits == expected.job.bits);
  CHECK(found.job.rounds == expected.job.rounds);
  CHECK(found.job.codebook == expected.job.codebook);
  CHECK(found.job.per_row == expected.job.per_row);
  CHECK(found.job.has_offset == expected.job.has_offset);
  CHECK(found.job.binary16 == expected.job.binary16);
  CHECK(found.job.tokens == expected.job.tokens);
  CHECK(found.job.rounding_exponent == expected.job.rounding_exponent);
  CHECK(found.job.scale_pairs == expected.job.scale_pairs);
  check_read(found.weights, expected.weights);
  check_read(found.scales, expected.scales);
  check_read(found.activations, expected.activations);
  CHECK(found.outputs.address == expected.outputs.address);
  CHECK(found.outputs.values == expected.outputs.values);
  CHECK(found.outputs.binary16 == expected.outputs.binary16);
  CHECK(found.outputs.tag == expected.outputs.tag);
}

std::function<void(Words&)> field(unsigned word, unsigned low, unsigned width,
                                  std::uint32_t value) {
  return [=](Words& words) {
    const std::uint32_t mask = (width == 32 ? 0xFFFFFFFFU : (1U << width) - 1U) << low;
    words.at(word) = (words.at(word) & ~mask) | value << low;
  };
}

}  // namespace

TEMPLATE_TEST_CASE("A job's fields are those of the images in memory", "", Tiny, Edge, Server,
                   Narrow, Flat) {
  constexpr unsigned kCount = 400;
  Random random(151);
  Surroundings<TestType> machine;
  machine.ready_percent = 60;
  machine.set_up(511);
  std::vector<Call> calls;
  for (unsigned i = 0; i < kCount; ++i) {
    calls.push_back(random_call(random, TestType::kParameters));
    machine.memory[kRing + 64 * i] = descriptor(calls.back());
  }
  machine.ring(kCount);
  machine.run_until_answered(kCount);
  REQUIRE(machine.jobs.size() == kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    const Call& call = calls.at(i);
    CAPTURE(i, call.m, call.k, call.group, call.bits, call.planes, call.tokens, call.codebook);
    check_job(machine.jobs.at(i), expected_job(TestType::kParameters, call, i));
    CHECK(machine.records.at(i).status() == 0);
  }
}

TEST_CASE("Examples worked out by hand") {
  const auto job_of = [](const auto& machine_type, const Call& call) {
    Surroundings<std::remove_cvref_t<decltype(machine_type)>> machine;
    machine.set_up(0);
    machine.memory[kRing] = descriptor(call);
    machine.ring(1);
    machine.run_until_answered(1);
    return machine.jobs.at(0);
  };
  // 64 rows and 128 columns per pass, lines of 1 KiB: a plane word is one line. 300 columns are ten
  // groups of 32, four to a slice, so three slices of which the last one has two groups. Per row
  // tile, 10 groups have an offset and 3 scales: 40 vectors of 128 bytes. 65 rows are two tiles.
  const StartedJob server = job_of(
      Server{},
      {.m = 65, .k = 300, .group = 32, .bits = 3, .planes = 4, .tokens = 2, .has_offset = true});
  CHECK(server.job.tiles == 2);
  CHECK(server.job.blocks == 3);
  CHECK(server.job.span == 4);
  CHECK(server.job.last_span == 2);
  CHECK(server.job.shared_word == 1);
  CHECK(server.job.scale_pairs == 40);
  CHECK(server.weights.run_lines == 3);
  CHECK(server.weights.stride_lines == 4);
  CHECK(server.weights.runs == 6);
  CHECK(server.scales.run_lines == 10);
  CHECK(server.activations.run_lines == 2);  // 3 * 128 * 2 bytes per token
  CHECK(server.activations.runs == 1);
  CHECK(server.outputs.values == 256);

  // 4 rows and 16 columns, lines of 8 bytes: a plane word is one line. A group per row is worked on
  // in blocks of 256 columns, 16 slices; 5 centroids would not fill 8 codes. 3 tiles of 4 vectors
  // of 8 bytes; 512 columns of 2 bytes per token, read twice.
  const StartedJob tiny =
      job_of(Tiny{}, {.m = 9, .k = 257, .group = 0, .bits = 2, .planes = 2, .codebook = true});
  CHECK(tiny.job.tiles == 3);
  CHECK(tiny.job.blocks == 2);
  CHECK(tiny.job.span == 16);
  CHECK(tiny.job.last_span == 16);
  CHECK(tiny.job.shared_word == 0);
  CHECK(tiny.job.rounds == 4);
  CHECK(tiny.job.per_row == 1);
  CHECK(tiny.job.scale_pairs == 6);
  CHECK(tiny.weights.run_lines == 3 * 2 * 2 * 16);
  CHECK(tiny.weights.runs == 1);
  CHECK(tiny.scales.run_lines == 12);
  CHECK(tiny.activations.run_lines == 128);
  CHECK(tiny.activations.runs == 2);
}

TEST_CASE("Every descriptor that cannot run is answered with its code and starts nothing") {
  const Words good = descriptor({});
  struct Bad {
    std::string what;
    unsigned status;
    std::function<void(Words&)> spoil;
  };
  const std::vector<Bad> bad{
      {"opcode 0", 1, field(0, 0, 8, 0)},
      {"opcode 2", 1, field(0, 0, 8, 2)},
      {"opcode 129", 1, field(0, 0, 8, 129)},
      {"M of 0", 2, field(1, 0, 32, 0)},
      {"M above max_m", 2, field(1, 0, 32, 2049)},
      {"M of 2^32 - 1", 2, field(1, 0, 32, 0xFFFFFFFF)},
      {"K of 0", 3, field(2, 0, 32, 0)},
      {"K above max_k", 3, field(2, 0, 32, 4097)},
      {"K of 2^31", 3, field(2, 0, 32, 0x80000000)},
      {"group size 1", 4, field(3, 0, 16, 1)},
      {"group size 16", 4, field(3, 0, 16, 16)},
      {"group size 96", 4, field(3, 0, 16, 96)},
      {"group size 512", 4, field(3, 0, 16, 512)},
      {"group size 32800", 4, field(3, 0, 16, 32800)},
      {"0 bits", 5, field(0, 16, 4, 0)},
      {"bits above max_bits", 5, field(0, 16, 8, 0x87)},
      {"bits above the planes", 5, field(0, 20, 4, 1)},
      {"9 planes", 5, field(0, 20, 4, 9)},
      {"codebook bits above max_codebook_bits", 5,
       [](Words& words) { words = descriptor({.bits = 4, .planes = 4, .codebook = true}); }},
      {"0 tokens", 6, field(0, 24, 5, 0)},
      {"5 tokens", 6, field(0, 24, 5, 5)},
      {"17 tokens", 6, field(0, 24, 5, 17)},
      {"codebook with offset", 7, field(0, 8, 2, 3)},
      {"unaligned weights", 9, field(4, 0, 12, 0x800)},
      {"unaligned scales", 9, field(6, 0, 12, 8)},
      {"unaligned activations", 9, field(8, 0, 12, 1)},
      {"unaligned outputs", 9, field(10, 0, 12, 64)},
      {"reserved bit 12", 10, field(0, 12, 1, 1)},
      {"reserved bit 15", 10, field(0, 15, 1, 1)},
      {"reserved bit 29", 10, field(0, 29, 1, 1)},
      {"reserved bit 31", 10, field(0, 31, 1, 1)},
      {"rounding_exponent with an exact accumulator", 10, field(3, 16, 8, 0x80)},
      {"reserved bit 24 of word 3", 10, field(3, 24, 1, 1)},
      {"reserved bit 31 of word 3", 10, field(3, 31, 1, 1)},
      {"reserved_0", 10, field(15, 0, 32, 1)},
      {"the top bit of reserved_0", 10, field(15, 31, 1, 1)},
  };
  for (const Bad& entry : bad) {
    CAPTURE(entry.what);
    Words words = good;
    entry.spoil(words);
    std::size_t jobs = 0;
    const Record record = answer_to<Tiny>(words, &jobs);
    CHECK(record.status() == entry.status);
    CHECK(jobs == 0);
    CHECK(record.words[0] >> 8 == 0);
    CHECK(record.fault_address() == 0);
  }
  std::size_t jobs = 0;
  CHECK(answer_to<Tiny>(good, &jobs).status() == 0);
  CHECK(jobs == 1);
}

TEST_CASE("A configuration without codebook mode refuses it by name") {
  CHECK(status_of<Narrow>({.bits = 1, .planes = 1, .codebook = true}) == 7);
  CHECK(status_of<Narrow>({.bits = 1, .planes = 1}) == 0);
}

TEST_CASE("A narrow accumulator takes any rounding exponent, but no bit behind it") {
  CHECK(status_of<Narrow>({.rounding_exponent = 0xFF}) == 0);
  CHECK(status_of<Narrow>({.rounding_exponent = 0x80}) == 0);
  Words words = descriptor({});
  words[3] |= 1U << 24;
  CHECK(answer_to<Narrow>(words).status() == 10);
}

TEST_CASE("Limits themselves are allowed: the largest values and the smallest") {
  CHECK(status_of<Tiny>({.m = 2048, .k = 4096, .bits = 6, .planes = 8, .tokens = 4}) == 0);
  CHECK(status_of<Tiny>({.m = 1, .k = 1, .bits = 1, .planes = 1}) == 0);
  CHECK(status_of<Tiny>({.bits = 3, .planes = 8, .codebook = true}) == 0);
  CHECK(status_of<Edge>({.m = 262144, .k = 16384, .bits = 8, .planes = 8, .tokens = 4}) == 0);
  CHECK(status_of<Server>({.m = 262144, .k = 49152, .group = 0, .bits = 8, .planes = 8}) == 0);
  CHECK(status_of<Narrow>({.m = 1000, .k = 768, .bits = 3, .planes = 3, .tokens = 16}) == 0);
  CHECK(status_of<Narrow>({.tokens = 17}) == 6);
  CHECK(status_of<Flat>({.k = 1048576, .bits = 1, .planes = 1}) == 0);
  CHECK(status_of<Flat>({.bits = 2, .planes = 2}) == 5);
  CHECK(status_of<Flat>({.bits = 4, .planes = 4, .codebook = true}) == 0);
  CHECK(status_of<Flat>({.bits = 1, .planes = 1, .tokens = 2}) == 6);
}

TEST_CASE("Of several faults the first in the order of the checks gives the status") {
  Words words = descriptor({});
  words[10] |= 4;  // bad_address
  CHECK(answer_to<Tiny>(words).status() == 9);
  words[0] |= 7U << 24;  // bad_tokens
  CHECK(answer_to<Tiny>(words).status() == 6);
  words[0] &= ~(15U << 16);  // bad_bits
  CHECK(answer_to<Tiny>(words).status() == 5);
  words[3] = 31;  // bad_group_size
  CHECK(answer_to<Tiny>(words).status() == 4);
  words[0] |= 3U << 8;  // bad_mode
  CHECK(answer_to<Tiny>(words).status() == 7);
  words[2] = 0;  // bad_k
  CHECK(answer_to<Tiny>(words).status() == 3);
  words[1] = 0;  // bad_m
  CHECK(answer_to<Tiny>(words).status() == 2);
  words[15] = 1;  // bad_reserved
  CHECK(answer_to<Tiny>(words).status() == 10);
  words[0] |= 2;  // bad_opcode
  CHECK(answer_to<Tiny>(words).status() == 1);
}
