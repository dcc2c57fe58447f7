// SPDX-License-Identifier: Apache-2.0
// An interchange file: its layers, activations and outputs.
#include "sw/io/layer_file.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  const auto path = fuzz::file_of({data, size});
  fuzz::run([&] { (void)read_activations(path); });
  fuzz::run([&] { (void)read_outputs(path); });
  return fuzz::run([&] {
    const LayerFile file(path);
    for (const std::string& name : file.names())
      fuzz::run([&] {
        (void)file.outline(name);
        (void)file.read(name);
      });
  });
}
