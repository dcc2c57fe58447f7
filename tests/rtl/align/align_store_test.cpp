// SPDX-License-Identifier: Apache-2.0
// What the activation buffer holds.
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/align/store_bench.hpp"

namespace {

using namespace bitloom::rtl;

TEMPLATE_TEST_CASE("Random jobs of all group sizes are aligned, kept, read and released", "",
                   VStore8x11x1, VStore16x8x16, VStore32x24x4, VStore64x12x1, VStore128x13x3,
                   VStore128x16x4) {
  constexpr StoreSizes sizes = kSizes<TestType>;
  Random random(82);
  StoreBench<TestType> store;
  const auto next_job = [&] {
    const bool fits_twice = random.chance(70);
    return random_job(random, sizes, fits_twice ? sizes.depth() / 2 : sizes.depth());
  };
  store.run(next_job, 80, {30, 80, 70, 60});
  store.run(next_job, 40, {100, 100, 100, 100});  // the reader on the heels of the writer
  store.run(next_job, 40, {100, 100, 35, 100});   // a full ring
  store.run(next_job, 40, {10, 30, 100, 100});    // an empty one
  CHECK(store.most_jobs_in_ring > 2);
}

/// Every finite binary16 in a group of every exponent that it can be in, both signs.
template <class Model>
void check_every_value() {
  constexpr StoreSizes sizes = kSizes<Model>;
  StoreBench<Model> store;
  unsigned exponent = 0;  // field of the group's largest value, less 1
  unsigned half = 0;      // next value, without its sign
  bool finished = false;
  const auto next_job = [&] {
    StoreJob job;
    job.group_log2 = 1;
    job.blocks = sizes.max_k / std::max(64U, sizes.columns);
    std::vector<unsigned> halves;
    while (halves.size() < sizes.max_k) {
      const unsigned beyond = (exponent + 2) << 10;  // the first value of a larger exponent
      if (halves.size() % 64 == 0) {
        halves.push_back(beyond - 1);
        continue;
      }
      const unsigned sign = half % 2 == halves.size() / 64 % 2 ? 0x8000U : 0U;
      halves.push_back(sign | half);
      if (++half < beyond) continue;
      half = 0;
      if (++exponent < 30) continue;
      exponent = 0;
      finished = true;
    }
    job.halves.push_back(halves);
    job.expect(sizes);
    return job;
  };
  while (!finished) store.run(next_job, 20, {});
}

TEMPLATE_TEST_CASE("Every value is rounded right in a group of every exponent", "", VStore8x11x1,
                   VStore16x8x16, VStore32x24x4, VStore64x12x1, VStore128x13x3, VStore128x16x4) {
  check_every_value<TestType>();
}

}  // namespace
