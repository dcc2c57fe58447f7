// SPDX-License-Identifier: Apache-2.0
// A torch.save file, and all of its tensors.
#include "sw/checkpoint/torch_file.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const auto store = open_torch_store(fuzz::file_of({data, size}));
    for (const auto& [name, tensor] : store->tensors())
      fuzz::run([&, tensor_name = name] { (void)store->read(tensor_name); });
  });
}
