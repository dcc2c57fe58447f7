// SPDX-License-Identifier: Apache-2.0
// The pickle of a torch.save file.
#include "sw/checkpoint/pickle.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] { (void)read_state_dict({data, size}, "data.pkl"); });
}
