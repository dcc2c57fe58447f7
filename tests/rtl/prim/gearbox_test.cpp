// SPDX-License-Identifier: Apache-2.0
#include <VGearboxJoin/VGearboxJoin.h>
#include <VGearboxSame/VGearboxSame.h>
#include <VGearboxSplit/VGearboxSplit.h>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

constexpr unsigned kParts = 4;

template <class Model>
void set_idle(Model& gearbox) {
  gearbox.valid_i = 0;
  gearbox.data_i = 0;
  gearbox.ready_i = 0;
  gearbox.drop_i = 0;
}

}  // namespace

TEST_CASE("A gearbox of equal widths is a wire in both directions") {
  Bench<VGearboxSame> gearbox(set_idle<VGearboxSame>);
  Random random(2);
  for (unsigned i = 0; i < 200; ++i) {
    gearbox->valid_i = random.chance(50);
    gearbox->ready_i = random.chance(50);
    gearbox->data_i = static_cast<CData>(random.bits(8));
    gearbox.settle();
    REQUIRE(gearbox->valid_o == gearbox->valid_i);
    REQUIRE(gearbox->ready_o == gearbox->ready_i);
    REQUIRE(gearbox->data_o == gearbox->data_i);
    gearbox.tick();
  }
}

TEST_CASE("A joined word is there one cycle after its last part, the first part lowest") {
  Bench<VGearboxJoin> gearbox(set_idle<VGearboxJoin>);
  gearbox->valid_i = 1;
  for (unsigned part = 0; part < kParts; ++part) {
    gearbox->data_i = static_cast<CData>(0x10 + part);
    gearbox.settle();
    CHECK(gearbox->valid_o == 0);
    CHECK(gearbox->ready_o == 1);
    gearbox.tick();
  }
  gearbox->valid_i = 0;
  gearbox.settle();
  CHECK(gearbox->valid_o == 1);
  CHECK(gearbox->data_o == 0x13121110U);
}

TEST_CASE("A joining gearbox takes one part per cycle when its reader never waits") {
  Bench<VGearboxJoin> gearbox(set_idle<VGearboxJoin>);
  gearbox->valid_i = 1;
  gearbox->ready_i = 1;
  unsigned words = 0;
  for (unsigned i = 0; i < 40; ++i) {
    gearbox.settle();
    CHECK(gearbox->ready_o == 1);
    gearbox.tick();
    words += gearbox->valid_o;
  }
  CHECK(words == 10);
}

TEST_CASE("A joining gearbox keeps order and data under random stalls") {
  Bench<VGearboxJoin> gearbox(set_idle<VGearboxJoin>);
  Random random(3);
  std::vector<std::uint8_t> parts;
  std::vector<std::uint32_t> words;
  for (unsigned i = 0; i < 4000; ++i) {
    gearbox->valid_i = random.chance(70);
    gearbox->data_i = static_cast<CData>(random.bits(8));
    gearbox->ready_i = random.chance(40);
    gearbox.settle();
    if (gearbox->valid_i && gearbox->ready_o) parts.push_back(gearbox->data_i);
    if (gearbox->valid_o && gearbox->ready_i) words.push_back(gearbox->data_o);
    gearbox.tick();
  }
  REQUIRE(words.size() > 400);
  REQUIRE(words.size() <= parts.size() / kParts);
  REQUIRE(words.size() + 1 >= parts.size() / kParts);
  for (std::size_t w = 0; w < words.size(); ++w) {
    for (unsigned part = 0; part < kParts; ++part) {
      REQUIRE(((words[w] >> (8 * part)) & 0xFF) == parts[kParts * w + part]);
    }
  }
}

TEST_CASE("A splitting gearbox hands out parts in the cycle in which the word is there") {
  Bench<VGearboxSplit> gearbox(set_idle<VGearboxSplit>);
  gearbox->valid_i = 1;
  gearbox->ready_i = 1;
  gearbox->data_i = 0x44332211;
  for (unsigned part = 0; part < kParts; ++part) {
    gearbox.settle();
    CHECK(gearbox->valid_o == 1);
    CHECK(gearbox->data_o == 0x11 * (part + 1));
    CHECK(gearbox->ready_o == (part + 1 == kParts));
    gearbox.tick();
  }
}

TEST_CASE("Dropping with an accepted part skips the rest of the word, and only then") {
  Bench<VGearboxSplit> gearbox(set_idle<VGearboxSplit>);
  Random random(4);
  std::uint32_t word = 0x03020100;
  unsigned part = 0;
  unsigned words = 0;
  for (unsigned i = 0; i < 4000; ++i) {
    gearbox->valid_i = random.chance(80);
    gearbox->data_i = word;
    gearbox->ready_i = random.chance(60);
    gearbox->drop_i = random.chance(20);
    gearbox.settle();
    REQUIRE(gearbox->valid_o == gearbox->valid_i);
    if (gearbox->valid_i) REQUIRE(gearbox->data_o == ((word >> (8 * part)) & 0xFF));
    const bool accepted = gearbox->valid_i && gearbox->ready_i;
    const bool word_ends = accepted && (gearbox->drop_i || part + 1 == kParts);
    if (gearbox->valid_i) REQUIRE(gearbox->ready_o == word_ends);
    gearbox.tick();
    if (word_ends) {
      word += 0x04040404;
      part = 0;
      ++words;
    } else if (accepted) {
      ++part;
    }
  }
  CHECK(words > 500);
}
