// SPDX-License-Identifier: Apache-2.0
// The directory that every run writes.
#pragma once

#include <filesystem>
#include <string>

#include "host/runtime/run.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// Creates `directory` where it does not exist and makes sure that a file can be written in it, so
/// that a run does not lose its results at the end. Throws Error output_path.
void prepare_directory(const std::filesystem::path& directory);

/// Ends a run: on a mismatch of the hardware finds its place (locate_mismatch), writes result.json
/// and prints the summary. Returns the exit code. Throws Error output_path.
int finish_run(const std::filesystem::path& directory, const LayerSource& source,
               const Activations& acts, const RunOptions& options, RunResult& result);

/// Writes weights.safetensors, x.safetensors and y.safetensors.
void write_dump(const std::filesystem::path& directory, const Layer& layer, const Activations& acts,
                const Outputs& outputs);

}  // namespace bitloom
