// SPDX-License-Identifier: Apache-2.0
// A Hugging Face folder as a model that can be run: config.json up to the first NUL, then the
// safetensors file.
#include <algorithm>
#include <vector>

#include "sw/transformer/checkpoint_model.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  const fuzz::Bytes input(data, size);
  const auto end = std::find(input.begin(), input.end(), 0);
  if (end == input.end()) return 0;
  fuzz::write("config.json", {input.begin(), end});
  fuzz::write("model.safetensors", {end + 1, input.end()});
  return fuzz::run([&] {
    const FloatModel model = read_model(fuzz::folder());
    for (const LinearId id : model.linears()) {
      const FloatMatrix& weights = model.linear(id).weights;
      std::vector<float> row(weights.k);
      weights.read_row(0, row);
    }
  });
}
