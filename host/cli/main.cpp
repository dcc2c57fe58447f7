// SPDX-License-Identifier: Apache-2.0
// The `bitloom` command.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <iostream>

#include "gen/version.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "sw/error/error.hpp"

namespace {

using namespace bitloom;

int help_command(const Arguments&);
int version_command(const Arguments&);

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const Arguments&);
};

constexpr std::array kCommands = {
    Command{"run", "run a layer of an interchange file on one backend", run_command},
    Command{"sim", "run a layer by name through the simulator", sim_command},
    Command{"wave", "the same with a waveform of some cycles", wave_command},
    Command{"generate", "continue a text with a model on one backend", generate_command},
    Command{"perplexity", "how well a model predicts a text, by precision", perplexity_command},
    Command{"calibrate", "measure layer inputs, by which quantizing weights columns",
            calibrate_command},
    Command{"list", "list the model layers that are known by name", list_command},
    Command{"quantize", "quantize a model to several precisions at once", quantize_command},
    Command{"inspect", "show the layers of a checkpoint", inspect_command},
    Command{"convert", "write quantized layers in another format", convert_command},
    Command{"version", "print the version", version_command},
    Command{"help", "print this text", help_command},
};

int help_command(const Arguments&) {
  std::cout << "bitloom: bit-exact, cycle-accurate simulation of any-precision LLM layers\n\n";
  for (const Command& command : kCommands)
    std::cout << fmt::format("  bitloom {:<12}{}\n", command.name, command.summary);
  std::cout << "\n`bitloom COMMAND --help` lists a command's options.\n";
  return kExitOk;
}

int version_command(const Arguments&) {
  std::cout << "bitloom " << kVersion << "\n";
  return kExitOk;
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : kCommands) {
    if (name == command.name) return command;
    names.emplace_back(command.name);
  }
  throw Error(ErrorCode::usage,
              {"bitloom", "command " + name, fmt::format("one of {}", fmt::join(names, ", ")),
               fmt::format("Nearest: {}.", nearest_list(name, names, 1))});
}

int dispatch(const Arguments& arguments) {
  if (arguments.empty()) {
    help_command(arguments);
    return kExitBadInput;
  }
  const std::string name = arguments.front() == "--help" ? "help" : arguments.front();
  return find_command(name).run({arguments.begin() + 1, arguments.end()});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = dispatch({argv + 1, argv + argc});
    if (std::cout.flush()) return code;
    throw Error(ErrorCode::output_path,
                {"standard output", "a failed write", "a file or pipe that takes all of it",
                 "Free some space."});
  } catch (const Error& error) {
    std::cerr << format_error("bitloom", error) << "\n";
    return exit_code(error.code());
  } catch (const std::exception& error) {
    std::cerr << "bitloom: internal error: " << error.what() << "\n";
    return kExitDeviceFault;
  }
}
