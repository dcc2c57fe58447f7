// SPDX-License-Identifier: Apache-2.0
#include <VPlane/VPlane.h>
#include <VPlaneBeat/VPlaneBeat.h>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

template <class Model>
void set_idle(Model& plane) {
  plane.valid_i = 0;
  plane.data_i = 0;
  plane.ready_i = 0;
}

}  // namespace

TEST_CASE("A beat that is a plane word passes in the same cycle") {
  Bench<VPlaneBeat> plane(set_idle<VPlaneBeat>);
  plane->valid_i = 1;
  plane->data_i = 0x0123456789ABCDEF;
  plane.settle();
  CHECK(plane->valid_o == 1);
  CHECK(plane->ready_o == 0);
  CHECK(plane->data_o == 0x0123456789ABCDEF);
  plane->ready_i = 1;
  plane.settle();
  CHECK(plane->ready_o == 1);
}

TEST_CASE(
    "A plane word is there one cycle after its last beat, and every four beats from then on") {
  Bench<VPlane> plane(set_idle<VPlane>);
  plane->ready_i = 1;
  plane->valid_i = 1;
  for (unsigned beat = 0; beat < 40; ++beat) {
    plane->data_i = static_cast<SData>(beat);
    plane.settle();
    REQUIRE(plane->ready_o == 1);
    REQUIRE(plane->valid_o == (beat >= 4 && beat % 4 == 0));
    plane.tick();
  }
}

TEST_CASE("Plane words are the stored bits in order, the first beat lowest, under random stalls") {
  Bench<VPlane> plane(set_idle<VPlane>);
  Random random(21);
  std::vector<std::uint64_t> beats;
  std::vector<std::uint64_t> words;
  for (unsigned i = 0; i < 4000; ++i) {
    plane->valid_i = random.chance(70);
    plane->data_i = static_cast<SData>(random.bits(16));
    plane->ready_i = random.chance(40);
    plane.settle();
    if (plane->valid_i && plane->ready_o) beats.push_back(plane->data_i);
    if (plane->valid_o && plane->ready_i) words.push_back(plane->data_o);
    plane.tick();
  }
  REQUIRE(words.size() > 400);
  for (std::size_t w = 0; w < words.size(); ++w) {
    REQUIRE(words[w] == (beats[4 * w] | beats[4 * w + 1] << 16 | beats[4 * w + 2] << 32 |
                         beats[4 * w + 3] << 48));
  }
}
