// SPDX-License-Identifier: Apache-2.0
#include "host/checkpoints/writers.hpp"

#include <array>
#include <system_error>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

struct Target {
  const char* name;
  WriteCheckpoint write;
};

namespace fs = std::filesystem;

// Whether `path` is `source` or a folder around it.
bool holds(const fs::path& path, const fs::path& source) {
  std::error_code ignored;
  for (fs::path place = fs::weakly_canonical(source, ignored); place.has_relative_path();
       place = place.parent_path())
    if (fs::equivalent(path, place, ignored)) return true;
  return false;
}

constexpr std::array kTargets = {Target{"bitloom", write_bitloom_checkpoint},
                                 Target{"anybcq", write_anybcq_checkpoint},
                                 Target{"anyprec", write_anyprec_checkpoint}};

}  // namespace

WriteCheckpoint writer_of(const std::string& format, const fs::path& path, const fs::path& source) {
  if (holds(path, source))
    throw Error(ErrorCode::usage, {path.string(), "the place of the checkpoint that is read",
                                   "another file or folder", "Write beside it, then replace it."});
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
