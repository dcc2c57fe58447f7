// SPDX-License-Identifier: Apache-2.0
// What surrounds bl_ctrl, reduced to what it sees: software on the control port, a memory that
// holds the descriptor ring, units that take jobs and report them done, a writer of records. Each
// has a latency and answers in order.
#pragma once

#include <VCtrlEdge/VCtrlEdge.h>
#include <VCtrlFlat/VCtrlFlat.h>
#include <VCtrlNarrow/VCtrlNarrow.h>
#include <VCtrlServer/VCtrlServer.h>
#include <VCtrlTiny/VCtrlTiny.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/ctrl/jobs.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

// The machines of tests/rtl/ctrl/CMakeLists.txt.

struct Tiny {
  using Model = VCtrlTiny;
  static constexpr Parameters kParameters{4, 16, 6, 3, 4096, 2048, 4, 64, 64, true};
};
struct Edge {
  using Model = VCtrlEdge;
  static constexpr Parameters kParameters{16, 32, 8, 4, 16384, 262144, 4, 512, 512, true};
};
struct Server {
  using Model = VCtrlServer;
  static constexpr Parameters kParameters{64, 128, 8, 4, 49152, 262144, 4, 512, 8192, true};
};
struct Narrow {
  using Model = VCtrlNarrow;
  static constexpr Parameters kParameters{32, 8, 3, 0, 768, 1000, 16, 128, 128, false};
};
struct Flat {
  using Model = VCtrlFlat;
  static constexpr Parameters kParameters{2, 64, 1, 4, 1048576, 1000, 1, 64, 128, false};
};

enum Response : unsigned { kOkay = 0, kSlaveError = 2 };

constexpr unsigned kControl = 0x00C;
constexpr unsigned kStatus = 0x010;
constexpr unsigned kDoorbell = 0x028;
constexpr unsigned kCompleted = 0x02C;
constexpr unsigned kIrqEnable = 0x030;
constexpr unsigned kIrqStatus = 0x034;

constexpr std::uint64_t kRing = 0x1'0000'4000;
constexpr std::uint64_t kRecords = 0x2'0000'8000;

struct ReadAnswer {
  unsigned response;
  std::uint32_t data;
};

struct Record {
  std::uint64_t address;
  Words words;

  [[nodiscard]] unsigned status() const { return words[0] & 0xFFU; }
  [[nodiscard]] unsigned stream() const { return (words[0] >> 8) & 0xFFU; }
  [[nodiscard]] unsigned nan_tokens() const { return words[0] >> 16; }
  [[nodiscard]] unsigned index() const { return words[1]; }
  [[nodiscard]] std::uint64_t fault_address() const {
    return words[2] | std::uint64_t{words[3]} << 32;
  }
};

/// A bus error as bl_dma reports it; streams 0 to 3 are reads, 4 is the outputs.
struct BusError {
  unsigned stream;
  unsigned tag;
  std::uint64_t address;
};

/// Fields of a packed structure, the first one on top.
template <class Port>
class Fields {
 public:
  Fields(const Port& port, unsigned width) : port_(port), low_(width) {}
  std::uint64_t take(unsigned width) {
    low_ -= width;
    return get(port_, low_, width);
  }

 private:
  const Port& port_;
  unsigned low_;
};

template <class Port>
ReadJob read_job(const Port& port) {
  Fields fields(port, 196);
  const std::uint64_t tag = fields.take(4);
  return {fields.take(64), fields.take(32), fields.take(32), fields.take(32), fields.take(32), tag};
}

template <class Machine>
class Surroundings {
 public:
  using Model = typename Machine::Model;
  static constexpr Parameters kParameters = Machine::kParameters;

  Surroundings() : bench_(set_idle) {}

  Bench<Model>& bench() { return bench_; }
  Model* operator->() { return &*bench_; }

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

  void set_up(unsigned mask) {
    REQUIRE(write(0x014, static_cast<std::uint32_t>(kRing)) == kOkay);
    REQUIRE(write(0x018, static_cast<std::uint32_t>(kRing >> 32)) == kOkay);
    REQUIRE(write(0x01C, static_cast<std::uint32_t>(kRecords)) == kOkay);
    REQUIRE(write(0x020, static_cast<std::uint32_t>(kRecords >> 32)) == kOkay);
    REQUIRE(write(0x024, mask) == kOkay);
    REQUIRE(write(kControl, 1) == kOkay);
  }

  void ring(unsigned count) { REQUIRE(write(kDoorbell, count) == kOkay); }

  // What the surroundings do, cycle by cycle.

  std::map<std::uint64_t, Words> memory;  ///< Descriptors by address.
  unsigned ready_percent = 100;           ///< Of requests, descriptor beats, jobs and records.
  unsigned fetch_latency = 1;             ///< From a request to its first beat.
  unsigned job_latency = 1;               ///< From a job to its last write response.
  unsigned record_latency = 1;            ///< From a record to its response.
  bool finish_jobs = true;
  bool answer_records = true;
  unsigned job_nan = 0;              ///< What the oldest job reports.
  std::vector<BusError> errors_now;  ///< In the next step; one per stream.
  /// Errors of a descriptor's read by index, the first with its first beat and so on.
  std::map<unsigned, std::vector<std::uint64_t>> descriptor_errors;

  std::vector<StartedJob> jobs;
  std::vector<unsigned> job_cycles;
  std::vector<Record> records;
  std::vector<unsigned> record_cycles;
  std::vector<ReadJob> requests;
  std::vector<unsigned> last_beat_cycles;  ///< by descriptor
  unsigned finished = 0;                   ///< Jobs whose end was taken.
  unsigned answered = 0;                   ///< Records whose response was given.

  void step() {
    Model& model = *bench_;
    const unsigned now = bench_.cycle();
    model.request_ready_i = random_.chance(ready_percent);
    model.job_ready_i = random_.chance(ready_percent);
    model.record_ready_i = model.record_valid_o && random_.chance(ready_percent);
    model.beat_valid_i =
        !beats_.empty() && beats_.front().due <= now && random_.chance(ready_percent);
    if (model.beat_valid_i) {
      for (unsigned w = 0; w < kParameters.beat / 32; ++w)
        set(model.beat_data_i, 32 * w, 32, beats_.front().words.at(w));
    }
    model.job_done_valid_i =
        finish_jobs && finished < jobs.size() && job_cycles.at(finished) + job_latency <= now;
    model.job_done_nan_i = static_cast<SData>(job_nan);
    model.record_done_i = answer_records && answered < records.size() &&
                          record_cycles.at(answered) + record_latency <= now;
    // An input that errors depend on: whether the beat is taken.
    bench_.settle();
    if (model.beat_valid_i && model.beat_ready_o) take_beat(now);
    set_errors();
    bench_.settle();

    if (model.request_valid_o && model.request_ready_i) serve_request(now);
    if (model.job_valid_o && model.job_ready_i) {
      jobs.push_back(started_job());
      job_cycles.push_back(now);
    }
    if (model.job_done_valid_i && model.job_done_ready_o) ++finished;
    if (model.record_done_i) ++answered;
    if (model.record_valid_o && model.record_ready_i) {
      Record record{model.record_address_o, {}};
      for (unsigned w = 0; w < 16; ++w)
        record.words.at(w) = static_cast<std::uint32_t>(get(model.record_data_o, 32 * w, 32));
      records.push_back(record);
      record_cycles.push_back(now);
    }
    bench_.tick();
    errors_now.clear();
  }

  void steps(unsigned count) {
    for (unsigned i = 0; i < count; ++i) step();
  }

  /// Until `count` records have their responses and `completed` shows it.
  void run_until_answered(std::size_t count, unsigned limit = 20000) {
    for (unsigned i = 0; answered < count; ++i) {
      REQUIRE(i < limit);
      step();
    }
  }

 private:
  static constexpr unsigned kBeats = 512 / kParameters.beat;

  struct Beat {
    unsigned due;
    unsigned index;   // of the descriptor
    unsigned number;  // in it
    std::vector<std::uint32_t> words;
  };

  static void set_idle(Model& model) {
    model.ctl_awvalid_i = 0;
    model.ctl_wvalid_i = 0;
    model.ctl_bready_i = 0;
    model.ctl_arvalid_i = 0;
    model.ctl_rready_i = 0;
    model.request_ready_i = 0;
    model.beat_valid_i = 0;
    model.job_ready_i = 0;
    model.job_done_valid_i = 0;
    model.job_done_nan_i = 0;
    model.record_ready_i = 0;
    model.record_done_i = 0;
    model.cause_i = 5;
    model.beats_i = 0;
    model.read_error_i = 0;
    model.write_error_i = 0;
    model.record_error_i = 0;
  }

  void take_beat(unsigned now) {
    const Beat& beat = beats_.front();
    const auto errors = descriptor_errors.find(beat.index);
    if (errors != descriptor_errors.end() && beat.number < errors->second.size())
      errors_now.push_back({3, beat.index % 16, errors->second.at(beat.number)});
    if (beat.number == kBeats - 1) last_beat_cycles.push_back(now);
    beats_.pop_front();
  }

  // Idle error inputs hold what must not matter.
  void set_errors() {
    Model& model = *bench_;
    model.read_error_i = 0;
    model.write_error_i = 0;
    for (unsigned stream = 0; stream < 4; ++stream) {
      set(model.read_error_tag_i, 4 * stream, 4, random_.bits(4));
      set(model.read_error_address_i, 64 * stream, 64, random_.bits(63));
    }
    model.write_error_tag_i = static_cast<CData>(random_.bits(4));
    model.write_error_address_i = random_.bits(63);
    for (const BusError& error : errors_now) {
      if (error.stream == 4) {
        model.write_error_i = 1;
        model.write_error_tag_i = static_cast<CData>(error.tag);
        model.write_error_address_i = error.address;
      } else {
        REQUIRE(!bit(model.read_error_i, error.stream));
        set_bit(model.read_error_i, error.stream, true);
        set(model.read_error_tag_i, 4 * error.stream, 4, error.tag);
        set(model.read_error_address_i, 64 * error.stream, 64, error.address);
      }
    }
  }

  void serve_request(unsigned now) {
    const ReadJob request = read_job(bench_->request_job_o);
    const auto index = static_cast<unsigned>(requests.size());
    requests.push_back(request);
    const Words& words = memory.at(request.address);
    for (unsigned i = 0; i < kBeats; ++i) {
      const auto first = words.begin() + i * (16 / kBeats);
      beats_.push_back({now + fetch_latency, index, i, {first, first + 16 / kBeats}});
    }
  }

  StartedJob started_job() {
    StartedJob started{};
    Fields job(bench_->job_o, 109);
    Job& j = started.job;
    j.tiles = job.take(20);
    j.blocks = job.take(16);
    j.span = job.take(6);
    j.last_span = job.take(6);
    j.shared_word = job.take(1);
    j.group_log2 = job.take(2);
    j.bits = job.take(4);
    j.rounds = job.take(5);
    j.codebook = job.take(1);
    j.per_row = job.take(1);
    j.has_offset = job.take(1);
    j.binary16 = job.take(1);
    j.tokens = job.take(5);
    j.rounding_exponent = job.take(8);
    j.scale_pairs = job.take(32);
    started.weights = read_job(bench_->weights_job_o);
    started.scales = read_job(bench_->scales_job_o);
    started.activations = read_job(bench_->activations_job_o);
    Fields outputs(bench_->outputs_job_o, 101);
    WriteJob& o = started.outputs;
    o.tag = outputs.take(4);
    o.binary16 = outputs.take(1);
    o.address = outputs.take(64);
    o.values = outputs.take(32);
    return started;
  }

  Bench<Model> bench_;
  Random random_{141};
  std::deque<Beat> beats_;
};

}  // namespace bitloom::rtl
