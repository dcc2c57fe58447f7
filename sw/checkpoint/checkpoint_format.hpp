// SPDX-License-Identifier: Apache-2.0
// Which format a checkpoint is of.
#pragma once

#include <cstdint>
#include <filesystem>

namespace bitloom {

enum class CheckpointFormat : std::uint8_t {
  bitloom,       ///< a .safetensors file of ours: quantized layers
  anybcq,        ///< a folder whose config.json has a section "anybcq": quantized layers
  anyprec,       ///< the same with "anyprec"
  hugging_face,  ///< another folder with a config.json: unquantized weights
  safetensors,   ///< another .safetensors file: unquantized weights
  gguf,          ///< a file that begins with GGUF: unquantized weights
  llama2c        ///< a .bin file: unquantized weights
};

/// "AnyBCQ", for messages.
const char* format_title(CheckpointFormat format);

/// Whether checkpoints of the format hold quantized layers.
bool is_quantized(CheckpointFormat format);

/// What is at `path`, from its beginning or its config.json; the rest is the readers' to check.
/// Throws Error checkpoint_path when it is nothing of these, io_read, checkpoint_config, and what
/// SafetensorsFile throws.
CheckpointFormat detect_format(const std::filesystem::path& path);

}  // namespace bitloom
