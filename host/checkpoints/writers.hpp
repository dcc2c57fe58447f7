// SPDX-License-Identifier: Apache-2.0
// The formats that quantized layers are written in, by name.
#pragma once

#include <filesystem>
#include <string>

#include "sw/checkpoint/quantized_checkpoint.hpp"

namespace bitloom {

using WriteCheckpoint = void (*)(const std::filesystem::path& path,
                                 const QuantizedCheckpoint& source, const Selection& selection);

inline constexpr const char* kFormatHelp = "bitloom, anybcq or anyprec";

/// The writer of the format that --format names, to write `path` from what is read at `source`.
/// Throws Error usage for another format; for a file of ours whose name does not end in
/// .safetensors, by which readers know it; and where writing would replace what is read.
WriteCheckpoint writer_of(const std::string& format, const std::filesystem::path& path,
                          const std::filesystem::path& source);

}  // namespace bitloom
