// SPDX-License-Identifier: Apache-2.0
// A folder of AnyBCQ or Any-Precision: config.json up to the first NUL, then the safetensors
// file.
#include <algorithm>

#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  const fuzz::Bytes input(data, size);
  const auto end = std::find(input.begin(), input.end(), 0);
  if (end == input.end()) return 0;
  fuzz::write("config.json", {input.begin(), end});
  fuzz::write("model.safetensors", {end + 1, input.end()});
  return fuzz::run([&] {
    const auto checkpoint = open_quantized_checkpoint(fuzz::folder());
    for (std::size_t i = 0; i < checkpoint->layers().size(); ++i) (void)checkpoint->read(i);
    for (const auto& [name, tensor] : checkpoint->other_tensors())
      (void)checkpoint->read_other(name, 0, tensor.bytes());
  });
}
