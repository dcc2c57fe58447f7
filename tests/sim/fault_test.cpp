// SPDX-License-Identifier: Apache-2.0
// The real machine under faults: bad descriptors, error responses on every stream, resets. Whatever
// happens, every descriptor completes with the right record, the others are not touched, and the
// next run is right; a run that hung would end in the worker's watchdog, which fails the test.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gen/descriptor.hpp"
#include "sim/rtl/layer_images.hpp"
#include "sim/rtl/worker_build.hpp"
#include "sim/rtl/worker_process.hpp"
#include "sw/config/config.hpp"
#include "sw/device/device.hpp"
#include "sw/golden/golden_device.hpp"
#include "sw/layout/layout.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSlverr = 2;
constexpr std::uint32_t kDecerr = 3;

struct Region {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  [[nodiscard]] bool holds(std::uint64_t place) const {
    return place >= address && place < address + bytes;
  }
};

/// One descriptor with its images in memory and what golden says of it.
struct Job {
  Descriptor descriptor;
  Outputs expected;
  std::vector<bool> nan_tokens;
  Region weights;
  Region scales;
  Region activations;
  Region outputs;
};

/// A small machine with three jobs in memory, of different modes, sizes and tokens.
class Machine {
 public:
  Machine()
      : config_(load_config("tiny")),
        executable_(ensure_worker(config_.hardware, {})),
        worker_(executable_.path, executable_.hash, 120s) {
    worker_.configure(
        {.clock_mhz = 1000, .latency_ns = 40, .jitter_ns = 20, .stall_percent = 10, .seed = 7});
    const auto golden = make_golden_device(config_.arithmetic());
    for (std::uint64_t seed = 1; jobs_.size() < 3; ++seed) {
      const RandomCase c = make_random_case(seed, machine_limits(config_.hardware, 12, 300));
      // One job of each kind: few and many streams in use.
      const bool wanted = jobs_.size() == 1 ? c.layer.mode == Mode::codebook
                                            : c.layer.mode == Mode::bcq && c.bits >= 2;
      if (!wanted || c.acts.tokens == 0 || c.acts.tokens > config_.hardware.tokens) continue;
      place(c, run_layer(*golden, c.layer, c.bits, c.acts, c.format));
    }
  }

  [[nodiscard]] const std::vector<Job>& jobs() const { return jobs_; }
  WorkerProcess& worker() { return worker_; }

  std::vector<CompletionRecord> run(const std::vector<Descriptor>& descriptors) {
    std::vector<Record> raw;
    for (const Descriptor& descriptor : descriptors) raw.push_back(encode(descriptor));
    std::vector<CompletionRecord> records;
    worker_.run(
        raw,
        [&](const CompletionReport& report) {
          records.push_back(decode_completion(report.record));
        },
        nullptr);
    return records;
  }

  /// All jobs, one after the other, with outputs that nobody has written yet.
  std::vector<CompletionRecord> run_all() {
    std::vector<Descriptor> descriptors;
    for (const Job& job : jobs_) {
      worker_.write(job.outputs.address, std::vector<std::uint8_t>(job.outputs.bytes, 0xEE));
      descriptors.push_back(job.descriptor);
    }
    return run(descriptors);
  }

  void check_outputs(const Job& job) {
    std::vector<std::uint32_t> bits;
    read_output_image(worker_.read(job.outputs.address, job.outputs.bytes), job.expected.m,
                      job.expected.tokens, job.expected.format, config_.hardware, bits);
    CHECK(bits == job.expected.bits);
  }

  /// What every test ends with: the machine is as good as new.
  void check_next_run() {
    worker_.inject({});
    const std::vector<CompletionRecord> records = run_all();
    REQUIRE(records.size() == jobs_.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      CHECK(records[i].status == static_cast<std::uint32_t>(StatusCode::ok));
      for (std::size_t t = 0; t < jobs_[i].nan_tokens.size(); ++t)
        CHECK(((records[i].nan_tokens >> t & 1U) != 0) == jobs_[i].nan_tokens[t]);
      check_outputs(jobs_[i]);
    }
  }

 private:
  Region store(const std::vector<std::uint8_t>& bytes) {
    const Region region{next_, bytes.size()};
    worker_.map(region.address, region.bytes);
    worker_.write(region.address, bytes);
    next_ += (region.bytes / kImageAlignment + 2) * kImageAlignment;
    return region;
  }

  void place(const RandomCase& c, const Completion& expected) {
    const LayerImages images = make_layer_images(c.layer, config_.hardware);
    const Image acts = activation_image(c.acts, 0, c.acts.tokens, c.layer, config_.hardware);
    Job job;
    job.expected = expected.y;
    job.nan_tokens = expected.nan_tokens;
    job.weights = store(images.weights.bytes);
    job.scales = store(images.tables.at(c.bits).image.bytes);
    job.activations = store(acts.bytes);
    job.outputs = store(std::vector<std::uint8_t>(
        output_image_bytes(c.layer.m, c.acts.tokens, c.format, config_.hardware)));
    job.descriptor = make_descriptor(images,
                                     {.bits = c.bits,
                                      .format = c.format,
                                      .tokens = c.acts.tokens,
                                      .activations_stripe = acts.stripe},
                                     {.weights = job.weights.address,
                                      .scales = job.scales.address,
                                      .activations = job.activations.address,
                                      .outputs = job.outputs.address});
    jobs_.push_back(std::move(job));
  }

  Config config_;
  WorkerExecutable executable_;
  WorkerProcess worker_;
  std::uint64_t next_ = std::uint64_t{1} << 33;
  std::vector<Job> jobs_;
};

Machine& machine() {
  static Machine only;
  return only;
}

const Region& region_of(const Job& job, Stream stream) {
  switch (stream) {
    case Stream::weights:
      return job.weights;
    case Stream::scales:
      return job.scales;
    case Stream::activations:
      return job.activations;
    default:
      return job.outputs;
  }
}

constexpr std::uint64_t kMostBursts = 400;

// One error on the given burst and beat of a stream: the number of jobs that saw it, at most one.
std::size_t jobs_hit(Stream stream, const ErrorResponse& error) {
  CAPTURE(static_cast<unsigned>(stream), error.burst, error.beat, error.response);
  machine().worker().inject(std::array{error});
  const std::vector<CompletionRecord> records = machine().run_all();
  const std::vector<Job>& jobs = machine().jobs();
  REQUIRE(records.size() == jobs.size());
  std::size_t hit = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const CompletionRecord& record = records[i];
    if (record.status == static_cast<std::uint32_t>(StatusCode::ok)) {
      CHECK(record.fault_address == 0);
      machine().check_outputs(jobs[i]);
      continue;
    }
    ++hit;
    CHECK(record.status == static_cast<std::uint32_t>(StatusCode::bus_error));
    CHECK(record.stream == static_cast<std::uint32_t>(stream));
    if (stream != Stream::descriptors)
      CHECK(region_of(jobs[i], stream).holds(record.fault_address));
  }
  CHECK(hit <= 1);
  return hit;
}

}  // namespace

TEST_CASE("An error response to any burst of any stream is charged to its job alone") {
  struct Place {
    Stream stream;
    std::uint32_t channel;
    std::uint32_t id;
  };
  const std::array places{Place{Stream::weights, 0, 0}, Place{Stream::scales, 0, 1},
                          Place{Stream::activations, 0, 2}, Place{Stream::descriptors, 0, 3},
                          Place{Stream::outputs, ErrorResponse::kWriteChannel, 0}};
  for (const Place& place : places) {
    std::uint64_t bursts = 0;
    for (std::uint64_t burst = 0; burst < kMostBursts; burst += burst < 8 ? 1 : 7) {
      // First, middle and last beat in turn, and both responses.
      const std::uint32_t beat = burst % 3 == 0 ? 0 : burst % 3 == 1 ? ErrorResponse::kLastBeat : 2;
      const std::size_t hit =
          jobs_hit(place.stream, {.channel = place.channel,
                                  .id = place.id,
                                  .burst = burst,
                                  .beat = beat,
                                  .response = burst % 2 == 0 ? kSlverr : kDecerr});
      if (hit == 0) break;
      ++bursts;
    }
    CAPTURE(static_cast<unsigned>(place.stream));
    CHECK(bursts >= 3);  // every job has at least one burst of every stream
  }
  machine().check_next_run();
}

TEST_CASE("Errors on all streams at once: every job hit says so, and nothing hangs") {
  std::vector<ErrorResponse> errors;
  for (std::uint32_t id = 0; id < 3; ++id)
    for (std::uint64_t burst = 0; burst < 200; ++burst)
      errors.push_back({.channel = 0, .id = id, .burst = burst, .beat = 0, .response = kSlverr});
  for (std::uint64_t burst = 0; burst < 20; ++burst)
    errors.push_back({.channel = ErrorResponse::kWriteChannel,
                      .id = 0,
                      .burst = burst,
                      .beat = 0,
                      .response = kDecerr});
  machine().worker().inject(errors);
  for (const CompletionRecord& record : machine().run_all())
    CHECK(record.status == static_cast<std::uint32_t>(StatusCode::bus_error));
  machine().check_next_run();
}

TEST_CASE("A descriptor with any bad field has that status, moves nothing and stops nobody") {
  struct Bad {
    StatusCode status;
    std::function<void(Descriptor&)> spoil;
  };
  const std::vector<Bad> bads = {
      {StatusCode::bad_opcode, [](Descriptor& d) { d.opcode = 2; }},
      {StatusCode::bad_m, [](Descriptor& d) { d.m = 0; }},
      {StatusCode::bad_m, [](Descriptor& d) { d.m = 4097; }},
      {StatusCode::bad_k, [](Descriptor& d) { d.k = 0; }},
      {StatusCode::bad_k, [](Descriptor& d) { d.k = 4097; }},
      {StatusCode::bad_group_size, [](Descriptor& d) { d.group_size = 96; }},
      {StatusCode::bad_group_size, [](Descriptor& d) { d.group_size = 512; }},
      {StatusCode::bad_bits, [](Descriptor& d) { d.bits = 0; }},
      {StatusCode::bad_bits, [](Descriptor& d) { d.bits = d.planes + 1; }},
      {StatusCode::bad_bits, [](Descriptor& d) { d.planes = 9; }},
      {StatusCode::bad_tokens, [](Descriptor& d) { d.tokens = 0; }},
      {StatusCode::bad_tokens, [](Descriptor& d) { d.tokens = 5; }},
      {StatusCode::bad_address, [](Descriptor& d) { d.weights_address += 64; }},
      {StatusCode::bad_address, [](Descriptor& d) { d.scales_address += 8; }},
      {StatusCode::bad_address, [](Descriptor& d) { d.activations_address += 2048; }},
      {StatusCode::bad_address, [](Descriptor& d) { d.outputs_address += 1; }},
      {StatusCode::bad_reserved, [](Descriptor& d) { d.rounding_exponent = 1; }},
  };
  const Job& good = machine().jobs().front();
  std::vector<Descriptor> descriptors;
  for (const Bad& bad : bads) {
    descriptors.push_back(good.descriptor);
    bad.spoil(descriptors.back());
    descriptors.push_back(good.descriptor);
  }
  const std::vector<CompletionRecord> records = machine().run(descriptors);
  REQUIRE(records.size() == descriptors.size());
  for (std::size_t i = 0; i < bads.size(); ++i) {
    CAPTURE(i);
    CHECK(records[2 * i].status == static_cast<std::uint32_t>(bads[i].status));
    CHECK(records[2 * i + 1].status == static_cast<std::uint32_t>(StatusCode::ok));
  }
  machine().check_outputs(good);
  machine().check_next_run();
}

TEST_CASE("A reset at any time of a run leaves a machine that works") {
  for (const std::uint64_t cycle : {1U, 60U, 130U, 250U, 400U, 700U, 1100U, 1600U, 2500U}) {
    CAPTURE(cycle);
    machine().worker().reset_at(cycle);
    const std::vector<CompletionRecord> records = machine().run_all();
    if (!machine().worker().cut_off()) CHECK(records.size() == machine().jobs().size());
    for (const CompletionRecord& record : records)
      CHECK(record.status == static_cast<std::uint32_t>(StatusCode::ok));
    machine().check_next_run();
  }
}

}  // namespace bitloom::sim
