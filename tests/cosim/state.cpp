// SPDX-License-Identifier: Apache-2.0
#include "tests/cosim/state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom::cosim {
// In the namespace of State, where the library looks for it.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(State, seed, design, machines, batches, layers, outputs, seconds,
                                   coverage, failures)

namespace {

void check_same(const std::filesystem::path& path, const char* what, const std::string& found,
                const std::string& expected) {
  if (found == expected) return;
  throw Error(ErrorCode::usage,
              {path.string(), fmt::format("a campaign with the {} {}", what, found), expected,
               "Remove the file, or keep this campaign in another one with --state."});
}

}  // namespace

void State::add(const std::map<std::string, std::uint64_t>& counts) {
  for (const auto& [feature, count] : counts) coverage[feature] += count;
}

State load_state(const std::filesystem::path& path, State fresh) {
  if (!std::filesystem::exists(path)) return fresh;
  State state;
  try {
    std::ifstream in(path);
    state = nlohmann::json::parse(in).get<State>();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::io_read, {path.string(), error.what(), "the state of a campaign",
                                     "Remove the file to start anew."});
  }
  check_same(path, "seed", std::to_string(state.seed), std::to_string(fresh.seed));
  check_same(path, "configurations", fmt::format("{}", fmt::join(state.machines, " ")),
             fmt::format("{}", fmt::join(fresh.machines, " ")));
  check_same(path, "design", state.design, fresh.design);
  return state;
}

void save_state(const std::filesystem::path& path, const State& state) {
  replace_file(path, nlohmann::json(state).dump(2) + "\n");
}

void replace_file(const std::filesystem::path& path, const std::string& text) {
  OutputFile file(path);
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  file.commit();
}

}  // namespace bitloom::cosim
