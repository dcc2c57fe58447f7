// SPDX-License-Identifier: Apache-2.0
#include <VDmaWrite1/VDmaWrite1.h>
#include <VDmaWrite2/VDmaWrite2.h>
#include <VDmaWrite4/VDmaWrite4.h>

#include <algorithm>
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

constexpr unsigned kOutputs = 0;
constexpr unsigned kCompletions = 1;
constexpr unsigned kRecordBytes = 64;

template <class M, unsigned BeatBytes, unsigned MaxBurst, unsigned Lanes, unsigned JobQueue>
struct Writer {
  using Model = M;
  static constexpr unsigned kBeatBytes = BeatBytes;
  static constexpr unsigned kMaxBurst = MaxBurst;
  static constexpr unsigned kLanes = Lanes;
  static constexpr unsigned kJobQueue = JobQueue;

  static void set_idle(Model& dma) {
    dma.job_valid_i = 0;
    dma.done_ready_i = 0;
    dma.result_valid_i = 0;
    dma.result_nan_i = 0;
    dma.result_token_i = 0;
    dma.record_valid_i = 0;
    dma.awready_i = 0;
    dma.wready_i = 0;
    dma.bvalid_i = 0;
    dma.bid_i = 0;
    dma.bresp_i = 0;
  }
};
using Writer1 = Writer<VDmaWrite1, 8, 4, 1, 2>;
using Writer2 = Writer<VDmaWrite2, 8, 4, 2, 2>;   // a beat of binary32 per cycle
using Writer4 = Writer<VDmaWrite4, 64, 8, 4, 8>;  // a record per beat; Depth / 2 limits bursts

struct Job {
  std::uint64_t address = 0;
  unsigned values = 1;
  bool binary16 = false;
  unsigned tag = 0;

  [[nodiscard]] unsigned value_bytes() const { return binary16 ? 2 : 4; }
  [[nodiscard]] unsigned beats(unsigned beat_bytes) const {
    return (values * value_bytes() + beat_bytes - 1) / beat_bytes;
  }
};

/// The packed struct bl_pkg::write_job_t, whose first member has the highest bits.
template <class Port>
void set_job(Port& port, const Job& job) {
  set(port, 0, 32, job.values);
  set(port, 32, 64, job.address);
  set(port, 96, 1, job.binary16 ? 1 : 0);
  set(port, 97, 4, job.tag);
}

template <class Model>
void offer_job(Bench<Model>& dma, const Job& job) {
  dma->job_valid_i = 1;
  set_job(dma->job_i, job);
  dma.settle();
  REQUIRE(dma->job_ready_o == 1);
  dma.tick();
  dma->job_valid_i = 0;
}

/// The memory behind the write channel: bursts become bytes by address, then wait for a response.
template <class W>
class Memory {
 public:
  struct Burst {
    unsigned id;
    std::uint64_t address;
    unsigned beats;
  };

  /// Address and data of a burst may be taken in any order; the next burst comes after both.
  void observe(const typename W::Model& dma) {
    // Once addressed, a burst's data never waits for the writer.
    if (burst_ && !ended_) REQUIRE(dma.wvalid_o == 1);
    if (dma.wvalid_o && dma.wready_i) {
      REQUIRE(!ended_);
      for (unsigned i = 0; i < W::kBeatBytes; ++i) {
        REQUIRE(get(dma.wstrb_o, i, 1) == 1);
        data_.push_back(static_cast<std::uint8_t>(get(dma.wdata_o, 8 * i, 8)));
      }
      ended_ = dma.wlast_o != 0;
      early_data_ += !burst_ && !(dma.awvalid_o && dma.awready_i);
    }
    if (dma.awvalid_o && dma.awready_i) {
      REQUIRE(!burst_);
      burst_ = Burst{dma.awid_o, dma.awaddr_o, dma.awlen_o + 1U};
      const std::uint64_t last = dma.awaddr_o + std::uint64_t{burst_->beats} * W::kBeatBytes - 1;
      REQUIRE(dma.awaddr_o / 4096 == last / 4096);
      if (dma.awid_o == kOutputs) {
        REQUIRE(burst_->beats <= W::kMaxBurst);
        REQUIRE(dma.awaddr_o % (W::kMaxBurst * W::kBeatBytes) == 0);
      } else {
        REQUIRE(burst_->beats * W::kBeatBytes == kRecordBytes);
      }
    }
    if (burst_ && ended_) {
      REQUIRE(data_.size() == std::size_t{burst_->beats} * W::kBeatBytes);
      for (std::size_t i = 0; i < data_.size(); ++i) bytes_[burst_->address + i] = data_[i];
      unanswered_.at(burst_->id).push_back(*burst_);
      bursts_.push_back(*burst_);
      burst_.reset();
      data_.clear();
      ended_ = false;
    }
  }

  std::deque<Burst>& unanswered(unsigned id) { return unanswered_.at(id); }
  /// Complete ones, in order.
  [[nodiscard]] const std::vector<Burst>& bursts() const { return bursts_; }
  [[nodiscard]] const std::map<std::uint64_t, std::uint8_t>& bytes() const { return bytes_; }
  /// Beats that were taken before their address.
  [[nodiscard]] unsigned early_data() const { return early_data_; }

  /// Answers the oldest burst of `id`, if there is one.
  void answer(typename W::Model& dma, unsigned id, unsigned response = 0) {
    dma.bvalid_i = !unanswered(id).empty();
    dma.bid_i = static_cast<CData>(id);
    dma.bresp_i = static_cast<CData>(response);
    if (dma.bvalid_i) unanswered(id).pop_front();
  }

 private:
  std::optional<Burst> burst_;
  std::vector<std::uint8_t> data_;
  bool ended_ = false;
  unsigned early_data_ = 0;
  std::vector<std::deque<Burst>> unanswered_{2};
  std::vector<Burst> bursts_;
  std::map<std::uint64_t, std::uint8_t> bytes_;
};

template <class W>
void set_results(typename W::Model& dma, const std::vector<std::uint32_t>& values) {
  for (unsigned i = 0; i < W::kLanes; ++i) set(dma.result_data_i, 32 * i, 32, values.at(i));
}

template <class W>
std::vector<std::uint32_t> random_results(Random& random) {
  std::vector<std::uint32_t> values;
  for (unsigned i = 0; i < W::kLanes; ++i) {
    values.push_back(static_cast<std::uint32_t>(random.bits(32)));
  }
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "Results of both formats land at their addresses, padded with zeros; records go between; jobs "
    "end in order with their tokens' NaN bits",
    "", Writer1, Writer2, Writer4) {
  using W = TestType;
  Bench<typename W::Model> dma(W::set_idle);
  Random random(111);
  Memory<W> memory;
  struct Open {
    Job job;
    unsigned packed = 0;
    unsigned nans = 0;
    unsigned unanswered = 0;  // beats
  };
  std::deque<Open> jobs;  // not handed over
  std::map<std::uint64_t, std::uint8_t> expected;
  std::uint64_t next_address = 4096;
  std::uint64_t next_record = 0x80000000;
  Job job;
  unsigned accepted = 0;
  unsigned done = 0;
  unsigned errors = 0;
  unsigned records = 0;
  unsigned record_responses = 0;
  std::size_t most_records = 0;  // that waited for their response at once
  unsigned output_beats = 0;
  unsigned record_beats = 0;
  unsigned together = 0;  // cycles in which a job was packed while another one waited
  for (unsigned cycle = 0; cycle < 40000; ++cycle) {
    const bool drain = cycle > 37000;
    const unsigned phase = (cycle / 400) % 4;
    if (!dma->job_valid_i && !drain && random.chance(20)) {
      job.address = next_address;
      job.values = W::kLanes * static_cast<unsigned>(random.between(1, phase == 2 ? 3 : 40));
      job.binary16 = random.chance(50);
      job.tag = accepted % 16;
      dma->job_valid_i = 1;
      set_job(dma->job_i, job);
    }
    if (!dma->result_valid_i && random.chance(phase == 1 ? 30 : 95)) {
      dma->result_valid_i = 1;
      dma->result_nan_i = random.chance(1);
      dma->result_token_i = static_cast<CData>(random.bits(4));
      set_results<W>(*dma, random_results<W>(random));
    }
    if (!dma->record_valid_i && !drain && random.chance(phase == 2 ? 20 : 2)) {
      dma->record_valid_i = 1;
      dma->record_address_i = next_record;
      for (unsigned i = 0; i < kRecordBytes; ++i) {
        const auto byte = static_cast<std::uint8_t>(random.bits(8));
        set(dma->record_data_i, 8 * i, 8, byte);
        expected[next_record + i] = byte;
      }
      next_record += kRecordBytes;
    }
    dma->awready_i = random.chance(phase == 3 ? 100 : 70);
    dma->wready_i = random.chance(phase == 3 ? 100 : 70);
    dma->bvalid_i = 0;
    const unsigned id = random.chance(30) ? kCompletions : kOutputs;
    const std::size_t waiting_records = memory.unanswered(kCompletions).size();
    std::optional<typename Memory<W>::Burst> answered;
    if (!memory.unanswered(id).empty() && random.chance(phase == 0 ? 5 : 60)) {
      answered = memory.unanswered(id).front();
      memory.answer(*dma, id, random.chance(5) ? 2 + static_cast<unsigned>(random.bits(1)) : 0);
    }
    dma->done_ready_i = random.chance(50);
    dma.settle();

    memory.observe(*dma);
    most_records = std::max(most_records, waiting_records);
    output_beats += dma->output_beat_o;
    record_beats += dma->record_beat_o;
    const bool record_answered = answered && id == kCompletions;
    REQUIRE(dma->record_done_o == record_answered);
    REQUIRE(dma->record_error_o == (record_answered && dma->bresp_i != 0));
    record_responses += record_answered;
    const bool failed = answered && id == kOutputs && dma->bresp_i != 0;
    REQUIRE(dma->error_o == failed);
    const auto open = std::find_if(jobs.begin(), jobs.end(),
                                   [](const Open& other) { return other.unanswered != 0; });
    if (failed) {
      REQUIRE(dma->error_tag_o == open->job.tag);
      REQUIRE(dma->error_address_o == answered->address);
      ++errors;
    }
    const bool taken_over = dma->done_valid_o && dma->done_ready_i;
    if (dma->done_valid_o) {
      REQUIRE(!jobs.empty());
      REQUIRE(jobs.front().unanswered == 0);
      REQUIRE(dma->done_nan_o == jobs.front().nans);
    }
    if (dma->result_valid_i && dma->result_ready_o) {
      const auto packing = std::find_if(jobs.begin(), jobs.end(), [](const Open& other) {
        return other.packed != other.job.values;
      });
      REQUIRE(packing != jobs.end());
      together += packing != jobs.begin();
      if (dma->result_nan_i) packing->nans |= 1U << dma->result_token_i;
      for (unsigned lane = 0; lane < W::kLanes; ++lane) {
        for (unsigned i = 0; i < packing->job.value_bytes(); ++i) {
          const std::uint64_t place =
              std::uint64_t{packing->packed} * packing->job.value_bytes() + i;
          expected[packing->job.address + place] =
              static_cast<std::uint8_t>(get(dma->result_data_i, 32 * lane + 8 * i, 8));
        }
        ++packing->packed;
      }
    }
    const bool result_taken = dma->result_valid_i && dma->result_ready_o;
    const bool record_taken = dma->record_valid_i && dma->record_ready_o;
    const bool job_taken = dma->job_valid_i && dma->job_ready_o;
    records += record_taken;
    if (answered && id == kOutputs) {
      REQUIRE(open->unanswered >= answered->beats);
      open->unanswered -= answered->beats;
    }
    if (taken_over) {
      jobs.pop_front();
      ++done;
    }
    if (job_taken) {
      const unsigned beats = job.beats(W::kBeatBytes);
      jobs.push_back({job, 0, 0, beats});
      for (unsigned i = 0; i < beats * W::kBeatBytes; ++i) expected[job.address + i] = 0;
      next_address += (beats * W::kBeatBytes + 4095U) / 4096U * 4096U;
      ++accepted;
    }
    dma.tick();
    if (job_taken) dma->job_valid_i = 0;
    if (result_taken) dma->result_valid_i = 0;
    if (record_taken) dma->record_valid_i = 0;
  }
  CHECK(done == accepted);
  CHECK(done > 1000);
  CHECK(errors > 50);
  CHECK(together > 100);
  CHECK(memory.early_data() > 100);
  CHECK(records > 100);
  CHECK(record_responses == records);
  CHECK(most_records > 3);
  CHECK((output_beats + record_beats) * W::kBeatBytes == memory.bytes().size());
  CHECK(record_beats * W::kBeatBytes == records * kRecordBytes);
  CHECK(memory.bytes() == expected);
}

TEMPLATE_TEST_CASE("The address follows a burst's last result after three cycles, not earlier", "",
                   Writer1, Writer2, Writer4) {
  using W = TestType;
  const bool binary16 = GENERATE(false, true);
  Bench<typename W::Model> dma(W::set_idle);
  const unsigned groups = 3 * W::kBeatBytes / (W::kLanes * (binary16 ? 2 : 4)) - 1;
  offer_job(dma, {.address = 0x2000, .values = groups * W::kLanes, .binary16 = binary16});
  for (unsigned group = 0; group < groups; ++group) {
    dma->result_valid_i = 1;
    dma.settle();
    REQUIRE(dma->result_ready_o == 1);
    CHECK(dma->awvalid_o == 0);
    dma.tick();
  }
  dma->result_valid_i = 0;
  for (unsigned cycle = 1; cycle <= 3; ++cycle) {
    dma.settle();
    CHECK(dma->awvalid_o == (cycle == 3));
    CHECK(dma->wvalid_o == (cycle == 3));
    if (cycle < 3) dma.tick();
  }
  CHECK(dma->awaddr_o == 0x2000);
  CHECK(dma->awlen_o == (groups == 2 ? 1 : 2));
  CHECK(dma->awid_o == kOutputs);
}

TEMPLATE_TEST_CASE(
    "A group of results is taken every cycle, over the ends of bursts and jobs, in both formats",
    "", Writer1, Writer2, Writer4) {
  using W = TestType;
  const bool binary16 = GENERATE(false, true);
  Bench<typename W::Model> dma(W::set_idle);
  Random random(112);
  Memory<W> memory;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->done_ready_i = 1;
  dma->job_valid_i = 1;
  unsigned jobs = 0;
  unsigned first_beat = 0;
  unsigned beats = 0;
  for (unsigned i = 0; i < 2000; ++i) {
    // Jobs of whole beats, long enough that their responses come in time.
    set_job(dma->job_i,
            Job{.address = 4096U * jobs, .values = 32 * (3 + jobs % 3), .binary16 = binary16});
    memory.answer(*dma, kOutputs);
    set_results<W>(*dma, random_results<W>(random));
    dma->result_valid_i = i > 2;
    dma.settle();
    memory.observe(*dma);
    if (i > 2) REQUIRE(dma->result_ready_o == 1);
    if (dma->wvalid_o && beats == 0) first_beat = dma.cycle();
    beats += dma->wvalid_o;
    jobs += dma->job_ready_o;
    dma.tick();
  }
  CHECK(jobs > 2000 * W::kLanes / 160);
  // Where the results fill the write channel, it has no gap.
  if (W::kLanes * (binary16 ? 2 : 4) == W::kBeatBytes) CHECK(beats == 2000 - first_beat);
}

TEMPLATE_TEST_CASE("A job is done the cycle after its last response, with the NaN bits of its own",
                   "", Writer1, Writer2, Writer4) {
  using W = TestType;
  Bench<typename W::Model> dma(W::set_idle);
  Memory<W> memory;
  const unsigned groups = 16;
  for (unsigned i = 0; i < 2; ++i) {
    offer_job(dma, {.address = 0x10000U * (i + 1), .values = groups * W::kLanes});
  }
  dma->awready_i = 1;
  dma->wready_i = 1;
  // NaNs in a job's first, middle and last results; the next job has one of another token.
  const std::map<unsigned, unsigned> nans{
      {0, 15}, {7, 0}, {8, 0}, {groups - 1, 3}, {groups + 5, 9}};
  for (unsigned i = 0; i < 2 * groups;) {
    dma->result_valid_i = 1;
    dma->result_nan_i = nans.contains(i);
    dma->result_token_i = static_cast<CData>(nans.contains(i) ? nans.at(i) : 6);
    dma.settle();
    memory.observe(*dma);
    i += dma->result_ready_o;
    dma.tick();
  }
  dma->result_valid_i = 0;
  for (unsigned i = 0; i < 50; ++i) {
    dma.settle();
    memory.observe(*dma);
    dma.tick();
  }
  std::vector<unsigned> done_nans;
  while (!memory.unanswered(kOutputs).empty()) {
    const bool last = memory.unanswered(kOutputs).size() == 1 ||
                      memory.unanswered(kOutputs)[1].address % 0x10000 == 0;
    memory.answer(*dma, kOutputs);
    dma.settle();
    CHECK(dma->done_valid_o == 0);
    dma.tick();
    dma->bvalid_i = 0;
    dma.settle();
    CHECK(dma->done_valid_o == last);
    if (dma->done_valid_o) {
      done_nans.push_back(dma->done_nan_o);
      dma->done_ready_i = 1;
      dma.tick();
      dma->done_ready_i = 0;
    }
  }
  CHECK(done_nans == std::vector<unsigned>{0x8009, 0x0200});
}

TEMPLATE_TEST_CASE(
    "A record goes before every result burst that has not started, and waits for no response", "",
    Writer1, Writer2, Writer4) {
  using W = TestType;
  Bench<typename W::Model> dma(W::set_idle);
  Memory<W> memory;
  const unsigned values = 4096;
  offer_job(dma, {.address = 0x100000, .values = values});
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  const auto step = [&] {
    dma.settle();
    memory.observe(*dma);
    const bool record_taken = dma->record_valid_i && dma->record_ready_o;
    dma.tick();
    return record_taken;
  };
  for (unsigned i = 0; i < 100; ++i) step();
  // In a stream of result bursts, none of them answered, nor any record.
  unsigned longest = 0;
  for (unsigned record = 0; record < 20; ++record) {
    for (unsigned i = 0; i < record; ++i) step();
    dma->record_valid_i = 1;
    dma->record_address_i = 0x9000 + kRecordBytes * record;
    unsigned waited = 1;
    while (!step()) {
      REQUIRE(waited < 100);
      ++waited;
    }
    dma->record_valid_i = 0;
    longest = std::max(longest, waited);
  }
  // The rest of one burst, one cycle to start, and the record itself.
  CHECK(longest <= W::kMaxBurst + kRecordBytes / W::kBeatBytes + 1);
  CHECK(memory.unanswered(kCompletions).size() == 20);
  // A burst that waits for results holds no record back.
  dma->result_valid_i = 0;
  for (unsigned i = 0; i < 100; ++i) step();
  const std::size_t before = memory.bursts().size();
  CHECK(before < values * 4 / W::kBeatBytes / W::kMaxBurst);
  dma->record_valid_i = 1;
  unsigned waited = 1;
  while (!step()) {
    REQUIRE(waited < 100);
    ++waited;
  }
  CHECK(waited == 1 + kRecordBytes / W::kBeatBytes);
  CHECK(memory.bursts().size() == before + 1);
  CHECK(memory.bursts().back().id == kCompletions);
}

TEST_CASE("Records alone take one cycle more than their beats") {
  using W = Writer4;
  Bench<W::Model> dma(W::set_idle);
  Memory<W> memory;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->record_valid_i = 1;
  for (unsigned i = 0; i < 40; ++i) {
    dma.settle();
    memory.observe(*dma);
    dma.tick();
  }
  CHECK(memory.unanswered(kCompletions).size() == 20);
}

TEMPLATE_TEST_CASE("Any number of bursts waits for its responses", "", Writer1, Writer2, Writer4) {
  using W = TestType;
  Bench<typename W::Model> dma(W::set_idle);
  const unsigned bursts = 400;
  const unsigned values = bursts * W::kMaxBurst * W::kBeatBytes / 4;
  offer_job(dma, {.address = 0x100000, .values = values});
  Memory<W> memory;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  const auto run = [&](unsigned cycles, bool answer) {
    for (unsigned i = 0; i < cycles; ++i) {
      dma->bvalid_i = 0;
      if (answer) memory.answer(*dma, kOutputs);
      dma.settle();
      memory.observe(*dma);
      dma.tick();
    }
  };
  run(values / W::kLanes + 1000, false);
  CHECK(memory.bursts().size() == bursts);
  CHECK(dma->done_valid_o == 0);
  run(bursts - 1, true);
  CHECK(dma->done_valid_o == 0);
  run(1, true);
  CHECK(dma->done_valid_o == 1);
}

TEMPLATE_TEST_CASE("Jobs wait in order while nobody takes them over", "", Writer1, Writer2,
                   Writer4) {
  using W = TestType;
  Bench<typename W::Model> dma(W::set_idle);
  Memory<W> memory;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  dma->result_nan_i = 1;
  dma->job_valid_i = 1;
  unsigned taken = 0;
  const auto step = [&](bool answer) {
    set_job(dma->job_i, Job{.address = 4096U * taken, .values = W::kLanes});
    dma->bvalid_i = 0;
    if (answer) memory.answer(*dma, kOutputs);
    dma->result_token_i = static_cast<CData>(memory.bursts().size() % 16);
    dma.settle();
    memory.observe(*dma);
    taken += dma->job_ready_o;
    dma.tick();
  };
  for (unsigned i = 0; i < 300; ++i) step(false);
  CHECK(taken == W::kJobQueue + 1);
  for (unsigned i = 0; i < 300; ++i) step(true);
  // As many are done and not handed over; behind them the next ones wait to be packed.
  CHECK(taken == 2 * (W::kJobQueue + 1));
  CHECK(dma->done_valid_o == 1);
  dma->done_ready_i = 1;
  unsigned done = 0;
  for (unsigned i = 0; i < 300; ++i) {
    done += dma->done_valid_o;
    step(true);
  }
  CHECK(done > 2 * (W::kJobQueue + 1));
}

TEMPLATE_TEST_CASE("A write error is reported with its job and burst, a record's on its own", "",
                   Writer1, Writer2, Writer4) {
  using W = TestType;
  Bench<typename W::Model> dma(W::set_idle);
  const unsigned burst_bytes = W::kMaxBurst * W::kBeatBytes;
  // Three bursts, the last of one beat; then one burst.
  const Job first{.address = 0x3000, .values = (2 * burst_bytes + W::kBeatBytes) / 4, .tag = 11};
  const Job second{.address = 0x5000, .values = W::kBeatBytes / 4, .tag = 4};
  offer_job(dma, first);
  offer_job(dma, second);
  Memory<W> memory;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  dma->record_valid_i = 1;
  dma->record_address_i = 0x9040;
  for (unsigned i = 0; i < 300; ++i) {
    dma.settle();
    memory.observe(*dma);
    const bool taken = dma->record_ready_o != 0;
    dma.tick();
    if (taken) dma->record_valid_i = 0;
  }
  REQUIRE(memory.bursts().size() == 5);
  const std::vector<std::uint64_t> addresses{0x3000, 0x3000 + burst_bytes, 0x3000 + 2 * burst_bytes,
                                             0x5000};
  for (unsigned i = 0; i < 4; ++i) {
    memory.answer(*dma, kOutputs, 2 + i % 2);
    dma.settle();
    CHECK(dma->error_o == 1);
    CHECK(dma->error_tag_o == (i < 3 ? 11 : 4));
    CHECK(dma->error_address_o == addresses[i]);
    CHECK(dma->record_done_o == 0);
    CHECK(dma->record_error_o == 0);
    dma.tick();
    if (i == 1) {
      memory.answer(*dma, kCompletions, 3);
      dma.settle();
      CHECK(dma->error_o == 0);
      CHECK(dma->record_done_o == 1);
      CHECK(dma->record_error_o == 1);
      dma.tick();
    }
    dma->bvalid_i = 0;
    dma.settle();
    CHECK(dma->error_o == 0);
    CHECK(dma->record_error_o == 0);
  }
  CHECK(dma->done_valid_o == 1);
}

TEST_CASE("A response that was not asked for fails an assertion") {
  using W = Writer1;
  Bench<W::Model> dma(W::set_idle);
  const unsigned id = GENERATE(0U, 1U, 2U);
  dma->bid_i = static_cast<CData>(id);
  dma->bvalid_i = 1;
  CHECK_THROWS_AS(dma.tick(), AssertionFailed);
  // Nor before the burst has ended.
  W::set_idle(*dma);
  dma.reset();
  dma->record_valid_i = 1;
  dma->awready_i = 1;
  dma.tick();
  dma.tick();
  CHECK(dma->wvalid_o == 1);
  dma->bvalid_i = 1;
  dma->bid_i = kCompletions;
  CHECK_THROWS_AS(dma.tick(), AssertionFailed);
  W::set_idle(*dma);
  dma.reset();
  offer_job(dma, {.address = 0x1000, .values = 1});
  dma->bvalid_i = 1;
  CHECK_THROWS_AS(dma.tick(), AssertionFailed);
}

TEST_CASE("A job of no results, of part of a group, or within a page fails an assertion") {
  using W = Writer2;
  const Job job = GENERATE(Job{.values = 0}, Job{.values = 3}, Job{.address = 0x1800, .values = 2});
  Bench<W::Model> dma(W::set_idle);
  CHECK_THROWS_AS(offer_job(dma, job), AssertionFailed);
}
