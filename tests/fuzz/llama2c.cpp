// SPDX-License-Identifier: Apache-2.0
// A llama2.c model, and all of its tensors.
#include "sw/io/llama2c.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const Llama2cFile file(fuzz::file_of({data, size}));
    for (const Llama2cTensor& tensor : file.tensors()) (void)file.read(tensor);
  });
}
