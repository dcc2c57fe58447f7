// SPDX-License-Identifier: Apache-2.0
// Fault injection of the testbench (docs/simulation.md) behind the fake machine: error responses
// on request, and resets in the middle of a run.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/sim/fake_bench.hpp"

namespace bitloom::sim {
namespace {

using Records = std::vector<CompletionRecord>;

constexpr std::uint32_t kCopyId = 2;
constexpr std::uint32_t kDescriptorId = 3;
constexpr std::uint32_t kUnusedId = 9;
constexpr std::uint32_t kResultId = 0;
constexpr std::uint32_t kRecordId = 1;
constexpr auto kBusError = static_cast<std::uint32_t>(StatusCode::bus_error);

// A copy of 64 words is 32 single-beat bursts of id 2 and as many writes, behind one read of its
// descriptor.
constexpr std::uint32_t kWords = 64;
constexpr std::uint64_t kBursts = 32;

std::vector<std::uint32_t> statuses(const Records& records) {
  std::vector<std::uint32_t> list;
  for (const CompletionRecord& record : records) list.push_back(record.status);
  return list;
}

std::vector<std::uint32_t> run_copies(FakeBench& bench, std::size_t count) {
  return statuses(bench.run(std::vector<Record>(count, copy_of(kWords))));
}

ErrorResponse read_error(std::uint32_t id, std::uint64_t burst) {
  return {.channel = 0, .id = id, .burst = burst, .beat = 0, .response = 2};
}

ErrorResponse write_error(std::uint32_t id, std::uint64_t burst) {
  return {.channel = ErrorResponse::kWriteChannel, .id = id, .burst = burst, .response = 3};
}

using Statuses = std::vector<std::uint32_t>;

TEST_CASE("Bursts are counted from the request on, across runs, and an error is given once") {
  FakeBench bench(kPlain);
  CHECK(run_copies(bench, 1) == Statuses{0});
  bench.worker.inject(std::array{read_error(kCopyId, kBursts + 3)});
  CHECK(run_copies(bench, 1) == Statuses{0});
  CHECK(run_copies(bench, 2) == Statuses{kBusError, 0});
  CHECK(run_copies(bench, 1) == Statuses{0});
}

TEST_CASE("An error that no burst meets changes nothing") {
  const auto cycles = [](const std::vector<ErrorResponse>& errors) {
    FakeBench bench(kUneven);
    bench.worker.inject(errors);
    std::uint64_t cycle = 0;
    bench.worker.run(
        std::vector<Record>(3, copy_of(kWords)),
        [&](const CompletionReport& report) {
          CHECK(decode_completion(report.record).status == 0);
          cycle = report.cycle;
        },
        nullptr);
    CHECK(bench.worker.read(kOutput, 256) == bench.data);
    return cycle;
  };
  CHECK(cycles({read_error(kUnusedId, 0), read_error(kCopyId, 3 * kBursts),
                write_error(kResultId, 3 * kBursts), write_error(kUnusedId, 0)}) == cycles({}));
}

TEST_CASE("What is asked for takes the place of what was asked for before") {
  FakeBench bench(kPlain);
  bench.worker.inject(std::array{read_error(kCopyId, 5)});
  bench.worker.inject({});
  CHECK(run_copies(bench, 1) == Statuses{0});
  bench.worker.inject(std::array{read_error(kCopyId, 5)});
  bench.worker.inject(std::array{read_error(kCopyId, kBursts + 5)});
  CHECK(run_copies(bench, 3) == Statuses{0, kBusError, 0});
  // Only those of other channels are new; the count begins anew for all.
  bench.worker.inject(std::array{read_error(kCopyId, 2 * kBursts)});
  CHECK(run_copies(bench, 1) == Statuses{0});
  bench.worker.inject(std::array{write_error(kResultId, 2 * kBursts)});
  CHECK(run_copies(bench, 3) == Statuses{0, 0, kBusError});
}

TEST_CASE("Several errors are given each in its place, those of one descriptor as well") {
  FakeBench bench(kPlain);
  bench.worker.inject(std::array{read_error(kCopyId, 2 * kBursts + 1), read_error(kCopyId, 5),
                                 read_error(kCopyId, 6), write_error(kResultId, 4 * kBursts + 31)});
  CHECK(run_copies(bench, 6) == Statuses{kBusError, 0, kBusError, 0, kBusError, 0});
}

TEST_CASE("A beat with an error is not that of the memory, and its neighbours are") {
  FakeBench bench(kPlain);
  bench.worker.inject(std::array{read_error(kCopyId, 7)});
  CHECK(run_copies(bench, 1) == Statuses{kBusError});
  std::vector<std::uint8_t> expected = bench.data;
  std::fill_n(expected.begin() + std::ptrdiff_t{7} * 8, 8, 0xA5);
  CHECK(bench.worker.read(kOutput, 256) == expected);
}

TEST_CASE("A descriptor whose read has an error fails alone") {
  FakeBench bench(kPlain);
  ErrorResponse error = read_error(kDescriptorId, 1);
  error.beat = 4;
  bench.worker.inject(std::array{error});
  CHECK(run_copies(bench, 3) == Statuses{0, kBusError, 0});
}

TEST_CASE("A write with an error response is in memory all the same, results and records") {
  FakeBench bench(kPlain);
  // A beat says nothing about a write.
  ErrorResponse of_record = write_error(kRecordId, 1);
  of_record.beat = 5;
  bench.worker.inject(std::array{write_error(kResultId, 3), of_record});
  const Records records = bench.run(std::vector<Record>(3, copy_of(kWords)));
  CHECK(statuses(records) == Statuses{kBusError, 0, 0});
  CHECK(bench.worker.read(kOutput, 256) == bench.data);
  // The error of a record cannot be in it: the fake says so in the next one.
  CHECK(records.at(1).stream == 0);
  CHECK(records.at(2).stream == 1);
}

// ---- Resets -------------------------------------------------------------------------------------

// The cycles since the simulation began, when that many more copies have been made.
std::uint64_t cycles_after(FakeBench& bench, std::size_t copies) {
  return bench.worker.run(
      std::vector<Record>(copies, copy_of(kWords)), [](const CompletionReport&) {}, nullptr);
}

// Two short copies, into memory that nobody has written yet.
Records run_short(FakeBench& bench) {
  bench.worker.write(kOutput, std::vector<std::uint8_t>(16, 0xEE));
  return bench.run(std::vector<Record>(2, copy_of(4)));
}

// The machine starts from scratch: its count of descriptors too.
void check_as_new(FakeBench& bench) {
  const Records records = run_short(bench);
  CHECK_FALSE(bench.worker.cut_off());
  REQUIRE(records.size() == 2);
  for (std::uint32_t i = 0; i < records.size(); ++i) {
    CHECK(records[i].index == i);
    CHECK(records[i].status == 0);
  }
  const std::vector<std::uint8_t> copied(bench.data.begin(), bench.data.begin() + 16);
  CHECK(bench.worker.read(kOutput, 16) == copied);
}

TEST_CASE("A reset cuts a run off in its cycle, whatever is under way, and the next run is right") {
  const SystemSettings settings = GENERATE(kPlain, kUneven);
  FakeBench bench(settings);
  bench.worker.reset_at(0);
  CHECK(run_short(bench).empty());
  std::size_t most = 0;
  std::uint64_t cycle = 1;
  for (; most < 2; ++cycle) {
    CAPTURE(settings.jitter_ns, cycle);
    check_as_new(bench);
    bench.worker.reset_at(cycle);
    const Records records = run_short(bench);
    most = std::max(most, records.size());
    CHECK(bench.worker.cut_off() == (records.size() < 2));
    for (std::uint32_t i = 0; i < records.size(); ++i) {
      CHECK(records[i].index == 2 + i);  // behind those of the check
      CHECK(records[i].status == 0);
    }
    if (settings.jitter_ns == 0) CHECK(records.size() == most);
  }
  CHECK(cycle > 600);  // two descriptors of two words each, which take three latencies and more
}

TEST_CASE("A reset comes in its cycle, and lasts eight where the memory has nothing to answer") {
  FakeBench bench(kPlain);
  bench.worker.reset_at(0);
  std::uint64_t start = cycles_after(bench, 1);
  for (const std::uint64_t cycle : {20U, 21U, 1U, 25U}) {  // while registers are written
    CAPTURE(cycle);
    bench.worker.reset_at(cycle);
    const std::uint64_t end = cycles_after(bench, 1);
    CHECK(bench.worker.cut_off());
    // A run begins between two cycles, and ends in the first one out of reset.
    CHECK(end - start == cycle + 8 + 1);
    start = end;
  }
}

TEST_CASE("A reset that comes after the end of its run does not come, then or later") {
  FakeBench bench(kPlain);
  bench.worker.reset_at(1'000'000);
  CHECK(run_copies(bench, 1) == Statuses{0});
  CHECK_FALSE(bench.worker.cut_off());
  // Far beyond the million.
  CHECK(run_copies(bench, 200) == Statuses(200, 0));
  CHECK_FALSE(bench.worker.cut_off());
  CHECK(bench.run({copy_of(1)}).at(0).index == 201);
}

TEST_CASE("A reset lasts until the memory has answered what the machine had asked for") {
  SystemSettings settings = kPlain;
  settings.latency_ns = 5000;
  FakeBench bench(settings);
  constexpr std::uint64_t kReset = 1000;  // the descriptor's read is under way
  bench.worker.reset_at(kReset);
  const std::uint64_t end = bench.worker.run(
      std::vector<Record>{copy_of(1)}, [](const CompletionReport&) {}, nullptr);
  CHECK(bench.worker.cut_off());
  CHECK(end > 5000);
  CHECK(end < 5000 + kReset);
  check_as_new(bench);
}

TEST_CASE("An error that has found its burst is lost with it in a reset, the others are not") {
  SystemSettings settings = kPlain;
  settings.latency_ns = 1000;
  FakeBench bench(settings);
  bench.worker.inject(std::array{read_error(kDescriptorId, 0), read_error(kDescriptorId, 2)});
  bench.worker.reset_at(500);
  CHECK(run_copies(bench, 1).empty());
  CHECK(bench.worker.cut_off());
  CHECK(run_copies(bench, 3) == Statuses{0, kBusError, 0});
}

TEST_CASE("A reset is that of the next run alone, and the last request counts") {
  FakeBench bench(kPlain);
  bench.worker.reset_at(1'000'000);
  bench.worker.reset_at(50);
  CHECK(run_copies(bench, 1).empty());
  CHECK(bench.worker.cut_off());
  CHECK(run_copies(bench, 1) == Statuses{0});
  CHECK_FALSE(bench.worker.cut_off());
}

}  // namespace
}  // namespace bitloom::sim
