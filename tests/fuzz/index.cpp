// SPDX-License-Identifier: Apache-2.0
// The index of shards, beside a shard with tensors "a" and "b".
#include "sw/checkpoint/tensor_store.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  static const bool prepared = [] {
    write_safetensors(fuzz::folder() / "1.safetensors", {},
                      {{"a", Dtype::u8, {1}, {1}}, {"b", Dtype::u8, {1}, {2}}});
    return true;
  }();
  (void)prepared;
  fuzz::write("model.safetensors.index.json", {data, size});
  return fuzz::run([&] {
    const auto store = open_folder_store(fuzz::folder());
    for (const auto& [name, tensor] : store->tensors()) (void)store->read(name);
  });
}
