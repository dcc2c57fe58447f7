// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/checkpoint_format.hpp"

#include <array>

#include "sw/checkpoint/gguf.hpp"
#include "sw/checkpoint/json_file.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/error/error.hpp"
#include "sw/io/safetensors.hpp"

namespace bitloom {
namespace {

constexpr std::array kTitles = {"bitloom",     "AnyBCQ", "Any-Precision", "Hugging Face",
                                "safetensors", "GGUF",   "llama2.c"};

CheckpointFormat detect_folder(const std::filesystem::path& path) {
  const JsonObject config = read_json_file(path / "config.json");
  if (config.has("anybcq")) return CheckpointFormat::anybcq;
  if (config.has("anyprec")) return CheckpointFormat::anyprec;
  return CheckpointFormat::hugging_face;
}

}  // namespace

const char* format_title(CheckpointFormat format) {
  return kTitles.at(static_cast<std::size_t>(format));
}

bool is_quantized(CheckpointFormat format) {
  return format == CheckpointFormat::bitloom || format == CheckpointFormat::anybcq ||
         format == CheckpointFormat::anyprec;
}

CheckpointFormat detect_format(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return detect_folder(path);
  if (path.extension() == ".safetensors")
    return SafetensorsFile(path).metadata().contains("bitloom.format")
               ? CheckpointFormat::bitloom
               : CheckpointFormat::safetensors;
  if (is_gguf(path)) return CheckpointFormat::gguf;
  if (path.extension() == ".bin") return CheckpointFormat::llama2c;
  throw Error(ErrorCode::checkpoint_path,
              {path.string(), "a file of no known format",
               "a folder with config.json, .safetensors, GGUF, or a llama2.c .bin file",
               "Check the path."});
}

std::unique_ptr<QuantizedCheckpoint> open_quantized_checkpoint(const std::filesystem::path& path) {
  const CheckpointFormat format = detect_format(path);
  switch (format) {
    case CheckpointFormat::bitloom:
      return open_bitloom_checkpoint(path);
    case CheckpointFormat::anybcq:
      return open_anybcq_checkpoint(path);
    case CheckpointFormat::anyprec:
      return open_anyprec_checkpoint(path);
    default:
      throw Error(ErrorCode::checkpoint_path,
                  {path.string(), std::string("unquantized weights (") + format_title(format) + ")",
                   "a checkpoint of quantized layers", "Quantize it first."});
  }
}

}  // namespace bitloom
