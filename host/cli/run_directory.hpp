// SPDX-License-Identifier: Apache-2.0
// The directory that every run writes.
#pragma once

#include <filesystem>
#include <string>

#include "sw/layer/layer.hpp"

namespace bitloom {

/// Creates `directory` where it does not exist and makes sure that a file can be written in it, so
/// that a run does not lose its results at the end. Throws Error output_path.
void prepare_directory(const std::filesystem::path& directory);

/// Replaces `path` by `text`. Throws Error output_path.
void write_text(const std::filesystem::path& path, const std::string& text);

/// Writes weights.safetensors, x.safetensors and y.safetensors.
void write_dump(const std::filesystem::path& directory, const Layer& layer, const Activations& acts,
                const Outputs& outputs);

}  // namespace bitloom
