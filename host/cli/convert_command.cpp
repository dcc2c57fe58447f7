// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "host/checkpoints/select.hpp"
#include "host/checkpoints/writers.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

po::options_description convert_options() {
  po::options_description options("bitloom convert: quantized layers in another format");
  const auto required = [] { return po::value<std::string>()->required(); };
  options.add_options()                                                          //
      ("from", required(), "checkpoint of quantized layers, of any format")      //
      ("to", required(), "file (bitloom) or folder (anybcq, anyprec) to write")  //
      ("format", required(), kFormatHelp)                                        //
      ("layers", po::value<std::string>()->default_value("*"),
       "only layers whose names match this shell pattern")  //
      ("help", "print this text");
  return options;
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
  const WriteCheckpoint write = writer_of(text("format"), text("to"), text("from"));
  const auto source = open_quantized_checkpoint(text("from"));
  std::vector<std::string> names;
  for (const LayerOutline& layer : source->layers()) names.push_back(layer.name);

  Progress progress("converting", "layers");
  const Selection selection{select_layers(names, text("layers")), [&] { progress.advance(); }};
  progress.expect(selection.layers.size());
  write(text("to"), *source, selection);
  std::cout << fmt::format("{}: {} of {} layers, {} other tensors\n", text("to"),
                           selection.layers.size(), names.size(), source->other_tensors().size());
  return kExitOk;
}

}  // namespace bitloom
