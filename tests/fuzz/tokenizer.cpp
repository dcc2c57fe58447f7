// SPDX-License-Identifier: Apache-2.0
// A vocabulary in one file. It is two targets, which differ in the inputs that they begin with.
#include "tests/fuzz/tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run_tokenizer(fuzz::file_of({data, size}));
}
