// SPDX-License-Identifier: Apache-2.0
// The testbench's read channels side by side, behind the fake machine: what each one brings, when,
// and with which errors. Expected bytes and sums are made here, from docs/layout.md and from the
// head of fake/bl_top.sv.
#include <algorithm>
#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "sim/mem/fixed_memory.hpp"
#include "sw/config/config.hpp"
#include "tests/sim/fake_bench.hpp"

namespace bitloom::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kStream = 1005;
constexpr std::size_t kPage = 4096;
constexpr std::uint32_t kSlverr = 2;
constexpr std::uint32_t kDecerr = 3;
constexpr std::uint8_t kNoData = 0xA5;  // what a beat with an error holds

struct Shape {
  std::uint32_t channels;
  std::uint32_t beat;  // bytes
};

// One channel, two whose beats fill the widest port, four whose fields share bytes of narrow ones.
const auto kShapes = {Shape{1, 8}, Shape{2, 64}, Shape{4, 8}};

const WorkerExecutable& worker_of(const Shape& shape) {
  if (shape.channels == 1) return fake_worker();
  static std::map<std::uint32_t, WorkerExecutable> workers;
  WorkerExecutable& worker = workers[shape.channels];
  if (worker.path.empty()) {
    HardwareConfig hardware = load_config("tiny").hardware;
    hardware.rows = hardware.rows_per_lut = 64;  // a plane word has to be a line
    hardware.read_channels = shape.channels;
    hardware.channel_bits = shape.beat * 8;
    worker = ensure_worker(hardware, fake_options());
  }
  return worker;
}

// What each channel reads of the lines of a linear image.
std::vector<Bytes> parts_of(const Bytes& linear, const Shape& shape) {
  std::vector<Bytes> parts(shape.channels);
  for (std::size_t at = 0; at < linear.size(); at += shape.beat) {
    Bytes& part = parts.at(at / shape.beat % shape.channels);
    part.insert(part.end(), linear.begin() + static_cast<std::ptrdiff_t>(at),
                linear.begin() + static_cast<std::ptrdiff_t>(at + shape.beat));
  }
  return parts;
}

// What the fake says of a stream.
struct Streamed {
  explicit Streamed(const CompletionRecord& r)
      : status(r.status),
        cycles(r.cycles_busy),
        errors(r.cycles_output),
        error_channel(r.cycles_activations >> 24),
        error_beat(r.cycles_activations & 0xFF'FFFF),
        response(r.cycles_scales),
        sum(r.cycles_weights | std::uint64_t{r.cycles_control} << 32),
        first{r.beats_weights, r.beats_scales, r.beats_activations, r.beats_descriptors},
        lead(r.beats_outputs),
        overtakes(r.beats_completions) {}

  std::uint32_t status;
  std::uint32_t cycles;
  std::uint32_t errors;
  std::uint32_t error_channel;
  std::uint32_t error_beat;
  std::uint32_t response;
  std::uint64_t sum;
  std::array<std::uint32_t, 4> first;
  std::uint32_t lead;
  std::uint32_t overtakes;
};

// A fake with a striped image of `lines` lines, each channel's part in a region of its own.
class Channels : public FakeBench {
 public:
  Channels(const Shape& shape, std::uint32_t lines, const SystemSettings& settings)
      : FakeBench(settings, worker_of(shape)),
        shape_(shape),
        lines_(lines),
        stripe_((std::size_t{lines} * shape.beat + kPage - 1) / kPage + 1) {
    data = pattern(std::size_t{lines} * shape.beat * shape.channels);
    parts_ = parts_of(data, shape);
    for (std::uint32_t c = 0; c < shape.channels; ++c) {
      worker.map(address(c), parts_[c].size());
      worker.write(address(c), parts_[c]);
    }
    worker.map(kOutput, data.size());
  }

  [[nodiscard]] std::uint64_t address(std::uint32_t channel) const {
    return kInput + channel * stripe_ * kPage;
  }

  CompletionRecord copy() {
    return run_one(copy_descriptor(static_cast<std::uint32_t>(data.size() / 4)));
  }

  Streamed stream(std::uint32_t burst) {
    Descriptor descriptor = copy_descriptor(lines_, kStream);
    descriptor.group_size = burst;
    return Streamed(run_one(descriptor));
  }

  // The beat arrives without its bytes.
  void lose(std::uint32_t channel, std::uint32_t beat) {
    const auto from = parts_.at(channel).begin() + std::ptrdiff_t{beat} * shape_.beat;
    std::fill_n(from, shape_.beat, kNoData);
  }

  // The sum over all that the channels read: IDs 0 and 1 in turn, burst by burst.
  [[nodiscard]] std::uint64_t sum(std::uint32_t burst) const {
    std::uint64_t total = 0;
    for (std::uint32_t c = 0; c < shape_.channels; ++c) {
      std::array<std::uint64_t, 2> of_id{};
      for (std::uint32_t beat = 0; beat < lines_; ++beat) {
        std::uint64_t word = 0;
        std::memcpy(&word, &parts_[c].at(std::size_t{beat} * shape_.beat), sizeof word);
        std::uint64_t& sum = of_id.at(beat / burst % 2);
        sum = std::rotl(sum, 1) + word;
      }
      total += (of_id[0] << (2 * c)) + (of_id[1] << (2 * c + 1));
    }
    return total;
  }

 private:
  CompletionRecord run_one(Descriptor descriptor) {
    descriptor.activations_stripe = static_cast<std::uint32_t>(stripe_);
    return run({encode(descriptor)}).at(0);
  }

  Shape shape_;
  std::uint32_t lines_;
  std::size_t stripe_;  // pages
  std::vector<Bytes> parts_;
};

TEST_CASE("A striped image is read as the linear one, beat by beat") {
  const Shape shape = GENERATE(values(kShapes));
  const SystemSettings settings = GENERATE(kPlain, kUneven);
  CAPTURE(shape.channels, settings.jitter_ns);
  Channels channels(shape, 24, settings);
  CHECK(channels.copy().status == 0);
  CHECK(channels.worker.read(kOutput, channels.data.size()) == channels.data);
}

TEST_CASE("Every channel runs at full rate, a beat a cycle from its latency on, in lock step") {
  const Shape shape = GENERATE(values(kShapes));
  const std::uint32_t burst = GENERATE(1U, 16U);
  CAPTURE(shape.channels, burst);
  Channels channels(shape, 320, kPlain);
  const Streamed got = channels.stream(burst);
  CHECK(got.status == 0);
  CHECK(got.errors == 0);
  CHECK(got.sum == channels.sum(burst));
  CHECK(got.cycles == 100 + 320);
  CHECK(got.lead == 0);
  CHECK(got.overtakes == 0);
  for (std::uint32_t c = 0; c < got.first.size(); ++c)
    CHECK(got.first.at(c) == (c < shape.channels ? 100U : 0U));
}

TEST_CASE("Each channel has the random latencies of its own port, in order for each ID alone") {
  const Shape shape = GENERATE(values(kShapes));
  const std::uint32_t burst = GENERATE(1U, 16U);
  CAPTURE(shape.channels, burst);
  SystemSettings settings = kPlain;
  settings.jitter_ns = 200;
  settings.seed = 9;
  Channels channels(shape, 1600, settings);
  const Streamed got = channels.stream(burst);
  CHECK(got.status == 0);
  CHECK(got.sum == channels.sum(burst));
  CHECK(got.cycles > 100 + 1600);
  CHECK(got.overtakes > 10);
  CHECK((got.lead > 0) == (shape.channels > 1));

  // The first two bursts of a port, one a cycle: which is first, and when.
  for (std::uint32_t c = 0; c < shape.channels; ++c) {
    const AddressSpace nothing;
    FixedMemory memory({.latency = 100'000, .jitter = 200'000, .seed = 9}, nothing);
    for (std::uint32_t i = 0; i < 64; ++i)
      memory.try_issue({.port = c, .id = i % 2, .op = MemoryOp::read, .bytes = 8, .tag = i},
                       i * 1000);
    CHECK(got.first.at(c) == (memory.next_event() + 999) / 1000);
  }
}

TEST_CASE("Backpressure holds each channel back on its own and costs no data") {
  const Shape shape = GENERATE(values(kShapes));
  CAPTURE(shape.channels);
  SystemSettings settings = kPlain;
  settings.stall_percent = 50;
  Channels channels(shape, 1600, settings);
  const Streamed got = channels.stream(16);
  CHECK(got.status == 0);
  CHECK(got.sum == channels.sum(16));
  // A beat takes two cycles on the average; a channel's sum of 1600 is off by 2 % (one sigma 57).
  CHECK(got.cycles > 100 + 2 * 1600 - 300);
  CHECK(got.cycles < 100 + 2 * 1600 + 400);
  CHECK((got.lead > 0) == (shape.channels > 1));
  CHECK(got.overtakes == 0);
}

TEST_CASE("The same channels take the same cycles in every run, whatever their delays") {
  const Shape shape = GENERATE(values(kShapes));
  const auto cycles = [&] { return Channels(shape, 320, kUneven).stream(4).cycles; };
  CHECK(cycles() == cycles());
}

// ---- Errors -------------------------------------------------------------------------------------

TEST_CASE("An injected error meets the chosen beat, burst, ID and channel, and no other") {
  const Shape shape = GENERATE(values(kShapes));
  const SystemSettings settings = GENERATE(kPlain, kUneven);
  struct Place {
    std::uint32_t id;
    std::uint32_t burst;
    std::uint32_t beat;
    std::uint32_t in_burst;  // where that is
  };
  for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
    for (const Place& place : {Place{0, 0, 0, 0}, Place{1, 0, 3, 3}, Place{1, 7, 15, 15},
                               Place{0, 9, 16, 15}, Place{0, 9, ErrorResponse::kLastBeat, 15}}) {
      CAPTURE(shape.channels, settings.jitter_ns, channel, place.id, place.burst, place.beat);
      Channels channels(shape, 320, settings);
      const std::uint32_t response = channel % 2 == 0 ? kSlverr : kDecerr;
      channels.worker.inject(std::array{ErrorResponse{.channel = channel,
                                                      .id = place.id,
                                                      .burst = place.burst,
                                                      .beat = place.beat,
                                                      .response = response}});
      const Streamed got = channels.stream(16);
      const std::uint32_t beat = (2 * place.burst + place.id) * 16 + place.in_burst;
      channels.lose(channel, beat);
      CHECK(got.status == static_cast<std::uint32_t>(StatusCode::bus_error));
      CHECK(got.errors == 1);
      CHECK(got.error_channel == channel);
      CHECK(got.error_beat == beat);
      CHECK(got.response == response);
      CHECK(got.sum == channels.sum(16));
    }
}

TEST_CASE("Errors of several channels, and of one burst, do not get in each other's way") {
  const Shape shape = GENERATE(values({Shape{2, 64}, Shape{4, 8}}));
  CAPTURE(shape.channels);
  const std::uint32_t last = shape.channels - 1;
  Channels channels(shape, 320, kUneven);
  channels.worker.inject(std::array{
      ErrorResponse{.channel = last, .id = 0, .burst = 2, .beat = 1, .response = kSlverr},
      ErrorResponse{.channel = last, .id = 0, .burst = 2, .beat = 5, .response = kSlverr},
      ErrorResponse{.channel = 0, .id = 1, .burst = 3, .beat = 0, .response = kDecerr}});
  const Streamed got = channels.stream(16);
  CHECK(got.errors == 3);
  CHECK(got.error_channel == 0);
  CHECK(got.error_beat == 7 * 16);
  CHECK(got.response == kDecerr);
  channels.lose(last, 4 * 16 + 1);
  channels.lose(last, 4 * 16 + 5);
  channels.lose(0, 7 * 16);
  CHECK(got.sum == channels.sum(16));
}

TEST_CASE("A hole in one channel's part is DECERR on that channel, from its address on") {
  const Shape shape = GENERATE(values(kShapes));
  const std::uint32_t page_beats = static_cast<std::uint32_t>(kPage) / shape.beat;
  for (std::uint32_t channel = 0; channel < shape.channels; ++channel) {
    CAPTURE(shape.channels, channel);
    Channels channels(shape, 2 * page_beats, kUneven);
    channels.worker.unmap(channels.address(channel));
    channels.worker.map(channels.address(channel), kPage);
    const Bytes part = parts_of(channels.data, shape)[channel];
    channels.worker.write(channels.address(channel), {part.data(), kPage});
    const Streamed got = channels.stream(16);
    CHECK(got.status == static_cast<std::uint32_t>(StatusCode::bus_error));
    CHECK(got.errors == page_beats);
    CHECK(got.error_channel == channel);
    // With delays the first one to come need not be the first of the page.
    CHECK(got.error_beat / 32 == page_beats / 32);
    CHECK(got.response == kDecerr);
    for (std::uint32_t beat = page_beats; beat < 2 * page_beats; ++beat)
      channels.lose(channel, beat);
    CHECK(got.sum == channels.sum(16));
  }
}

}  // namespace
}  // namespace bitloom::sim
