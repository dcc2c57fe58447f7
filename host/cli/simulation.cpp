// SPDX-License-Identifier: Apache-2.0
#include "host/cli/simulation.hpp"

#include <fmt/format.h>

#include <iostream>
#include <utility>

#include "host/cli/progress.hpp"
#include "host/cli/run_directory.hpp"
#include "host/sources/sources.hpp"
#include "host/synthetic/synthetic.hpp"
#include "sw/config/config.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

std::string text_of(const OptionValues& values, const char* name) {
  return values.contains(name) ? values[name].as<std::string>() : std::string();
}

LayerSource make_source(const OptionValues& values) {
  Progress progress("quantizing", "rows");
  LayerRequest request;
  request.layer = text_of(values, "layer");
  request.bits = values["bits"].as<unsigned>();
  request.seed = values["seed"].as<std::uint64_t>();
  request.weights = text_of(values, "weights");
  request.quantizing = [&progress](std::uint32_t rows) { progress.expect(rows); };
  request.row_done = [&progress] { progress.advance(); };
  request.note = [](const std::string& note) { std::cerr << "bitloom: note: " << note << "\n"; };
  return layer_source(request);
}

Activations make_activations(const OptionValues& values, const Layer& layer) {
  const std::string path = text_of(values, "acts");
  if (!path.empty()) return read_activations(path);
  return synthetic_activations(layer.name, layer.k, 1, values["seed"].as<std::uint64_t>());
}

std::filesystem::path directory_of(const OptionValues& values, const RunOptions& options) {
  if (values.contains("out")) return text_of(values, "out");
  const std::filesystem::path config(options.config.name);
  return std::filesystem::path("runs") /
         fmt::format("{}-{}b-{}", text_of(values, "layer"), options.bits, config.stem().string());
}

}  // namespace

po::options_description simulation_options(const std::string& caption) {
  po::options_description options(caption);
  options.add_options()  //
      ("layer", po::value<std::string>()->required(),
       "a layer of `bitloom list`, or of --weights")                           //
      ("bits", po::value<unsigned>()->required(), "precision: planes in use")  //
      ("config", po::value<std::string>()->default_value("edge"),
       "configuration: a name, or a file ending in .json")                                     //
      ("seed", po::value<std::uint64_t>()->default_value(1), "seed of synthetic data")         //
      ("backend", po::value<std::string>()->default_value("rtl"), "golden, cpu, cuda or rtl")  //
      ("weights", po::value<std::string>(),
       "safetensors file, or llama2.c model (.bin); default: synthetic")                          //
      ("acts", po::value<std::string>(), "safetensors file with x; default: synthetic, 1 token")  //
      ("out", po::value<std::string>(), "run directory; default: runs/<layer>-<bits>b-<config>")  //
      ("check", po::value<std::string>()->default_value("golden,cuda"),
       "backends to compare with, or none")  //
      ("repeat", po::value<std::uint32_t>()->default_value(0),
       "calls of a back-to-back train to measure as well")  //
      ("dump", "write weights, x and y as safetensors")     //
      ("help", "print this text");
  return options;
}

Simulation prepare_simulation(const OptionValues& values) {
  Simulation simulation;
  RunOptions& options = simulation.options;
  options.config = load_config(text_of(values, "config"));
  options.backend = text_of(values, "backend");
  options.checks = parse_checks(text_of(values, "check"));
  options.bits = values["bits"].as<unsigned>();
  options.train = values["repeat"].as<std::uint32_t>();
  check_backends(options);
  simulation.dump = values.contains("dump");
  simulation.directory = directory_of(values, options);
  prepare_directory(simulation.directory);
  simulation.source =
      simulation.phases.measure("weights", [&values] { return make_source(values); });
  simulation.acts = simulation.phases.measure(
      "activations", [&] { return make_activations(values, simulation.source.layer); });
  check_call_fits(simulation.source.layer, simulation.acts, options);
  return simulation;
}

int simulate(const Simulation& simulation) {
  Progress progress("simulating", "cycles");
  RunOptions options = simulation.options;
  options.device.progress = [&progress](std::uint64_t cycles) { progress.reach(cycles); };
  options.device.notice = [](std::string_view text) { std::cerr << "bitloom: " << text << "\n"; };
  const auto save = [&simulation](const Outputs& outputs) {
    if (simulation.dump)
      write_dump(simulation.directory, simulation.source.layer, simulation.acts, outputs);
  };
  RunResult result =
      run_and_check(simulation.source, simulation.acts, options, simulation.phases, save);
  const int exit_code =
      finish_run(simulation.directory, simulation.source, simulation.acts, options, result);
  std::cout << fmt::format("{:<14}{}\n", "result", (simulation.directory / "result.json").string());
  return exit_code;
}

}  // namespace bitloom
