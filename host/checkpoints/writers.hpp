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

/// The writer of the format that --format names. Throws Error usage.
WriteCheckpoint writer_of(const std::string& format);

}  // namespace bitloom
