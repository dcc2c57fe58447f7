// SPDX-License-Identifier: Apache-2.0
#include <VDmaWrite/VDmaWrite.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kBeatBytes = 8;
constexpr unsigned kMaxBurst = 4;
constexpr unsigned kOutputs = 0;
constexpr unsigned kCompletions = 1;

void set_idle(VDmaWrite& dma) {
  dma.job_valid_i = 0;
  dma.done_ready_i = 0;
  dma.result_valid_i = 0;
  dma.result_nan_i = 0;
  dma.record_valid_i = 0;
  dma.awready_i = 0;
  dma.wready_i = 0;
  dma.bvalid_i = 0;
  dma.bid_i = 0;
  dma.bresp_i = 0;
}

/// The memory behind the write channel: bursts become words by address, then wait for a response.
class Memory {
 public:
  struct Response {
    unsigned id;
    std::uint64_t address;
  };

  /// Address and data of a burst may be taken in any order; the next burst comes after both.
  void observe(const VDmaWrite& dma) {
    // Once addressed, a burst's data never waits for the writer.
    if (burst_ && !ended_) REQUIRE(dma.wvalid_o == 1);
    if (dma.wvalid_o && dma.wready_i) {
      REQUIRE(!ended_);
      REQUIRE(dma.wstrb_o == 0xFF);
      data_.push_back(dma.wdata_o);
      ended_ = dma.wlast_o != 0;
      early_data_ += !burst_;
    }
    if (dma.awvalid_o && dma.awready_i) {
      REQUIRE(!burst_);
      burst_ = Response{dma.awid_o, dma.awaddr_o};
      beats_ = dma.awlen_o + 1U;
      REQUIRE(dma.awaddr_o / 4096 == (dma.awaddr_o + 8 * beats_ - 1) / 4096);
      if (dma.awid_o == kOutputs) REQUIRE(beats_ <= kMaxBurst);
      ++bursts_;
    }
    if (burst_ && ended_) finish_burst();
  }

  std::deque<Response>& unanswered() { return unanswered_; }
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& words() const { return words_; }
  [[nodiscard]] unsigned bursts() const { return bursts_; }
  /// Beats that were taken before their address.
  [[nodiscard]] unsigned early_data() const { return early_data_; }

 private:
  void finish_burst() {
    REQUIRE(data_.size() == beats_);
    for (std::size_t beat = 0; beat < data_.size(); ++beat)
      words_[burst_->address + 8 * beat] = data_[beat];
    unanswered_.push_back(*burst_);
    burst_.reset();
    data_.clear();
    ended_ = false;
  }

  std::optional<Response> burst_;
  unsigned beats_ = 0;
  std::vector<std::uint64_t> data_;
  bool ended_ = false;
  unsigned bursts_ = 0;
  unsigned early_data_ = 0;
  std::deque<Response> unanswered_;
  std::map<std::uint64_t, std::uint64_t> words_;
};

void offer_job(Bench<VDmaWrite>& dma, std::uint64_t address, unsigned values) {
  dma->job_valid_i = 1;
  dma->job_address_i = address;
  dma->job_values_i = values;
  dma.settle();
  REQUIRE(dma->job_ready_o == 1);
  dma.tick();
  dma->job_valid_i = 0;
  dma.tick();
}

}  // namespace

TEST_CASE(
    "Results land at their addresses, padded with zeros; records go between; jobs end in order") {
  Bench<VDmaWrite> dma(set_idle);
  Random random(111);
  Memory memory;
  struct Job {
    unsigned left;
    unsigned unanswered_values;
    bool nan;
  };
  std::deque<Job> packing;
  std::deque<bool> packed_nans;
  std::deque<unsigned> job_beats;  // of jobs not done
  std::map<std::uint64_t, std::uint64_t> expected;
  std::uint64_t next_address = 4096;
  std::deque<std::uint64_t> job_bases;  // of jobs being packed
  unsigned place = 0;
  unsigned answered_beats = 0;  // of the oldest job
  unsigned done = 0;
  unsigned records = 0;
  bool record_response = false;
  std::vector<std::uint64_t> record(8);
  unsigned output_beats = 0;
  unsigned record_beats = 0;
  for (unsigned cycle = 0; cycle < 60000 && done < 400; ++cycle) {
    dma->job_valid_i = random.chance(20);
    const auto values = static_cast<unsigned>(random.between(1, 40));
    dma->job_address_i = next_address;
    dma->job_values_i = values;
    const bool offer = random.chance(80);
    dma->result_valid_i = offer;
    dma->result_data_i = static_cast<IData>(random.bits(32));
    dma->result_nan_i = random.chance(1);
    if (!dma->record_valid_i && !record_response && random.chance(2)) {
      dma->record_valid_i = 1;
      dma->record_address_i = 0x80000000 + 64 * records;
      for (unsigned w = 0; w < 8; ++w) {
        record[w] = random.bits(64);
        set(dma->record_data_i, 64 * w, 64, record[w]);
      }
    }
    dma->awready_i = random.chance(70);
    dma->wready_i = random.chance(70);
    dma->bvalid_i = !memory.unanswered().empty() && random.chance(40);
    if (dma->bvalid_i) dma->bid_i = static_cast<CData>(memory.unanswered().front().id);
    dma->done_ready_i = random.chance(50);
    dma.settle();

    memory.observe(*dma);
    output_beats += dma->output_beat_o;
    record_beats += dma->record_beat_o;
    REQUIRE(dma->error_o == 0);
    REQUIRE(dma->record_done_o == (dma->bvalid_i && dma->bid_i == kCompletions));
    if (dma->done_valid_o) {
      REQUIRE(!job_beats.empty());
      REQUIRE(answered_beats >= job_beats.front());
      if (dma->done_ready_i) {
        REQUIRE(dma->done_nan_o == packed_nans.front());
        packed_nans.pop_front();
        answered_beats -= job_beats.front();
        job_beats.pop_front();
        ++done;
      }
    }
    if (dma->job_valid_i && dma->job_ready_o) {
      packing.push_back({values, values, false});
      job_bases.push_back(next_address);
      job_beats.push_back((values + 1) / 2);
      next_address += 4096;
    }
    if (dma->result_valid_i && dma->result_ready_o) {
      REQUIRE(!packing.empty());
      Job& job = packing.front();
      job.nan = job.nan || dma->result_nan_i;
      expected[job_bases.front() + 8 * (place / 2)] |= std::uint64_t{dma->result_data_i}
                                                       << (32 * (place % 2));
      ++place;
      if (--job.left == 0) {
        packed_nans.push_back(job.nan);
        packing.pop_front();
        job_bases.pop_front();
        place = 0;
      }
    }
    if (dma->record_ready_o) {
      REQUIRE(dma->record_valid_i);
      for (unsigned w = 0; w < 8; ++w) expected[dma->record_address_i + 8 * w] = record[w];
      record_response = true;
      ++records;
    }
    if (dma->bvalid_i) {
      const Memory::Response response = memory.unanswered().front();
      memory.unanswered().pop_front();
      if (response.id == kCompletions) {
        record_response = false;
      } else {
        // Beats of the burst: up to the end of its block or of its job's image.
        for (auto word = memory.words().find(response.address);
             word != memory.words().end() &&
             word->first / (kMaxBurst * kBeatBytes) == response.address / (kMaxBurst * kBeatBytes);
             ++word) {
          ++answered_beats;
        }
      }
    }
    const bool record_taken = dma->record_ready_o;
    dma.tick();
    if (record_taken) dma->record_valid_i = 0;
  }
  CHECK(done == 400);
  CHECK(memory.early_data() > 100);
  CHECK(records > 50);
  // Everything that reached the memory is as expected, and all of the finished jobs is there.
  for (const auto& [address, word] : memory.words()) {
    CAPTURE(address);
    REQUIRE(expected.contains(address));
    REQUIRE(expected.at(address) == word);
  }
  CHECK(memory.words().size() + 20 + 64 > expected.size());
  CHECK(output_beats + record_beats >= memory.words().size());
  CHECK(record_beats >= 8 * (records - 1));
}

TEST_CASE("The address follows a burst's last result after three cycles, not earlier") {
  Bench<VDmaWrite> dma(set_idle);
  offer_job(dma, 0x2000, 3);
  dma.tick();
  dma.tick();
  for (unsigned value = 0; value < 3; ++value) {
    dma->result_valid_i = 1;
    dma->result_data_i = value;
    dma.settle();
    REQUIRE(dma->result_ready_o == 1);
    CHECK(dma->awvalid_o == 0);
    dma.tick();
  }
  dma->result_valid_i = 0;
  for (unsigned cycle = 1; cycle <= 3; ++cycle) {
    dma.settle();
    CHECK(dma->awvalid_o == (cycle == 3));
    if (cycle < 3) dma.tick();
  }
  CHECK(dma->awaddr_o == 0x2000);
  CHECK(dma->awlen_o == 1);
  CHECK(dma->awid_o == kOutputs);
}

TEST_CASE("Results are taken at one per cycle while the memory takes beats") {
  Bench<VDmaWrite> dma(set_idle);
  offer_job(dma, 0x10000, 4000);
  dma.tick();
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  Memory memory;
  for (unsigned i = 0; i < 1000; ++i) {
    dma->bvalid_i = !memory.unanswered().empty();
    if (dma->bvalid_i) memory.unanswered().pop_front();
    dma.settle();
    memory.observe(*dma);
    REQUIRE(dma->result_ready_o == 1);
    dma.tick();
  }
}

TEST_CASE("At most 65 bursts wait for their responses, and the job goes on after them") {
  Bench<VDmaWrite> dma(set_idle);
  offer_job(dma, 0x100000, 1024);
  Memory memory;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  const auto run = [&](unsigned cycles, bool answer) {
    for (unsigned i = 0; i < cycles; ++i) {
      dma->bvalid_i = answer && !memory.unanswered().empty();
      if (dma->bvalid_i) memory.unanswered().pop_front();
      dma.settle();
      memory.observe(*dma);
      dma.tick();
    }
  };
  run(2000, false);
  CHECK(memory.bursts() == 65);
  CHECK(dma->done_valid_o == 0);
  run(2000, true);
  CHECK(memory.bursts() == 1024 / 2 / kMaxBurst);
  CHECK(dma->done_valid_o == 1);
}

TEST_CASE("A write error is reported with its job and burst, a record's on its own") {
  Bench<VDmaWrite> dma(set_idle);
  dma->job_tag_i = 2;
  offer_job(dma, 0x3000, 16);
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  Memory memory;
  for (unsigned i = 0; i < 60; ++i) {
    dma.settle();
    memory.observe(*dma);
    dma.tick();
  }
  REQUIRE(memory.bursts() == 2);
  dma->result_valid_i = 0;
  dma->record_valid_i = 1;
  dma->record_address_i = 0x9040;
  dma->bvalid_i = 1;
  dma->bresp_i = 0;
  dma.settle();
  CHECK(dma->error_o == 0);
  dma.tick();
  dma->bresp_i = 2;
  for (unsigned i = 0; i < 2; ++i) {
    dma->bvalid_i = 0;
    dma.tick();
  }
  dma->bvalid_i = 1;
  dma.settle();
  CHECK(dma->error_o == 1);
  CHECK(dma->error_tag_o == 2);
  CHECK(dma->record_error_o == 0);
  CHECK(dma->error_address_o == 0x3020);
  dma.tick();
  dma->bid_i = kCompletions;
  dma->bresp_i = 3;
  dma.settle();
  CHECK(dma->error_o == 0);
  CHECK(dma->record_error_o == 1);
}

TEST_CASE("A response that was not asked for fails an assertion") {
  Bench<VDmaWrite> dma(set_idle);
  dma->bvalid_i = 1;
  CHECK_THROWS_AS(dma.tick(), AssertionFailed);
}
