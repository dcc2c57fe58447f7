// SPDX-License-Identifier: Apache-2.0
// The config.json of an unquantized model, and the tensors that it asks for.
#include "sw/checkpoint/architecture.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const JsonObject json("config.json", std::string(data, data + size));
    (void)model_tensors(read_model_config(json), Naming::hugging_face);
  });
}
