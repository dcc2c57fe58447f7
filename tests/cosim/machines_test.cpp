// SPDX-License-Identifier: Apache-2.0
#include "tests/cosim/machines.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>

namespace bitloom::cosim {
namespace {

using Pair = std::tuple<std::string, std::uint32_t, std::string, std::uint32_t>;

std::uint32_t value(const HardwareConfig& hardware, std::string_view key) {
  for (const auto& field : kHardwareFields)
    if (field.key == key) return field.get(hardware);
  throw std::out_of_range(std::string(key));
}

std::set<Pair> pairs_of(const HardwareConfig& hardware) {
  std::set<Pair> pairs;
  for (const PairwiseKey& a : pairwise_keys())
    for (const PairwiseKey& b : pairwise_keys())
      if (a.key < b.key)
        pairs.insert({std::string(a.key), value(hardware, a.key), std::string(b.key),
                      value(hardware, b.key)});
  return pairs;
}

// Every combination of the keys that rules tie to each other; the other keys take
// random values meanwhile, so that all of their pairs are among these combinations.
std::set<Pair> possible_pairs() {
  const auto& keys = pairwise_keys();
  const std::set<std::string_view> tied = {"rows",           "columns",           "rows_per_lut",
                                           "rows_per_scale", "results_per_cycle", "read_channels",
                                           "channel_bits"};
  std::mt19937_64 random(2);
  std::set<Pair> possible;
  std::vector<std::size_t> number(keys.size());
  for (std::size_t i = 0; i < keys.size();) {
    std::vector<std::uint32_t> values;
    for (std::size_t k = 0; k < keys.size(); ++k)
      values.push_back(
          keys[k]
              .values[tied.contains(keys[k].key) ? number[k] : random() % keys[k].values.size()]);
    const HardwareConfig hardware = pairwise_hardware(values);
    if (is_possible(hardware)) possible.merge(pairs_of(hardware));
    for (i = 0; i < keys.size(); ++i) {
      if (!tied.contains(keys[i].key)) continue;
      if (++number[i] < keys[i].values.size()) break;
      number[i] = 0;
    }
  }
  return possible;
}

std::string text(const std::set<Pair>& pairs) {
  std::string text;
  for (const auto& [a, v, b, w] : pairs)
    text += a + " " + std::to_string(v) + ", " + b + " " + std::to_string(w) + "\n";
  return text;
}

TEST_CASE("Every possible pair of values of two keys occurs in a configuration") {
  std::set<Pair> found;
  for (const Machine& machine : pairwise_machines()) found.merge(pairs_of(machine.hardware));
  const std::set<Pair> possible = possible_pairs();
  CHECK(text(found) == text(possible));
  // All but those that the rules exclude: 4 x 8 with any channel, and so on.
  CHECK_FALSE(possible.contains({"columns", 8, "rows", 4}));
  CHECK(possible.contains({"columns", 16, "rows", 4}));
  CHECK_FALSE(possible.contains({"rows", 4, "rows_per_lut", 8}));
}

TEST_CASE("The campaign has every named and at least 16 pairwise configurations, each possible") {
  const std::vector<Machine> machines = cosim_machines();
  std::set<std::string> names;
  for (const Machine& machine : machines) {
    CAPTURE(machine.name);
    CHECK(is_possible(machine.hardware));
    CHECK(names.insert(machine.name).second);
  }
  for (const char* name : {"tiny", "tiny-mb8", "tiny-mb24", "tiny-acc48", "edge", "server"})
    CHECK(names.contains(name));
  CHECK(pairwise_machines().size() >= 16);
  CHECK(machines.size() == pairwise_machines().size() + 6);
}

TEST_CASE("The configurations are the same in every run") {
  const std::vector<Machine> once = cosim_machines();
  const std::vector<Machine> again = cosim_machines();
  REQUIRE(once.size() == again.size());
  for (std::size_t i = 0; i < once.size(); ++i) {
    CHECK(once[i].name == again[i].name);
    CHECK(once[i].hardware == again[i].hardware);
  }
}

}  // namespace
}  // namespace bitloom::cosim
