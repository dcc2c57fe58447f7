// SPDX-License-Identifier: Apache-2.0
// What the targets of tokenizers do with a file.
#pragma once

#include <filesystem>
#include <utility>

#include "sw/tokenizer/tokenizer.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace bitloom::fuzz {

/// A vocabulary of 400 tokens, of any format, and a text through it and back.
inline int run_tokenizer(const std::filesystem::path& path) {
  return run([&path] {
    const Tokenizer tokenizer(path, 400);
    Token previous = 0;
    for (const Token token : tokenizer.encode("aab \xC3\xA9\xFF ab<s> 12345\n \xE2\x96\x81'S"))
      (void)tokenizer.decode(std::exchange(previous, token), token);
  });
}

}  // namespace bitloom::fuzz
