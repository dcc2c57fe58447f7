// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/run_directory.hpp"
#include "host/runtime/run.hpp"
#include "sw/config/config.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;
using Path = std::filesystem::path;

po::options_description run_options() {
  po::options_description options("bitloom run: one layer of a file on one backend");
  const auto required = [] { return po::value<std::string>()->required(); };
  options.add_options()                                                                           //
      ("weights", required(), "interchange file of the layer")                                    //
      ("layer", required(), "name of the layer in that file")                                     //
      ("acts", required(), "interchange file with the activations x")                             //
      ("bits", required(), "precision: planes in use")                                            //
      ("backend", required(), "golden, cpu, cuda or rtl")                                         //
      ("config", required(), "configuration: a name, or a file ending in .json")                  //
      ("out", required(), "file to write the outputs y to")                                       //
      ("out-dtype", po::value<std::string>()->default_value("f32"), kDtypeHelp)                   //
      ("run-dir", po::value<std::string>(), "directory of result.json (default: that of --out)")  //
      ("check", po::value<std::string>()->default_value("none"),
       "backends to compare with, for example golden,cuda; or none")  //
      ("repeat", po::value<std::string>()->default_value("0"),
       "back-to-back calls to measure as well")          //
      ("design", po::value<std::string>(), kDesignHelp)  //
      ("help", "print this text");
  return options;
}

Path run_directory(const OptionValues& values, const Path& out) {
  if (values.contains("run-dir")) return values["run-dir"].as<std::string>();
  return out.has_parent_path() ? out.parent_path() : Path(".");
}

}  // namespace

int run_command(const Arguments& arguments) {
  const po::options_description description = run_options();
  const OptionValues values = parse_options("run", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const auto text = [&values](const char* name) { return values[name].as<std::string>(); };
  const RunOptions options{.config = load_config(text("config")),
                           .backend = text("backend"),
                           .checks = parse_checks(text("check")),
                           .bits = bits_of(values),
                           .format = format_of(values),
                           .repeat = repeat_of(values),
                           .rtl = rtl_options(values)};
  check_backends(options);
  const Path out = text("out");
  const Path directory = run_directory(values, out);

  Phases phases;
  LayerSource source;
  Activations acts;
  phases.measure("load", [&] {
    source.layer = read_layer(text("weights"), text("layer"));
    source.origin = text("weights");
    acts = read_activations(text("acts"));
  });
  check_call_fits(source.layer, acts, options);
  prepare_directory(directory);
  { const OutputFile probe(out); }

  const auto save = [&out](const Outputs& outputs) { write_outputs(out, outputs); };
  return exit_code(run_in_directory(directory, source, acts, options, std::move(phases), save));
}

}  // namespace bitloom
