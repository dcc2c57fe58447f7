// SPDX-License-Identifier: Apache-2.0
#include "sw/parallel/workers.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>

namespace bitloom {
namespace {

TEST_CASE("Every worker runs once, the first on the thread of the caller") {
  std::array<std::atomic<int>, 5> calls{};
  std::thread::id first;
  run_workers(5, [&](unsigned worker) {
    ++calls.at(worker);
    if (worker == 0) first = std::this_thread::get_id();
  });
  for (const auto& count : calls) CHECK(count == 1);
  CHECK(first == std::this_thread::get_id());
}

TEST_CASE("An exception of any worker is thrown again when all have ended") {
  for (unsigned failing = 0; failing < 3; ++failing) {
    std::atomic<int> ended = 0;
    CHECK_THROWS_WITH(run_workers(3,
                                  [&](unsigned worker) {
                                    if (worker == failing) throw std::runtime_error("broken");
                                    ++ended;
                                  }),
                      "broken");
    CHECK(ended == 2);
  }
}

TEST_CASE("Of several exceptions that of the lowest worker is thrown again") {
  CHECK_THROWS_WITH(run_workers(4,
                                [](unsigned worker) {
                                  if (worker >= 2) throw std::runtime_error(std::to_string(worker));
                                }),
                    "2");
}

}  // namespace
}  // namespace bitloom
