// SPDX-License-Identifier: Apache-2.0
#include "sw/io/sha256.hpp"

#include <catch2/catch.hpp>
#include <vector>

TEST_CASE("SHA-256 gives the digests of the standard's examples") {
  const auto digest = [](const std::string& text) {
    return bitloom::sha256_hex(std::vector<std::uint8_t>(text.begin(), text.end()));
  };
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("SHA-256 of pieces is that of the whole") {
  bitloom::Sha256 hash;
  for (const char* piece : {"a", "", "bc"}) {
    const std::string text = piece;
    hash.update(std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  CHECK(hash.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
