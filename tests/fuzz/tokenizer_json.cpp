// SPDX-License-Identifier: Apache-2.0
// A folder with tokenizer.json, up to the first NUL, and the config.json behind it, which names the
// end tokens.
#include <algorithm>

#include "tests/fuzz/tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  const fuzz::Bytes input(data, size);
  const auto end = std::find(input.begin(), input.end(), 0);
  if (end == input.end()) return 0;
  fuzz::write("tokenizer.json", {input.begin(), end});
  fuzz::write("config.json", {end + 1, input.end()});
  return fuzz::run_tokenizer(fuzz::folder());
}
