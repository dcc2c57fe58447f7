// SPDX-License-Identifier: Apache-2.0
#include "tests/cosim/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "gen/sources.hpp"
#include "sw/config/config.hpp"
#include "sw/config/schema.hpp"
#include "sw/error/error.hpp"

namespace bitloom::cosim {
namespace {

// A value by the numbers of its key and of itself among the key's values.
using Value = std::pair<std::size_t, std::size_t>;
using Pair = std::pair<Value, Value>;  // of different keys, the smaller one first

// The number of a value for each key; none where it is still open.
using Choice = std::vector<std::optional<std::size_t>>;

Pair pair_of(Value a, Value b) { return a < b ? Pair{a, b} : Pair{b, a}; }

std::set<Pair> all_pairs() {
  const auto& keys = pairwise_keys();
  std::set<Pair> pairs;
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = i + 1; j < keys.size(); ++j)
      for (std::size_t v = 0; v < keys[i].values.size(); ++v)
        for (std::size_t w = 0; w < keys[j].values.size(); ++w) pairs.insert({{i, v}, {j, w}});
  return pairs;
}

// How many of `open` the value makes with those that are chosen already.
std::size_t gain(const Choice& choice, Value value, const std::set<Pair>& open) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < choice.size(); ++i)
    if (i != value.first && choice[i]) count += open.count(pair_of({i, *choice[i]}, value));
  return count;
}

std::vector<std::uint32_t> values_of(const Choice& choice) {
  std::vector<std::uint32_t> values;
  for (std::size_t i = 0; i < choice.size(); ++i)
    values.push_back(pairwise_keys()[i].values[*choice[i]]);
  return values;
}

// Completes a choice that holds the pair: key by key in random order, each with the value that adds
// most open pairs, or any where not `greedy`.
Choice complete(const Pair& pair, const std::set<Pair>& open, bool greedy,
                std::mt19937_64& random) {
  const auto& keys = pairwise_keys();
  Choice choice(keys.size());
  choice[pair.first.first] = pair.first.second;
  choice[pair.second.first] = pair.second.second;
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  for (const std::size_t key : order) {
    if (choice[key]) continue;
    const std::size_t count = keys[key].values.size();
    std::size_t best = random() % count;
    for (std::size_t step = 0; greedy && step < count; ++step) {
      const std::size_t value = (best + step) % count;
      if (gain(choice, {key, value}, open) > gain(choice, {key, best}, open)) best = value;
    }
    choice[key] = best;
  }
  return choice;
}

std::vector<Pair> pairs_of(const Choice& choice) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < choice.size(); ++i)
    for (std::size_t j = i + 1; j < choice.size(); ++j)
      pairs.push_back({{i, *choice[i]}, {j, *choice[j]}});
  return pairs;
}

std::size_t open_pairs(const Choice& choice, const std::set<Pair>& open) {
  std::size_t count = 0;
  for (const Pair& pair : pairs_of(choice)) count += open.count(pair);
  return count;
}

// Of a number of draws with the pair, the possible one with most open pairs; none where the rules
// admit no draw. Rules that leave few possibilities need the draws that are not greedy.
std::optional<Choice> best_choice(const Pair& pair, const std::set<Pair>& open,
                                  std::mt19937_64& random) {
  constexpr std::size_t kDraws = 1000;
  constexpr std::size_t kPossible = 300;
  std::optional<Choice> best;
  std::size_t most = 0;
  std::size_t possible = 0;
  for (std::size_t draw = 0; draw < kDraws && possible < kPossible; ++draw) {
    const Choice choice = complete(pair, open, draw % 4 != 3, random);
    const std::size_t count = open_pairs(choice, open);
    if (count <= most && possible > 0) {
      ++possible;
      continue;
    }
    if (!is_possible(pairwise_hardware(values_of(choice)))) continue;
    ++possible;
    if (count <= most) continue;
    most = count;
    best = choice;
  }
  return best;
}

}  // namespace

const std::vector<PairwiseKey>& pairwise_keys() {
  static const std::vector<PairwiseKey> keys = {{"rows", {4, 8, 16, 32}},
                                                {"columns", {8, 16, 32, 64, 128}},
                                                {"mu", {1, 2, 3, 4}},
                                                {"rows_per_lut", {1, 4, 8}},
                                                {"rows_per_scale", {1, 2, 4}},
                                                {"results_per_cycle", {1, 2, 4}},
                                                {"tokens", {1, 2, 3, 4}},
                                                {"mantissa_bits", {8, 12, 16, 24}},
                                                {"accumulator", {0, 32, 48, 64}},
                                                {"max_bits", {4, 8}},
                                                {"max_codebook_bits", {0, 2, 4}},
                                                {"burst_beats", {1, 4, 16}},
                                                {"read_channels", {1, 2, 4}},
                                                {"channel_bits", {64, 128, 256}}};
  return keys;
}

HardwareConfig pairwise_hardware(const std::vector<std::uint32_t>& values) {
  HardwareConfig hardware;
  hardware.max_k = 1024;
  hardware.max_m = 128;
  hardware.weight_buffer_beats = 64;
  hardware.scale_buffer_beats = 32;
  hardware.output_buffer_beats = 16;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (const auto& field : kHardwareFields)
      if (field.key == pairwise_keys()[i].key) field.set(hardware, values[i]);
  return hardware;
}

bool is_possible(const HardwareConfig& hardware) {
  static const Schema schema = parse_schema(kSchemaText);
  const std::string text = fmt::format(R"({{"hardware": {}, "system": {{"clock_mhz": 1000,
      "memory": "fixed", "memory_latency_ns": 1, "memory_jitter_ns": 0,
      "memory_stall_percent": 0, "memory_seed": 0}}}})",
                                       hardware_json(hardware));
  try {
    check_configuration(schema, text, "cosim");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::config_rule) throw;
    return false;
  }
  return true;
}

std::vector<Machine> pairwise_machines() {
  std::mt19937_64 random(1);
  std::set<Pair> open = all_pairs();
  std::vector<Machine> machines;
  while (!open.empty()) {
    const Pair pair = *open.begin();
    open.erase(pair);  // of those that the rules do not admit as well
    std::set<Pair> with_pair = open;
    with_pair.insert(pair);
    const std::optional<Choice> choice = best_choice(pair, with_pair, random);
    if (!choice) continue;
    for (const Pair& covered : pairs_of(*choice)) open.erase(covered);
    machines.push_back(
        {fmt::format("pair-{:02}", machines.size() + 1), pairwise_hardware(values_of(*choice))});
  }
  return machines;
}

std::vector<Machine> cosim_machines() {
  std::vector<Machine> machines;
  for (const std::string& name : configuration_names())
    machines.push_back({name, load_config(name).hardware});
  for (Machine& machine : pairwise_machines()) machines.push_back(std::move(machine));
  const auto size = [](const Machine& machine) {
    const HardwareConfig& h = machine.hardware;
    return h.rows * h.columns * h.tokens;
  };
  std::stable_sort(machines.begin(), machines.end(),
                   [&](const Machine& a, const Machine& b) { return size(a) < size(b); });
  return machines;
}

}  // namespace bitloom::cosim
