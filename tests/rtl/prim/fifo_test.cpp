// SPDX-License-Identifier: Apache-2.0
#include <VFifo/VFifo.h>

#include <deque>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kDepth = 4;

void set_idle(VFifo& fifo) {
  fifo.wvalid_i = 0;
  fifo.wdata_i = 0;
  fifo.rready_i = 0;
}

}  // namespace

TEST_CASE("A word reaches the head of an empty fifo after two cycles, not earlier") {
  Bench<VFifo> fifo(set_idle);
  fifo->wvalid_i = 1;
  fifo->wdata_i = 0x5A;
  fifo.tick();
  fifo->wvalid_i = 0;
  fifo.settle();
  CHECK(fifo->rvalid_o == 0);
  fifo.tick();
  CHECK(fifo->rvalid_o == 1);
  CHECK(fifo->rdata_o == 0x5A);
}

TEST_CASE("A fifo of depth 4 holds its head and four words, then refuses") {
  Bench<VFifo> fifo(set_idle);
  fifo->wvalid_i = 1;
  unsigned accepted = 0;
  for (unsigned i = 0; i < 20; ++i) {
    fifo->wdata_i = static_cast<CData>(accepted);
    fifo.settle();
    accepted += fifo->wready_o;
    fifo.tick();
  }
  CHECK(accepted == kDepth + 1);
  fifo->wvalid_i = 0;
  fifo->rready_i = 1;
  for (unsigned i = 0; i < accepted; ++i) {
    REQUIRE(fifo->rvalid_o == 1);
    CHECK(fifo->rdata_o == i);
    fifo.tick();
  }
  CHECK(fifo->rvalid_o == 0);
}

TEST_CASE("A fifo passes one word per cycle") {
  Bench<VFifo> fifo(set_idle);
  fifo->wvalid_i = 1;
  fifo->rready_i = 1;
  for (unsigned i = 0; i < 50; ++i) {
    fifo->wdata_i = static_cast<CData>(i);
    fifo.settle();
    REQUIRE(fifo->wready_o == 1);
    REQUIRE(fifo->rvalid_o == (i >= 2));
    if (i >= 2) CHECK(fifo->rdata_o == i - 2);
    fifo.tick();
  }
}

TEST_CASE("Words leave a fifo in order under random stalls on both sides") {
  Bench<VFifo> fifo(set_idle);
  Random random(1);
  std::deque<unsigned> expected;
  unsigned taken = 0;
  for (unsigned i = 0; i < 5000; ++i) {
    // Phases of fast writer, fast reader and both, so that full and empty are met often.
    const unsigned phase = (i / 100) % 3;
    fifo->wvalid_i = random.chance(phase == 1 ? 30 : 80);
    fifo->wdata_i = static_cast<CData>(random.bits(8));
    fifo->rready_i = random.chance(phase == 0 ? 30 : 80);
    fifo.settle();
    if (fifo->rvalid_o && fifo->rready_i) {
      REQUIRE(!expected.empty());
      REQUIRE(fifo->rdata_o == expected.front());
      expected.pop_front();
      ++taken;
    }
    if (fifo->wvalid_i && fifo->wready_o) expected.push_back(fifo->wdata_i);
    REQUIRE(expected.size() <= kDepth + 1);
    fifo.tick();
  }
  CHECK(taken > 1500);
}

TEST_CASE("Reset empties a fifo") {
  Bench<VFifo> fifo(set_idle);
  fifo->wvalid_i = 1;
  for (unsigned i = 0; i < 8; ++i) fifo.tick();
  REQUIRE(fifo->rvalid_o == 1);
  set_idle(*fifo);
  fifo.reset();
  for (unsigned i = 0; i < 8; ++i) {
    CHECK(fifo->rvalid_o == 0);
    CHECK(fifo->wready_o == 1);
    fifo.tick();
  }
}
