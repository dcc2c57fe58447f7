// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <iostream>

#include "host/checkpoints/select.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

using WriteCheckpoint = void (*)(const std::filesystem::path& path,
                                 const QuantizedCheckpoint& source, const Selection& selection);

struct Target {
  const char* name;
  WriteCheckpoint write;
};

constexpr std::array kTargets = {Target{"bitloom", write_bitloom_checkpoint},
                                 Target{"anybcq", write_anybcq_checkpoint},
                                 Target{"anyprec", write_anyprec_checkpoint}};

po::options_description convert_options() {
  po::options_description options("bitloom convert: quantized layers in another format");
  const auto required = [] { return po::value<std::string>()->required(); };
  options.add_options()                                                          //
      ("from", required(), "checkpoint of quantized layers, of any format")      //
      ("to", required(), "file (bitloom) or folder (anybcq, anyprec) to write")  //
      ("format", required(), "bitloom, anybcq or anyprec")                       //
      ("layers", po::value<std::string>()->default_value("*"),
       "only layers whose names match this shell pattern")  //
      ("help", "print this text");
  return options;
}

const Target& target_of(const std::string& name) {
  for (const Target& target : kTargets)
    if (name == target.name) return target;
  throw Error(ErrorCode::usage, {"--format", "\"" + name + "\"", "bitloom, anybcq or anyprec",
                                 "Choose one of these."});
}

}  // namespace

int convert_command(const Arguments& arguments) {
  const po::options_description description = convert_options();
  const OptionValues values = parse_options("convert", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const auto text = [&values](const char* name) { return values[name].as<std::string>(); };
  const Target& target = target_of(text("format"));
  const auto source = open_quantized_checkpoint(text("from"));
  std::vector<std::string> names;
  for (const LayerOutline& layer : source->layers()) names.push_back(layer.name);

  Progress progress("converting", "layers");
  const Selection selection{select_layers(names, text("layers")), [&] { progress.advance(); }};
  progress.expect(selection.layers.size());
  target.write(text("to"), *source, selection);
  std::cout << fmt::format("{}: {} of {} layers, {} other tensors\n", text("to"),
                           selection.layers.size(), names.size(), source->other_tensors().size());
  return kExitOk;
}

}  // namespace bitloom
