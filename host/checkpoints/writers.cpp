// SPDX-License-Identifier: Apache-2.0
#include "host/checkpoints/writers.hpp"

#include <array>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

struct Target {
  const char* name;
  WriteCheckpoint write;
};

constexpr std::array kTargets = {Target{"bitloom", write_bitloom_checkpoint},
                                 Target{"anybcq", write_anybcq_checkpoint},
                                 Target{"anyprec", write_anyprec_checkpoint}};

}  // namespace

WriteCheckpoint writer_of(const std::string& format, const std::filesystem::path& path) {
  if (format == "bitloom" && path.extension() != ".safetensors")
    throw Error(ErrorCode::usage,
                {path.string(), "another ending", ".safetensors, by which readers know the format",
                 "Name the file so, or choose another --format."});
  for (const Target& target : kTargets)
    if (format == target.name) return target.write;
  throw Error(ErrorCode::usage,
              {"--format", "\"" + format + "\"", kFormatHelp, "Choose one of these."});
}

}  // namespace bitloom
