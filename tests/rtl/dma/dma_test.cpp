// SPDX-License-Identifier: Apache-2.0
#include <VDma/VDma.h>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kStreams = 4;
constexpr unsigned kWeights = 0;
constexpr unsigned kDescriptors = 3;

void set_idle(VDma& dma) {
  dma.read_job_valid_i = 0;
  dma.read_ready_i = 0;
  dma.write_job_valid_i = 0;
  dma.write_done_ready_i = 0;
  dma.result_valid_i = 0;
  dma.record_valid_i = 0;
  dma.arready_i = 0;
  dma.rvalid_i = 0;
  dma.rid_i = 0;
  dma.rresp_i = 0;
  dma.rlast_i = 0;
  dma.awready_i = 0;
  dma.wready_i = 0;
  dma.bvalid_i = 0;
  dma.bid_i = 0;
  dma.bresp_i = 0;
}

void offer_reads(Bench<VDma>& dma, unsigned streams, unsigned beats) {
  for (unsigned s = 0; s < kStreams; ++s) {
    set(dma->read_job_address_i, 64 * s, 64, 0x10000U * (s + 1));
    set(dma->read_job_run_beats_i, 32 * s, 32, beats);
    set(dma->read_job_stride_beats_i, 32 * s, 32, 0);
    set(dma->read_job_runs_i, 32 * s, 32, 1);
    set(dma->read_job_tag_i, 2 * s, 2, 3 - s);
  }
  dma->read_job_valid_i = static_cast<CData>(streams);
  dma.settle();
  REQUIRE((dma->read_job_ready_o & streams) == streams);
  dma.tick();
  dma->read_job_valid_i = 0;
}

/// Lets all requests go out, the memory ready in `ready_percent` of the cycles; the IDs in order.
std::vector<unsigned> grant_all(Bench<VDma>& dma, unsigned ready_percent = 100) {
  std::vector<unsigned> ids;
  Random random(161);
  for (unsigned i = 0; i < 100; ++i) {
    dma->arready_i = random.chance(ready_percent);
    dma.settle();
    if (dma->arvalid_o && dma->arready_i) {
      ids.push_back(dma->arid_o);
      REQUIRE(dma->araddr_o / 0x10000 == dma->arid_o + 1U);
    }
    dma.tick();
  }
  return ids;
}

}  // namespace

TEST_CASE("Addresses are granted to descriptors, activations, scales, weights, in this order") {
  Bench<VDma> dma(set_idle);
  offer_reads(dma, 0xF, 8);
  CHECK(grant_all(dma) == std::vector<unsigned>{3, 3, 2, 2, 1, 1, 0, 0});
}

TEST_CASE("A stalled address channel delays addresses and loses none") {
  Bench<VDma> dma(set_idle);
  offer_reads(dma, 0xF, 8);
  CHECK(grant_all(dma, 30) == std::vector<unsigned>{3, 3, 2, 2, 1, 1, 0, 0});
}

TEST_CASE("An urgent stream overtakes between two bursts of another, one address per cycle") {
  Bench<VDma> dma(set_idle);
  offer_reads(dma, 1U << kWeights, 16);
  offer_reads(dma, 1U << kDescriptors, 8);
  std::vector<unsigned> ids;
  dma->arready_i = 1;
  unsigned first = 0;
  for (unsigned i = 0; i < 20; ++i) {
    dma.settle();
    if (dma->arvalid_o) {
      if (ids.empty()) first = dma.cycle();
      REQUIRE(dma.cycle() == first + ids.size());
      ids.push_back(dma->arid_o);
    }
    dma.tick();
  }
  CHECK(ids == std::vector<unsigned>{0, 3, 3, 0, 0, 0});
  // Job queue 2 cycles, first burst of the job 1 cycle, address register 1 cycle.
  CHECK(first == 4);
}

TEST_CASE("Beats go to the stream of their ID and are counted there") {
  Bench<VDma> dma(set_idle);
  offer_reads(dma, 0xF, 4);
  REQUIRE(grant_all(dma).size() == kStreams);
  for (unsigned s = 0; s < kStreams; ++s) {
    for (unsigned beat = 0; beat < 4; ++beat) {
      dma->rvalid_i = 1;
      dma->rid_i = static_cast<CData>(s);
      dma->rdata_i = 100 * s + beat;
      dma->rlast_i = beat == 3;
      dma.settle();
      CHECK(dma->rready_o == 1);
      CHECK(dma->beats_o == 1U << s);
      dma.tick();
    }
  }
  dma->rvalid_i = 0;
  dma.tick();
  dma.tick();
  CHECK(dma->read_valid_o == 0xF);
  dma->read_ready_i = 0xF;
  for (unsigned beat = 0; beat < 4; ++beat) {
    for (unsigned s = 0; s < kStreams; ++s)
      CHECK(get(dma->read_data_o, 64 * s, 64) == 100 * s + beat);
    dma.tick();
  }
  CHECK(dma->read_valid_o == 0);
}

TEST_CASE("A read error does not stop its stream and is reported with job, stream and address") {
  Bench<VDma> dma(set_idle);
  offer_reads(dma, 0xF, 4);
  REQUIRE(grant_all(dma).size() == kStreams);
  for (unsigned s = 0; s < kStreams; ++s) {
    for (unsigned beat = 0; beat < 4; ++beat) {
      dma->rvalid_i = 1;
      dma->rid_i = static_cast<CData>(s);
      dma->rresp_i = beat == 2 ? 2 : 0;
      dma->rlast_i = beat == 3;
      dma.settle();
      CHECK(dma->read_error_o == (beat == 2));
      if (beat == 2) {
        CHECK(dma->read_error_tag_o == 3 - s);
        CHECK(dma->read_error_stream_o == s);
        CHECK(dma->read_error_address_o == 0x10000U * (s + 1));
      }
      dma.tick();
    }
  }
  dma->rvalid_i = 0;
  dma->read_ready_i = 0xF;
  dma.tick();
  dma.tick();
  CHECK(dma->read_valid_o == 0xF);
}

TEST_CASE("A write error and a read error of the same cycle are both reported") {
  Bench<VDma> dma(set_idle);
  dma->write_job_valid_i = 1;
  dma->write_job_address_i = 0x7000;
  dma->write_job_values_i = 2;
  dma->write_job_tag_i = 2;
  dma.tick();
  dma->write_job_valid_i = 0;
  dma->awready_i = 1;
  dma->wready_i = 1;
  dma->result_valid_i = 1;
  for (unsigned i = 0; i < 20; ++i) dma.tick();
  dma->result_valid_i = 0;
  offer_reads(dma, 1U << kWeights, 4);
  REQUIRE(grant_all(dma).size() == 1);
  dma->bvalid_i = 1;
  dma->bresp_i = 2;
  dma.settle();
  dma->rvalid_i = 1;
  dma->rresp_i = 3;
  dma.settle();
  CHECK(dma->write_error_o == 1);
  CHECK(dma->write_error_tag_o == 2);
  CHECK(dma->write_error_address_o == 0x7000);
  CHECK(dma->read_error_o == 1);
  CHECK(dma->read_error_tag_o == 3 - kWeights);
  CHECK(dma->read_error_stream_o == kWeights);
  CHECK(dma->read_error_address_o == 0x10000);
  CHECK(dma->record_error_o == 0);
  dma->rvalid_i = 0;
  dma->bid_i = 1;
  dma.settle();
  CHECK(dma->read_error_o == 0);
  CHECK(dma->write_error_o == 0);
  CHECK(dma->record_error_o == 1);
}

TEST_CASE("A beat with an unknown ID fails an assertion") {
  Bench<VDma> dma(set_idle);
  dma->rvalid_i = 1;
  dma->rid_i = 4;
  CHECK_THROWS_AS(dma.tick(), AssertionFailed);
}
