// SPDX-License-Identifier: Apache-2.0
// A safetensors file, and all of its tensors.
#include "sw/io/safetensors.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const SafetensorsFile file(fuzz::file_of({data, size}));
    for (const auto& [name, tensor] : file.tensors()) (void)file.read(tensor);
  });
}
