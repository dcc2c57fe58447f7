// SPDX-License-Identifier: Apache-2.0
// A file of activation moments, for a layer "n" of 2 columns.
#include "sw/io/moments_file.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] { (void)read_moments(fuzz::file_of({data, size}), "n", 2); });
}
