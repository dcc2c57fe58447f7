// SPDX-License-Identifier: Apache-2.0
#include "host/cli/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <limits>

#include "host/cli/progress.hpp"
#include "host/cli/run_directory.hpp"
#include "host/runtime/names.hpp"
#include "host/sources/sources.hpp"
#include "host/synthetic/synthetic.hpp"
#include "sw/config/config.hpp"
#include "sw/error/error.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

std::string text_of(const OptionValues& values, const char* name) {
  return values.contains(name) ? values[name].as<std::string>() : std::string();
}

LayerRequest request_of(const OptionValues& values) {
  return {.layer = text_of(values, "layer"),
          .bits = bits_of(values),
          .mode = mode_of(values),
          .group_size = group_size_of(values),
          .seed = number_of(values, "seed", 0, std::numeric_limits<std::uint64_t>::max()),
          .weights = text_of(values, "weights")};
}

LayerSource make_source(const LayerPlan& plan) {
  Progress progress("quantizing", "rows");
  return plan.make(
      {.quantizing = [&progress](std::uint32_t rows) { progress.expect(rows); },
       .row_done = [&progress] { progress.advance(); },
       .note = [](const std::string& note) { std::cerr << "bitloom: note: " << note << "\n"; }});
}

// One token by default; a file has as many as it has.
Activations make_activations(const OptionValues& values, const LayerRequest& request,
                             std::uint32_t k) {
  const std::uint32_t tokens = values.contains("tokens") ? tokens_of(values) : 1;
  const std::string path = text_of(values, "acts");
  if (path.empty()) return synthetic_activations(request.layer, k, tokens, request.seed);
  Activations acts = read_activations(path);
  if (values.contains("tokens") && acts.tokens != tokens)
    throw Error(ErrorCode::usage, {"--tokens", std::to_string(tokens),
                                   fmt::format("{}, as many as {} has", acts.tokens, path),
                                   "Leave the option out: all tokens of a file are run."});
  return acts;
}

// A layer's name may hold anything; the directory stays below runs/.
std::string file_name(std::string layer) {
  std::replace(layer.begin(), layer.end(), '/', '_');
  return layer;
}

// Runs that differ in what they compute have different names; what is usual is not named.
std::filesystem::path directory_of(const OptionValues& values, const Layer& shape,
                                   std::uint32_t tokens, const RunOptions& options) {
  if (values.contains("out")) return text_of(values, "out");
  std::string name = fmt::format("{}-{}b", file_name(text_of(values, "layer")), options.bits);
  if (shape.mode != Mode::bcq) name += fmt::format("-{}", name_in(kModeNames, shape.mode));
  if (shape.group_size == 0)
    name += "-row";
  else if (shape.group_size != kDefaultGroupSize)
    name += fmt::format("-g{}", shape.group_size);
  if (tokens != 1) name += fmt::format("-{}t", tokens);
  if (options.format != OutputFormat::binary32)
    name += fmt::format("-{}", name_in(kFormatNames, options.format));
  const std::filesystem::path config(options.config.name);
  return std::filesystem::path("runs") / fmt::format("{}-{}", name, config.stem().string());
}

}  // namespace

po::options_description simulation_options(const std::string& caption) {
  po::options_description options(caption);
  options.add_options()  //
      ("layer", po::value<std::string>()->required(),
       "a layer of `bitloom list`, or of --weights")                              //
      ("bits", po::value<std::string>()->required(), "precision: planes in use")  //
      ("mode", po::value<std::string>(),
       "how floats are quantized: bcq (default) or codebook")  //
      ("group-size", po::value<std::string>(),
       "columns per group: 32, 64, 128 (default) or 256; row = one group per row")  //
      ("tokens", po::value<std::string>(),
       "tokens of synthetic activations, 1 to 65536; default: 1")                //
      ("out-dtype", po::value<std::string>()->default_value("f32"), kDtypeHelp)  //
      ("config", po::value<std::string>()->default_value("edge"),
       "configuration: a name, or a file ending in .json")                                     //
      ("seed", po::value<std::string>()->default_value("1"), "seed of synthetic data")         //
      ("backend", po::value<std::string>()->default_value("rtl"), "golden, cpu, cuda or rtl")  //
      ("weights", po::value<std::string>(),
       "checkpoint, quantized or not, of any format; default: synthetic")                //
      ("acts", po::value<std::string>(), "safetensors file with x; default: synthetic")  //
      ("out", po::value<std::string>(), "run directory; default: one below runs/")       //
      ("check", po::value<std::string>()->default_value("golden,cuda"),
       "backends to compare with, or none")  //
      ("repeat", po::value<std::string>()->default_value("0"),
       "back-to-back calls to measure as well")          //
      ("design", po::value<std::string>(), kDesignHelp)  //
      ("dump", "write weights, x and y as safetensors")  //
      ("help", "print this text");
  return options;
}

Simulation prepare_simulation(const OptionValues& values) {
  Simulation simulation;
  RunOptions& options = simulation.options;
  options.config = load_config(text_of(values, "config"));
  options.backend = text_of(values, "backend");
  options.checks = parse_checks(text_of(values, "check"));
  options.bits = bits_of(values);
  options.format = format_of(values);
  options.repeat = repeat_of(values);
  options.rtl = rtl_options(values);
  check_backends(options);
  simulation.dump = values.contains("dump");

  Phases& phases = simulation.phases;
  const LayerRequest request = request_of(values);
  const LayerPlan plan = phases.measure("weights", [&] { return plan_layer(request); });
  simulation.acts = phases.measure("activations",
                                   [&] { return make_activations(values, request, plan.shape.k); });
  check_call_fits(plan.shape, simulation.acts, options);
  simulation.directory = directory_of(values, plan.shape, simulation.acts.tokens, options);
  prepare_directory(simulation.directory);
  simulation.source = phases.measure("weights", [&] { return make_source(plan); });
  return simulation;
}

RunResult simulate(const Simulation& simulation) {
  const auto save = [&simulation](const Outputs& outputs) {
    if (simulation.dump)
      write_dump(simulation.directory, simulation.source.layer, simulation.acts, outputs);
  };
  RunResult result = run_in_directory(simulation.directory, simulation.source, simulation.acts,
                                      simulation.options, simulation.phases, save);
  std::cout << fmt::format("{:<14}{}\n", "result", (simulation.directory / "result.json").string());
  return result;
}

}  // namespace bitloom
