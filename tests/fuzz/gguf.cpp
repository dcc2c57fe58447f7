// SPDX-License-Identifier: Apache-2.0
// A GGUF file, its vocabulary, its tensors, and the layers that its metadata ask for.
#include "sw/checkpoint/gguf.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const std::filesystem::path path = fuzz::file_of({data, size});
    static_cast<void>(fuzz::run([&path] { static_cast<void>(read_gguf_vocabulary(path)); }));
    const GgufModel model = open_gguf(path);
    for (const auto& [name, tensor] : model.store->tensors()) (void)model.store->read(name);
    (void)linear_layers(model.config, Naming::gguf);
  });
}
