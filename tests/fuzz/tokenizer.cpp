// SPDX-License-Identifier: Apache-2.0
// A vocabulary of 262 tokens, of llama2.c or GGUF, and a text through it and back.
#include <utility>

#include "sw/tokenizer/tokenizer.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bitloom;
  return fuzz::run([&] {
    const Tokenizer tokenizer(fuzz::file_of({data, size}), 262);
    Token previous = kBeginToken;
    for (const Token token : tokenizer.encode("aab \xC3\xA9\xFF ab"))
      (void)tokenizer.decode(std::exchange(previous, token), token);
  });
}
