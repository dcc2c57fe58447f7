// SPDX-License-Identifier: Apache-2.0
// A vocabulary of 400 tokens, of any format, and a text through it and back. It is three targets,
// which differ in the inputs that they begin with.
#include "sw/tokenizer/tokenizer.hpp"

#include <utility>

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const Tokenizer tokenizer(fuzz::file_of({data, size}), 400);
    Token previous = 0;
    for (const Token token : tokenizer.encode("aab \xC3\xA9\xFF ab<s> 12345\n \xE2\x96\x81'S"))
      (void)tokenizer.decode(std::exchange(previous, token), token);
  });
}
