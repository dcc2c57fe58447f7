// SPDX-License-Identifier: Apache-2.0
// The co-simulation campaign: random layers of every mode on every configuration, in batches round
// robin, each batch on a machine of its own behind a random memory (docs/simulation.md).
// Exit status: 0 all as expected, 1 a mismatch or a feature that too few layers hit, 2 no campaign.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "sw/error/error.hpp"
#include "tests/cosim/batch.hpp"
#include "tests/cosim/options.hpp"
#include "tests/cosim/record.hpp"

namespace bitloom::cosim {
namespace {

std::vector<Machine> machines_of(const Options& options) {
  std::vector<Machine> machines = cosim_machines();
  if (options.config.empty()) return machines;
  std::vector<std::string> names;
  for (const Machine& machine : machines) {
    if (machine.name == options.config) return {machine};
    names.push_back(machine.name);
  }
  throw Error(ErrorCode::config_name,
              {"--config", quotation(options.config), "a configuration of the campaign",
               fmt::format("Did you mean {}?", nearest_list(options.config, names))});
}

Design design_of(const Options& options) {
  if (!options.design.empty() && !std::filesystem::is_regular_file(options.design))
    throw Error(ErrorCode::io_read, {options.design.string(), "no such file",
                                     "a file list like rtl/files.f", "Check the path."});
  return {options.design, [](std::string_view text) { std::cerr << text << std::endl; }};
}

std::string reproduction(const BatchKey& key, const Options& options, std::size_t layer) {
  std::string line =
      fmt::format("build/tests/cosim/bl_cosim --seed {} --config {} --batch {} --layer {}",
                  key.seed, key.machine.name, key.batch, layer);
  if (!options.design.empty()) line += fmt::format(" --design {}", options.design.string());
  return line;
}

std::string place(const BatchKey& key, const BatchReport& report, std::size_t layer) {
  return fmt::format("{}, batch {}, layer {}: {}; {}", key.machine.name, key.batch, layer,
                     report.layers[layer].layer, report.memory);
}

int run_one(const Options& options) {
  const BatchKey key{options.seed, machines_of(options).front(), *options.batch};
  const BatchReport report = run_batch(key, design_of(options));
  bool failed = false;
  for (std::size_t i = 0; i < report.layers.size(); ++i) {
    if (options.layer && *options.layer != i) continue;
    const std::string& problem = report.layers[i].problem;
    fmt::print("{}: {}: {}\n", problem.empty() ? "equal" : "FAILED", place(key, report, i),
               problem.empty() ? "every output is as expected" : problem);
    failed = failed || !problem.empty();
  }
  return failed ? 1 : 0;
}

// On a terminal one line that is written over; elsewhere a line per batch.
class Progress {
 public:
  Progress(std::uint64_t done, std::uint64_t total) : first_(done), total_(total) {}

  void batch(std::uint64_t done, const std::string& text) const {
    const double seconds = this->seconds();
    const double rate = static_cast<double>((done - first_) * kBatchLayers) / seconds;
    const double left = static_cast<double>((total_ - done) * kBatchLayers) / rate;
    const std::string line = fmt::format("batch {} of {}: {}", done, total_, text);
    if (terminal_)
      std::cerr << fmt::format("\r\033[K{}, {:.1f} layers/s, {:.0f} s left", line, rate, left)
                << std::flush;
    else
      std::cout << line << std::endl;
  }
  // Makes room for a line that stays.
  void clear() const {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
  }
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::uint64_t first_;
  std::uint64_t total_;
};

// Runs the batches that the state lacks.
void run_batches(State& state, const std::vector<Machine>& machines, std::uint64_t batches,
                 const Options& options) {
  const Design design = design_of(options);
  const Progress progress(state.batches, batches);
  const double before = state.seconds;
  while (state.batches < batches) {
    const BatchKey key{options.seed, machines[state.batches % machines.size()],
                       state.batches / machines.size()};
    const BatchReport report = run_batch(key, design);
    std::size_t failures = 0;
    for (std::size_t i = 0; i < report.layers.size(); ++i) {
      if (report.layers[i].problem.empty()) continue;
      ++failures;
      state.failures.push_back(reproduction(key, options, i));
      progress.clear();
      std::cout << "FAILED: " << place(key, report, i) << ": " << report.layers[i].problem << "\n  "
                << state.failures.back() << std::endl;
    }
    state.add(report.coverage);
    state.layers += report.layers.size();
    state.outputs += report.outputs;
    state.seconds = before + progress.seconds();
    ++state.batches;
    save_state(options.state, state);
    progress.batch(state.batches, fmt::format("{}, {}, {} of {} layers failed", key.machine.name,
                                              report.memory, failures, report.layers.size()));
  }
  progress.clear();
}

int run_campaign(const Options& options, const std::string& command) {
  const std::vector<Machine> machines = machines_of(options);
  State fresh;
  fresh.seed = options.seed;
  fresh.design = design_hash(machines.front(), design_of(options));
  for (const Machine& machine : machines) {
    fresh.machines.push_back(machine.name);
    fresh.add(no_coverage(machine));
  }
  State state = load_state(options.state, fresh);
  const std::uint64_t batches = (options.layers + kBatchLayers - 1) / kBatchLayers;
  if (state.batches > 0)
    fmt::print("{}: {} batches are done\n", options.state.string(), state.batches);
  run_batches(state, machines, batches, options);

  const std::uint64_t minimum = state.layers / 200;
  const std::vector<std::string> missing = missing_features(state, minimum);
  std::cout << coverage_table(state, minimum);
  if (!options.record.empty()) {
    replace_file(options.record, record(state, machines, minimum, command));
    fmt::print("Record: {}\n", options.record.string());
  }
  for (const std::string& failure : state.failures) fmt::print("FAILED: {}\n", failure);
  for (const std::string& feature : missing)
    fmt::print("FAILED: feature \"{}\": {} layers, at least {}\n", feature,
               state.coverage.at(feature), minimum);
  fmt::print("{} layers on {} configurations, {} outputs: {} mismatches\n", state.layers,
             std::min<std::uint64_t>(machines.size(), state.batches), state.outputs,
             state.failures.size());
  return state.failures.empty() && missing.empty() ? 0 : 1;
}

int run(const std::vector<std::string>& arguments) {
  const Options options = parse_options(arguments);
  if (options.help) {
    std::cout << kHelp;
    return 0;
  }
  if (options.list) {
    std::cout << machines_table(machines_of(options));
    return 0;
  }
  if (options.batch) return run_one(options);
  std::string command = "build/tests/cosim/bl_cosim";
  for (const std::string& argument : arguments) command += " " + argument;
  return run_campaign(options, command);
}

}  // namespace
}  // namespace bitloom::cosim

int main(int argc, char** argv) {
  try {
    return bitloom::cosim::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const bitloom::Error& error) {
    std::cerr << bitloom::format_error("bl_cosim", error) << '\n';
  } catch (const std::exception& error) {
    std::cerr << "bl_cosim: " << error.what() << '\n';
  }
  return 2;
}
