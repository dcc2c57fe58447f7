// SPDX-License-Identifier: Apache-2.0
// The directory that every run writes.
#pragma once

#include <filesystem>
#include <functional>

#include "host/runtime/run.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// Creates `directory` where it does not exist and makes sure that a file can be written in it, so
/// that a run does not lose its results at the end; removes what killed runs left half written in
/// it. Throws Error output_path.
void prepare_directory(const std::filesystem::path& directory);

/// A whole run: run_and_check with progress on standard error, then finish_run. `save` gets the
/// outputs as soon as they are there; result.json is first written then, with nothing compared yet,
/// so that no later failure loses the run. Throws Error as these do.
RunResult run_in_directory(const std::filesystem::path& directory, const LayerSource& source,
                           const Activations& acts, RunOptions options, Phases phases,
                           const std::function<void(const Outputs&)>& save);

/// Ends a run: writes result.json, on a mismatch of the hardware with a backend finds its place
/// (locate_mismatch; when that fails, says why on standard error and goes on), and prints the
/// summary. Throws Error output_path.
void finish_run(const std::filesystem::path& directory, const LayerSource& source,
                const Activations& acts, const RunOptions& options, RunResult& result);

/// Writes weights.safetensors, x.safetensors and y.safetensors.
void write_dump(const std::filesystem::path& directory, const Layer& layer, const Activations& acts,
                const Outputs& outputs);

}  // namespace bitloom
