// SPDX-License-Identifier: Apache-2.0
#include <VRam/VRam.h>

#include <array>
#include <optional>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

void set_idle(VRam& ram) {
  ram.we_i = 0;
  ram.re_i = 0;
  ram.waddr_i = 0;
  ram.raddr_i = 0;
  ram.wdata_i = 0;
}

}  // namespace

TEST_CASE(
    "A memory answers a cycle later, holds its answer, and reads the old word under a write") {
  Bench<VRam> ram(set_idle);
  Random random(5);
  std::array<unsigned, 8> words{};
  for (unsigned address = 0; address < words.size(); ++address) {
    ram->we_i = 1;
    ram->waddr_i = static_cast<CData>(address);
    ram->wdata_i = static_cast<CData>(address * 31);
    words.at(address) = ram->wdata_i;
    ram.tick();
  }
  std::optional<unsigned> answer;
  unsigned collisions = 0;
  for (unsigned i = 0; i < 2000; ++i) {
    ram->we_i = random.chance(50);
    ram->re_i = random.chance(50);
    ram->waddr_i = static_cast<CData>(random.bits(3));
    ram->raddr_i = static_cast<CData>(random.bits(3));
    ram->wdata_i = static_cast<CData>(random.bits(8));
    collisions += ram->we_i && ram->re_i && ram->waddr_i == ram->raddr_i;
    if (ram->re_i) answer = words.at(ram->raddr_i);
    if (ram->we_i) words.at(ram->waddr_i) = ram->wdata_i;
    ram.tick();
    if (answer) REQUIRE(ram->rdata_o == *answer);
  }
  CHECK(collisions > 20);
}
