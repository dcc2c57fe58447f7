// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "host/checkpoints/inspect.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

po::options_description inspect_options() {
  po::options_description options(
      "bitloom inspect PATH: the layers of a checkpoint, their precisions and bytes");
  options.add_options()  //
      ("path", po::value<std::string>()->required(),
       "checkpoint; may stand first without --path")  //
      ("against", po::value<std::string>(),
       "unquantized checkpoint: measure the error of each layer")  //
      ("json", "print JSON")                                       //
      ("help", "print this text");
  return options;
}

// `inspect PATH ...` is `inspect --path PATH ...`.
Arguments with_path_option(Arguments arguments) {
  if (!arguments.empty() && !arguments.front().starts_with("-"))
    arguments.insert(arguments.begin(), "--path");
  return arguments;
}

}  // namespace

int inspect_command(const Arguments& arguments) {
  const po::options_description description = inspect_options();
  const OptionValues values = parse_options("inspect", with_path_option(arguments), description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const std::string against =
      values.contains("against") ? values["against"].as<std::string>() : std::string();
  Progress progress("comparing", "rows");
  const CheckpointReport report =
      inspect_checkpoint(values["path"].as<std::string>(), against,
                         {.comparing = [&](std::uint64_t rows) { progress.expect(rows); },
                          .row_done = [&] { progress.advance(); }});
  std::cout << (values.contains("json") ? report_json(report) : report_text(report));
  return kExitOk;
}

}  // namespace bitloom
