// SPDX-License-Identifier: Apache-2.0
#include "host/cli/run_directory.hpp"

#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "host/cli/progress.hpp"
#include "host/report/result_json.hpp"
#include "host/report/summary.hpp"
#include "host/runtime/locate.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

void write_result(const std::filesystem::path& directory, const LayerSource& source,
                  const RunOptions& options, const RunResult& result) {
  OutputFile file(directory / "result.json");
  file.write(result_json(source, options, result));
  file.commit();
}

// Only a difference from a backend has partial sums that golden could compare.
bool can_locate(const RunOptions& options, const Check* failure) {
  return failure != nullptr && failure->against != kIsolatedCall && is_hardware(options.backend);
}

}  // namespace

void prepare_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure)
    throw Error(ErrorCode::output_path, {directory.string(), failure.message(),
                                         "a directory that can be written", "Choose another."});
  remove_stale_temporaries(directory);
  const OutputFile probe(directory / "result.json");  // never committed: leaves nothing behind
}

RunResult run_in_directory(const std::filesystem::path& directory, const LayerSource& source,
                           const Activations& acts, RunOptions options, Phases phases,
                           const std::function<void(const Outputs&)>& save) {
  options.rtl.worker.notice = [](std::string_view text) {
    std::cerr << "bitloom: " << text << "\n";
  };
  const auto save_all = [&](const RunResult& result) {
    save(result.outputs());
    write_result(directory, source, options, result);
  };
  const auto run = [&] {
    Progress progress("simulating", "cycles");  // gone before the summary is printed
    RunOptions shown = options;
    shown.rtl.progress = [&progress](std::uint64_t cycles) { progress.reach(cycles); };
    return run_and_check(source, acts, shown, std::move(phases), save_all);
  };
  RunResult result = run();
  finish_run(directory, source, acts, options, result);
  return result;
}

void finish_run(const std::filesystem::path& directory, const LayerSource& source,
                const Activations& acts, const RunOptions& options, RunResult& result) {
  // Written before the search for the place, so that nothing is lost when that fails.
  write_result(directory, source, options, result);
  const Check* failure = result.first_failure();
  if (can_locate(options, failure)) {
    try {
      result.location =
          locate_mismatch(source.layer, acts, options, *failure->comparison.first, directory);
      write_result(directory, source, options, result);
    } catch (const std::exception& error) {
      std::cerr << "bitloom: the mismatch could not be located: " << error.what() << "\n";
    }
  }
  std::cout << run_summary(source, options, result);
}

void write_dump(const std::filesystem::path& directory, const Layer& layer, const Activations& acts,
                const Outputs& outputs) {
  write_layers(directory / "weights.safetensors", std::span(&layer, 1));
  write_activations(directory / "x.safetensors", acts);
  write_outputs(directory / "y.safetensors", outputs);
}

}  // namespace bitloom
