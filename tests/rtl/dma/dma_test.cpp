// SPDX-License-Identifier: Apache-2.0
#include <VDma1/VDma1.h>
#include <VDma4/VDma4.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/dma/reads.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kStreams = 4;
constexpr unsigned kWeights = 0;
constexpr unsigned kScales = 1;
constexpr unsigned kActivations = 2;
constexpr unsigned kDescriptors = 3;
constexpr unsigned kBurstBeats = 4;

template <class M, unsigned Channels>
struct Dma {
  using Model = M;
  static constexpr unsigned kChannels = Channels;
  static constexpr std::uint64_t kAll = (std::uint64_t{1} << Channels) - 1;

  static void set_idle(Model& dma) {
    dma.read_job_valid_i = 0;
    dma.read_ready_i = 0;
    dma.write_job_valid_i = 0;
    dma.write_done_ready_i = 0;
    dma.result_valid_i = 0;
    dma.record_valid_i = 0;
    dma.arready_i = 0;
    dma.rvalid_i = 0;
    dma.rlast_i = 0;
    for (unsigned c = 0; c < Channels; ++c) {
      set(dma.rid_i, 4 * c, 4, 0);
      set(dma.rresp_i, 2 * c, 2, 0);
    }
    dma.awready_i = 0;
    dma.wready_i = 0;
    dma.bvalid_i = 0;
    dma.bid_i = 0;
    dma.bresp_i = 0;
  }

  static unsigned channels_of(unsigned stream) { return stream == kDescriptors ? 1 : Channels; }

  static void set_read_job(Model& dma, unsigned stream, const ReadJob& job) {
    switch (stream) {
      case kWeights:
        return set_job(dma.weights_job_i, job);
      case kScales:
        return set_job(dma.scales_job_i, job);
      case kActivations:
        return set_job(dma.activations_job_i, job);
      default:
        return set_job(dma.descriptors_job_i, job);
    }
  }

  static std::uint64_t data(const Model& dma, unsigned stream, unsigned channel) {
    switch (stream) {
      case kWeights:
        return get(dma.weights_data_o, 64 * channel, 64);
      case kScales:
        return get(dma.scales_data_o, 64 * channel, 64);
      case kActivations:
        return get(dma.activations_data_o, 64 * channel, 64);
      default:
        return dma.descriptors_data_o;
    }
  }

  static unsigned beats(const Model& dma, unsigned stream) {
    return static_cast<unsigned>(get(dma.beats_o, 6 * stream, 6));
  }
};
using Dma1 = Dma<VDma1, 1>;
using Dma4 = Dma<VDma4, 4>;

/// One job per stream of `streams`, from 0x100000 * (stream + 1) on; a stripe is one page.
template <class D>
void offer_reads(Bench<typename D::Model>& dma, unsigned streams, unsigned lines) {
  for (unsigned s = 0; s < kStreams; ++s) {
    D::set_read_job(
        *dma, s, {.address = 0x100000U * (s + 1), .run_lines = lines, .stripe = 1, .tag = 9 + s});
  }
  dma->read_job_valid_i = static_cast<CData>(streams);
  dma.settle();
  REQUIRE((dma->read_job_ready_o & streams) == streams);
  dma.tick();
  dma->read_job_valid_i = 0;
}

/// A channel's address, while it is valid.
struct Address {
  unsigned id = 0;
  std::uint64_t address = 0;
  unsigned beats = 0;
  bool operator==(const Address&) const = default;
};

template <class D>
Address address_at(const typename D::Model& dma, unsigned channel) {
  return {static_cast<unsigned>(get(dma.arid_o, 4 * channel, 4)),
          get(dma.araddr_o, 64 * channel, 64),
          static_cast<unsigned>(get(dma.arlen_o, 8 * channel, 8)) + 1};
}

/// The memory behind the read channels. Beats of one ID come in order, at times of their own on
/// every channel; those of different IDs overtake each other.
template <class D>
class Memory {
 public:
  explicit Memory(unsigned seed) : random_(seed) {}

  unsigned arready_percent = 100;
  unsigned rvalid_percent = 100;
  unsigned error_percent = 0;
  unsigned latency = 1;  // to a burst's first beat; a channel's own is up to 2 cycles longer
  unsigned jitter = 0;   // at most so much more, per burst and channel

  /// The memory's side of this cycle's inputs. Errors go to the lines in `lines`.
  void drive(typename D::Model& dma, unsigned cycle,
             std::array<std::deque<Line>, kStreams>& lines) {
    beats_before_ = std::exchange(beats_, {});
    for (unsigned c = 0; c < D::kChannels; ++c) {
      set_bit(dma.arready_i, c, random_.chance(arready_percent));
      set_bit(dma.rvalid_i, c, false);
      if (!random_.chance(rvalid_percent)) continue;
      const auto first = static_cast<unsigned>(random_.between(0, kStreams - 1));
      for (unsigned i = 0; i < kStreams; ++i) {
        const unsigned s = (first + i) % kStreams;
        auto& queue = waiting_.at(c).at(s);
        if (queue.empty() || queue.front().cycle > cycle) continue;
        send(dma, c, s, queue.front().address, lines);
        queue.pop_front();
        break;
      }
    }
  }

  /// Looks at the address channels after `settle`.
  void observe(const typename D::Model& dma, unsigned cycle) {
    REQUIRE(dma.rready_o == D::kAll);
    for (unsigned s = 0; s < kStreams; ++s) REQUIRE(D::beats(dma, s) == beats_before_.at(s));
    for (unsigned c = 0; c < D::kChannels; ++c) {
      const bool valid = bit(dma.arvalid_o, c);
      if (held_.at(c).beats != 0) {
        REQUIRE(valid);
        REQUIRE(address_at<D>(dma, c) == held_.at(c));
      }
      held_.at(c) = {};
      if (!valid) continue;
      const Address address = address_at<D>(dma, c);
      if (!bit(dma.arready_i, c)) {
        held_.at(c) = address;
        continue;
      }
      REQUIRE(address.id < kStreams);
      const std::uint64_t last = address.address + std::uint64_t{address.beats} * kBeatBytes - 1;
      REQUIRE(address.address / kPage == last / kPage);
      addresses.at(c).push_back(address);
      const unsigned due =
          cycle + latency + c % 3 + static_cast<unsigned>(random_.between(0, jitter));
      for (unsigned i = 0; i < address.beats; ++i) {
        waiting_.at(c)
            .at(address.id)
            .push_back({address.address + std::uint64_t{i} * kBeatBytes, due});
      }
    }
  }

  std::array<std::vector<Address>, D::kChannels> addresses;  // accepted ones
  std::array<unsigned, kStreams> consumed{};                 // lines

 private:
  struct Beat {
    std::uint64_t address;
    unsigned cycle;
  };

  void send(typename D::Model& dma, unsigned channel, unsigned stream, std::uint64_t address,
            std::array<std::deque<Line>, kStreams>& lines) {
    const bool bad = random_.chance(error_percent);
    set_bit(dma.rvalid_i, channel, true);
    set(dma.rid_i, 4 * channel, 4, stream);
    set(dma.rdata_i, 64 * channel, 64, word_at(address));
    set(dma.rresp_i, 2 * channel, 2, bad ? 2 + random_.bits(1) : 0);
    Line& line = lines.at(stream).at(sent_.at(channel).at(stream)++ - consumed.at(stream));
    REQUIRE(address == line.address_of(channel));
    if (bad) line.bad |= std::uint64_t{1} << channel;
    ++beats_.at(stream);
  }

  Random random_;
  std::array<std::array<std::deque<Beat>, kStreams>, D::kChannels> waiting_;
  std::array<std::array<unsigned, kStreams>, D::kChannels> sent_{};
  std::array<Address, D::kChannels> held_{};
  std::array<unsigned, kStreams> beats_{};  // of this cycle
  std::array<unsigned, kStreams> beats_before_{};
};

/// Lets all requests go out, the channels ready in `ready_percent` of the cycles; IDs per channel.
template <class D>
std::array<std::vector<unsigned>, D::kChannels> grant_all(Bench<typename D::Model>& dma,
                                                          unsigned ready_percent = 100) {
  std::array<std::vector<unsigned>, D::kChannels> ids;
  std::array<std::array<unsigned, kStreams>, D::kChannels> bursts{};
  Random random(161);
  for (unsigned i = 0; i < 300; ++i) {
    for (unsigned c = 0; c < D::kChannels; ++c) {
      set_bit(dma->arready_i, c, random.chance(ready_percent));
    }
    dma.settle();
    for (unsigned c = 0; c < D::kChannels; ++c) {
      if (!bit(dma->arvalid_o, c) || !bit(dma->arready_i, c)) continue;
      const Address address = address_at<D>(*dma, c);
      ids.at(c).push_back(address.id);
      REQUIRE(address.address == 0x100000U * (address.id + 1) + kPage * c +
                                     kBurstBeats * kBeatBytes * bursts.at(c).at(address.id)++);
      REQUIRE(address.beats == kBurstBeats);
    }
    dma.tick();
  }
  return ids;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "Addresses are granted to descriptors, activations, scales, weights, in this order, however "
    "the channels stall",
    "", Dma1, Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  const unsigned ready_percent = GENERATE(100U, 30U);
  offer_reads<D>(dma, 0xF, 8);
  const auto ids = grant_all<D>(dma, ready_percent);
  CHECK(ids[0] == std::vector<unsigned>{3, 3, 2, 2, 1, 1, 0, 0});
  for (unsigned c = 1; c < D::kChannels; ++c) {
    CHECK(ids.at(c) == std::vector<unsigned>{2, 2, 1, 1, 0, 0});
  }
}

TEMPLATE_TEST_CASE(
    "An urgent stream overtakes between two bursts of another, one address per cycle", "", Dma1,
    Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  offer_reads<D>(dma, 1U << kWeights, 16);
  offer_reads<D>(dma, 1U << kActivations, 8);
  std::vector<unsigned> ids;
  dma->arready_i = D::kAll;
  unsigned first = 0;
  for (unsigned i = 0; i < 20; ++i) {
    dma.settle();
    if (dma->arvalid_o != 0) {
      REQUIRE(dma->arvalid_o == D::kAll);
      if (ids.empty()) first = dma.cycle();
      REQUIRE(dma.cycle() == first + ids.size());
      ids.push_back(address_at<D>(*dma, 0).id);
    }
    dma.tick();
  }
  CHECK(ids == std::vector<unsigned>{0, 2, 2, 0, 0, 0});
  // Job to request 2 cycles, address register 1 cycle.
  CHECK(first == 3);
}

TEMPLATE_TEST_CASE("Descriptors need channel 0 only; the others wait for all channels", "", Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  const unsigned last = D::kChannels - 1;
  offer_reads<D>(dma, 1U << kWeights, 8);
  for (unsigned i = 0; i < 5; ++i) dma.tick();
  CHECK(dma->arvalid_o == D::kAll);
  // All channels but the last take the first burst; the second one waits.
  dma->arready_i = D::kAll;
  set_bit(dma->arready_i, last, false);
  dma.tick();
  for (unsigned i = 0; i < 5; ++i) {
    dma.settle();
    CHECK(dma->arvalid_o == 1U << last);
    dma.tick();
  }
  // Descriptors pass meanwhile.
  offer_reads<D>(dma, 1U << kDescriptors, 8);
  dma.tick();
  for (unsigned burst = 0; burst < 2; ++burst) {
    dma.tick();
    dma.settle();
    CHECK(dma->arvalid_o == (1U << last | 1U));
    CHECK(address_at<D>(*dma, 0) ==
          Address{kDescriptors, 0x400000 + burst * kBurstBeats * kBeatBytes, kBurstBeats});
    CHECK(address_at<D>(*dma, last) == Address{kWeights, 0x100000 + kPage * last, kBurstBeats});
  }
  dma.tick();
  CHECK(dma->arvalid_o == 1U << last);
  // In the cycle in which the last register becomes free, the next burst is granted.
  dma->arready_i = D::kAll;
  dma.tick();
  CHECK(dma->arvalid_o == D::kAll);
  for (unsigned c = 0; c < D::kChannels; ++c) {
    CHECK(address_at<D>(*dma, c) ==
          Address{kWeights, 0x100000 + kPage * c + kBurstBeats * kBeatBytes, kBurstBeats});
  }
}

TEMPLATE_TEST_CASE("All streams at once get their lines and their errors, whatever the memory does",
                   "", Dma1, Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  Random random(171);
  Memory<D> memory(172);
  memory.error_percent = 5;
  memory.jitter = 40;
  std::array<std::deque<Line>, kStreams> lines;
  std::array<std::vector<ReadBurst>, kStreams> asked;
  std::array<ReadJob, kStreams> jobs;
  std::array<unsigned, kStreams> errors{};
  unsigned tag = 0;
  unsigned error_pairs = 0;
  for (unsigned cycle = 0; cycle < 20000; ++cycle) {
    const unsigned phase = (cycle / 500) % 4;
    memory.arready_percent = phase == 1 ? 40 : 95;
    memory.rvalid_percent = phase == 2 ? 50 : 95;
    for (unsigned s = 0; s < kStreams; ++s) {
      if (!bit(dma->read_job_valid_i, s) && random.chance(20)) {
        jobs.at(s) = random_job(random, tag++ % 16);
        // A descriptor's stripe is of no use.
        if (s == kDescriptors) jobs.at(s).stripe = 0;
        D::set_read_job(*dma, s, jobs.at(s));
        set_bit(dma->read_job_valid_i, s, true);
      }
      set_bit(dma->read_ready_i, s, random.chance(phase == 3 ? 30 : 90));
    }
    memory.drive(*dma, cycle, lines);
    dma.settle();
    memory.observe(*dma, cycle);
    unsigned errors_now = 0;
    const CData jobs_taken = dma->read_job_valid_i & dma->read_job_ready_o;
    for (unsigned s = 0; s < kStreams; ++s) {
      if (bit(jobs_taken, s)) {
        for (const Line& line : lines_of(jobs.at(s), kBurstBeats)) lines.at(s).push_back(line);
        for (const ReadBurst& burst : bursts_of(jobs.at(s), kBurstBeats)) {
          asked.at(s).push_back(burst);
        }
      }
      const bool taken = bit(dma->read_valid_o, s) && bit(dma->read_ready_i, s);
      bool bad = false;
      if (taken) {
        const Line& line = lines.at(s).front();
        for (unsigned c = 0; c < D::channels_of(s); ++c) {
          REQUIRE(D::data(*dma, s, c) == word_at(line.address_of(c)));
        }
        bad = line.bad != 0;
        if (bad) {
          REQUIRE(get(dma->read_error_tag_o, 4 * s, 4) == line.tag);
          REQUIRE(get(dma->read_error_address_o, 64 * s, 64) == line.error_address());
        }
        lines.at(s).pop_front();
        ++memory.consumed.at(s);
      }
      REQUIRE(bit(dma->read_error_o, s) == bad);
      errors.at(s) += bad;
      errors_now += bad;
    }
    error_pairs += errors_now > 1;
    dma.tick();
    dma->read_job_valid_i &= static_cast<CData>(~jobs_taken);
  }
  for (unsigned s = 0; s < kStreams; ++s) {
    CAPTURE(s);
    CHECK(memory.consumed.at(s) > 1000);
    CHECK(errors.at(s) > 10);
    // Every channel saw every burst of the stream, in order.
    for (unsigned c = 0; c < D::kChannels; ++c) {
      std::vector<Address> seen;
      std::copy_if(memory.addresses.at(c).begin(), memory.addresses.at(c).end(),
                   std::back_inserter(seen), [s](const Address& a) { return a.id == s; });
      if (c >= D::channels_of(s)) {
        CHECK(seen.empty());
        continue;
      }
      REQUIRE(seen.size() <= asked.at(s).size());
      for (std::size_t i = 0; i < seen.size(); ++i) {
        const ReadBurst& burst = asked.at(s)[i];
        REQUIRE(seen[i] ==
                Address{s, burst.address + std::uint64_t{c} * burst.stripe * kPage, burst.beats});
      }
    }
  }
  CHECK(error_pairs > 3);
}

TEMPLATE_TEST_CASE("Weights come at a line per cycle in short bursts, 100 cycles away", "", Dma1,
                   Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  const unsigned run_lines = GENERATE(1U, 2U, 4U);
  Memory<D> memory(181);
  memory.latency = 98;
  std::array<std::deque<Line>, kStreams> lines;
  const ReadJob job{.address = 0x100000,
                    .run_lines = run_lines,
                    .stride_lines = 8,
                    .runs = 2000,
                    .stripe = 0x4000};
  for (const Line& line : lines_of(job, kBurstBeats)) lines[kWeights].push_back(line);
  D::set_read_job(*dma, kWeights, job);
  dma->read_job_valid_i = 1U << kWeights;
  dma->read_ready_i = 1U << kWeights;
  unsigned first = 0;
  while (memory.consumed[kWeights] < 1000) {
    REQUIRE(dma.cycle() < 3000);
    memory.drive(*dma, dma.cycle(), lines);
    dma.settle();
    memory.observe(*dma, dma.cycle());
    if (dma->read_valid_o != 0) {
      if (memory.consumed[kWeights] == 0) first = dma.cycle();
      for (unsigned c = 0; c < D::kChannels; ++c) {
        REQUIRE(D::data(*dma, kWeights, c) == word_at(lines[kWeights].front().address_of(c)));
      }
      lines[kWeights].pop_front();
      ++memory.consumed[kWeights];
    }
    dma.tick();
    dma->read_job_valid_i = 0;
  }
  CHECK(dma.cycle() - first == 1000);
}

TEMPLATE_TEST_CASE("A stream asks for as many beats as its buffer holds", "", Dma1, Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  const auto [stream, depth] = GENERATE(table<unsigned, unsigned>(
      {{kWeights, 128U}, {kScales, 16U}, {kActivations, 16U}, {kDescriptors, 16U}}));
  CAPTURE(stream);
  offer_reads<D>(dma, 1U << stream, 200);
  const auto ids = grant_all<D>(dma);
  for (unsigned c = 0; c < D::channels_of(stream); ++c) {
    CHECK(ids.at(c).size() == depth / kBurstBeats);
  }
}

TEMPLATE_TEST_CASE("Beats of a cycle are counted by stream, over all channels", "", Dma1, Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  offer_reads<D>(dma, 0xF, 4);
  grant_all<D>(dma);
  dma->rvalid_i = D::kAll;
  std::array<unsigned, kStreams> expected{};
  for (unsigned c = 0; c < D::kChannels; ++c) {
    // Channel 0 a descriptor; of the others a quarter scales, the rest weights.
    const unsigned s = c == 0 ? kDescriptors : c % 4 == 1 ? kScales : kWeights;
    set(dma->rid_i, 4 * c, 4, s);
    ++expected.at(s);
  }
  dma.tick();
  for (unsigned s = 0; s < kStreams; ++s) CHECK(D::beats(*dma, s) == expected.at(s));
  dma->rvalid_i = 0;
  dma.tick();
  CHECK(dma->beats_o == 0);
}

TEST_CASE("Result and record beats are counted, and write errors come beside read errors") {
  using D = Dma4;
  Bench<D::Model> dma(D::set_idle);
  set(dma->write_job_i, 0, 32, 6);
  set(dma->write_job_i, 32, 64, 0x7000);
  set(dma->write_job_i, 97, 4, 2);
  dma->write_job_valid_i = 1;
  dma.tick();
  dma->write_job_valid_i = 0;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  dma->record_valid_i = 1;
  dma->record_address_i = 0x8000;
  unsigned output_beats = 0;
  unsigned record_beats = 0;
  for (unsigned i = 0; i < 40; ++i) {
    dma.settle();
    output_beats += D::beats(*dma, 4);
    record_beats += D::beats(*dma, 5);
    const bool record_taken = dma->record_ready_o != 0;
    dma.tick();
    if (record_taken) dma->record_valid_i = 0;
  }
  CHECK(output_beats == 3);
  CHECK(record_beats == 8);
  dma->result_valid_i = 0;
  offer_reads<D>(dma, 1U << kWeights | 1U << kDescriptors, 4);
  grant_all<D>(dma);
  for (unsigned beat = 0; beat < 8; ++beat) {
    dma->rvalid_i = beat < 4 ? D::kAll : 1;
    for (unsigned c = 0; c < D::kChannels; ++c) {
      set(dma->rid_i, 4 * c, 4, beat < 4 ? kWeights : kDescriptors);
      set(dma->rresp_i, 2 * c, 2, beat % 4 == 0 && (c == 2 || beat == 4) ? 3 : 0);
    }
    dma.tick();
  }
  dma->rvalid_i = 0;
  dma.tick();
  dma->bvalid_i = 1;
  dma->bresp_i = 2;
  dma->read_ready_i = 0xF;
  dma.settle();
  CHECK(dma->write_error_o == 1);
  CHECK(dma->write_error_tag_o == 2);
  CHECK(dma->write_error_address_o == 0x7000);
  CHECK(dma->record_error_o == 0);
  CHECK(dma->read_error_o == (1U << kWeights | 1U << kDescriptors));
  CHECK(get(dma->read_error_tag_o, 0, 4) == 9 + kWeights);
  CHECK(get(dma->read_error_tag_o, 12, 4) == 9 + kDescriptors);
  CHECK(get(dma->read_error_address_o, 0, 64) == 0x100000 + 2 * kPage);
  CHECK(get(dma->read_error_address_o, 192, 64) == 0x400000);
  dma.tick();
  CHECK(dma->write_done_valid_o == 1);
  CHECK(dma->read_error_o == 0);
  dma->bid_i = 1;
  dma.settle();
  CHECK(dma->write_error_o == 0);
  CHECK(dma->record_done_o == 1);
  CHECK(dma->record_error_o == 1);
}

TEMPLATE_TEST_CASE("A beat with an unknown ID, or of a descriptor on a wrong channel, fails", "",
                   Dma1, Dma4) {
  using D = TestType;
  Bench<typename D::Model> dma(D::set_idle);
  for (unsigned c = 0; c < D::kChannels; ++c) {
    for (const unsigned id : {3U, 4U, 9U, 14U}) {
      if (c == 0 && id == 3) continue;
      CAPTURE(c, id);
      D::set_idle(*dma);
      dma.reset();
      // Every stream waits for beats.
      offer_reads<D>(dma, 0xF, 4);
      grant_all<D>(dma);
      set_bit(dma->rvalid_i, c, true);
      set(dma->rid_i, 4 * c, 4, id);
      CHECK_THROWS_AS(dma.tick(), AssertionFailed);
    }
  }
}
