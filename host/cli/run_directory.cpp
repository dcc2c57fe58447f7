// SPDX-License-Identifier: Apache-2.0
#include "host/cli/run_directory.hpp"

#include <span>
#include <system_error>

#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {

void prepare_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure)
    throw Error(ErrorCode::output_path, {directory.string(), failure.message(),
                                         "a directory that can be written", "Choose another."});
  const OutputFile probe(directory / "result.json");  // never committed: leaves nothing behind
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  OutputFile file(path);
  file.write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  file.commit();
}

void write_dump(const std::filesystem::path& directory, const Layer& layer, const Activations& acts,
                const Outputs& outputs) {
  write_layers(directory / "weights.safetensors", std::span(&layer, 1));
  write_activations(directory / "x.safetensors", acts);
  write_outputs(directory / "y.safetensors", outputs);
}

}  // namespace bitloom
