// SPDX-License-Identifier: Apache-2.0
#include "host/cli/run_directory.hpp"

#include <iostream>
#include <span>
#include <system_error>

#include "host/cli/commands.hpp"
#include "host/report/result_json.hpp"
#include "host/report/summary.hpp"
#include "host/runtime/locate.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

void write_result(const std::filesystem::path& directory, const std::string& text) {
  OutputFile file(directory / "result.json");
  file.write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  file.commit();
}

}  // namespace

void prepare_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure)
    throw Error(ErrorCode::output_path, {directory.string(), failure.message(),
                                         "a directory that can be written", "Choose another."});
  const OutputFile probe(directory / "result.json");  // never committed: leaves nothing behind
}

int finish_run(const std::filesystem::path& directory, const LayerSource& source,
               const Activations& acts, const RunOptions& options, RunResult& result) {
  // Written before the search for the place, so that nothing is lost when that fails.
  write_result(directory, result_json(source, options, result));
  const Check* failure = result.first_failure();
  if (failure != nullptr && is_hardware(options.backend)) {
    try {
      result.location =
          locate_mismatch(source.layer, acts, options, *failure->comparison.first, directory);
      write_result(directory, result_json(source, options, result));
    } catch (const Error& error) {
      std::cerr << format_error("bitloom", error) << "\n";
    }
  }
  std::cout << run_summary(source, options, result);
  return failure == nullptr ? kExitOk : kExitMismatch;
}

void write_dump(const std::filesystem::path& directory, const Layer& layer, const Activations& acts,
                const Outputs& outputs) {
  write_layers(directory / "weights.safetensors", std::span(&layer, 1));
  write_activations(directory / "x.safetensors", acts);
  write_outputs(directory / "y.safetensors", outputs);
}

}  // namespace bitloom
