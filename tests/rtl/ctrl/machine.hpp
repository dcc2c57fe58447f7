// SPDX-License-Identifier: Apache-2.0
// What surrounds bl_ctrl, reduced to what it sees: software on the control port, a memory that
// holds the descriptor ring, units that take jobs and report them done, a writer of records.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

using Words = std::array<std::uint32_t, 16>;

enum Response : unsigned { kOkay = 0, kSlaveError = 2 };

struct ReadAnswer {
  unsigned response;
  std::uint32_t data;
};

/// A job as the units see it.
struct StartedJob {
  unsigned tiles;
  unsigned slices;
  unsigned bits;
  bool has_offset;
  std::uint64_t weights_address;
  std::uint32_t weights_run_beats;
  std::uint32_t weights_stride_beats;
  std::uint32_t weights_runs;
  std::uint64_t scales_address;
  std::uint32_t scales_beats;
  std::uint64_t activations_address;
  std::uint32_t activations_beats;
  std::uint64_t outputs_address;
  std::uint32_t outputs_values;

  bool operator==(const StartedJob&) const = default;
};

struct Record {
  std::uint64_t address;
  Words words;
};

template <class Ctrl>
class Surroundings {
 public:
  Surroundings() : bench_(set_idle) {}

  Bench<Ctrl>& bench() { return bench_; }
  Ctrl* operator->() { return &*bench_; }

  // What software does.

  unsigned write(unsigned address, std::uint32_t data, unsigned strobes = 0xF) {
    bench_->ctl_awaddr_i = static_cast<SData>(address);
    bench_->ctl_awvalid_i = 1;
    bench_->ctl_wdata_i = data;
    bench_->ctl_wstrb_i = static_cast<CData>(strobes);
    bench_->ctl_wvalid_i = 1;
    step();
    bench_->ctl_awvalid_i = 0;
    bench_->ctl_wvalid_i = 0;
    REQUIRE(bench_->ctl_bvalid_o == 0);
    step();
    REQUIRE(bench_->ctl_bvalid_o == 1);
    const unsigned response = bench_->ctl_bresp_o;
    bench_->ctl_bready_i = 1;
    step();
    bench_->ctl_bready_i = 0;
    return response;
  }

  ReadAnswer read(unsigned address) {
    bench_->ctl_araddr_i = static_cast<SData>(address);
    bench_->ctl_arvalid_i = 1;
    step();
    bench_->ctl_arvalid_i = 0;
    REQUIRE(bench_->ctl_rvalid_o == 1);
    const ReadAnswer answer{bench_->ctl_rresp_o, bench_->ctl_rdata_o};
    bench_->ctl_rready_i = 1;
    step();
    bench_->ctl_rready_i = 0;
    return answer;
  }

  // What the surroundings do, cycle by cycle.

  std::map<std::uint64_t, Words> memory;  ///< Descriptors by address.
  unsigned ready_percent = 100;           ///< Of requests, descriptor beats, jobs and records.
  bool finish_jobs = true;                ///< Started jobs are done a few cycles later.
  bool job_nan = false;                   ///< What the oldest job reports.

  std::vector<StartedJob> jobs;
  std::vector<Record> records;
  std::vector<std::uint64_t> fetches;
  unsigned interrupts_seen = 0;

  void step() {
    bench_->request_ready_i = random_.chance(ready_percent);
    bench_->job_ready_i = random_.chance(ready_percent);
    bench_->record_ready_i = bench_->record_valid_o && random_.chance(ready_percent);
    bench_->beat_valid_i = !beats_.empty() && random_.chance(ready_percent);
    if (bench_->beat_valid_i) bench_->beat_data_i = beats_.front();
    bench_->job_done_valid_i = finish_jobs && finished_ < jobs.size();
    bench_->job_done_nan_i = job_nan;
    bench_->record_done_i = response_due_;
    bench_.settle();

    if (bench_->request_valid_o && bench_->request_ready_i) {
      const std::uint64_t address = bench_->request_address_o;
      fetches.push_back(address);
      const Words& words = memory.at(address);
      for (std::size_t w = 0; w < words.size(); w += 2) {
        beats_.push_back(words.at(w) | std::uint64_t{words.at(w + 1)} << 32);
      }
    }
    if (bench_->beat_valid_i && bench_->beat_ready_o) beats_.pop_front();
    if (bench_->job_valid_o && bench_->job_ready_i) jobs.push_back(started_job());
    if (bench_->job_done_valid_i && bench_->job_done_ready_o) ++finished_;
    response_due_ = bench_->record_valid_o && bench_->record_ready_i;
    if (response_due_) {
      Record record{bench_->record_address_o, {}};
      for (unsigned w = 0; w < 16; ++w) {
        record.words.at(w) = static_cast<std::uint32_t>(get(bench_->record_data_o, 32 * w, 32));
      }
      records.push_back(record);
    }
    bench_.tick();
  }

  void run_until_records(std::size_t count) {
    for (unsigned i = 0; records.size() < count || response_due_; ++i) {
      REQUIRE(i < 20000);
      step();
    }
    step();
  }

 private:
  static void set_idle(Ctrl& ctrl) {
    ctrl.ctl_awvalid_i = 0;
    ctrl.ctl_wvalid_i = 0;
    ctrl.ctl_bready_i = 0;
    ctrl.ctl_arvalid_i = 0;
    ctrl.ctl_rready_i = 0;
    ctrl.request_ready_i = 0;
    ctrl.beat_valid_i = 0;
    ctrl.job_ready_i = 0;
    ctrl.job_done_valid_i = 0;
    ctrl.job_done_nan_i = 0;
    ctrl.record_ready_i = 0;
    ctrl.record_done_i = 0;
    ctrl.cause_i = 5;
    ctrl.beats_i = 0;
    ctrl.read_error_i = 0;
    ctrl.write_error_i = 0;
    ctrl.record_error_i = 0;
  }

  StartedJob started_job() {
    return {bench_->job_tiles_o,
            bench_->job_slices_o,
            bench_->job_bits_o,
            bench_->job_has_offset_o != 0,
            bench_->weights_address_o,
            bench_->weights_run_beats_o,
            bench_->weights_stride_beats_o,
            bench_->weights_runs_o,
            bench_->scales_address_o,
            bench_->scales_beats_o,
            bench_->activations_address_o,
            bench_->activations_beats_o,
            bench_->outputs_address_o,
            bench_->outputs_values_o};
  }

  Bench<Ctrl> bench_;
  Random random_{141};
  std::deque<std::uint64_t> beats_;
  std::size_t finished_ = 0;
  bool response_due_ = false;
};

}  // namespace bitloom::rtl
