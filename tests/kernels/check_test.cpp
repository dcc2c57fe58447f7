// SPDX-License-Identifier: Apache-2.0
// The parts of gpu-check: its digests, and that its cases are what they say.
#include <openssl/sha.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/check/cases.hpp"
#include "kernels/check/sha256.hpp"
#include "sw/contract/half.hpp"

namespace bitloom::kernels {
namespace {

std::string openssl_sha256_hex(const std::vector<std::uint8_t>& bytes) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  std::string hex;
  for (const std::uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

TEST_CASE("The digest of every short message is OpenSSL's") {
  std::vector<std::uint8_t> message;
  for (unsigned length = 0; length < 300; ++length) {
    REQUIRE(sha256_hex(message) == openssl_sha256_hex(message));
    message.push_back(static_cast<std::uint8_t>(length * 151 + 7));
  }
}

TEST_CASE("The cases of gpu-check cover the contract and have names of their own") {
  std::set<std::string> names;
  std::set<std::tuple<Mode, bool, std::uint32_t, unsigned>> shapes;
  std::map<std::string, int> hits;
  for (const Case& c : all_cases()) {
    REQUIRE(names.insert(c.name).second);
    shapes.insert({c.mode, c.offsets, c.group_size, c.bits});
    const std::string mode = c.mode == Mode::bcq ? "bcq " : "codebook ";
    ++hits[mode + "mb " + std::to_string(c.arithmetic.mantissa_bits)];
    ++hits[mode + "accumulator " + std::to_string(c.arithmetic.accumulator.bits)];
    ++hits[mode + (c.format == OutputFormat::binary32 ? "binary32" : "binary16")];
    ++hits[mode + "data " + std::string(kDataNames[static_cast<std::size_t>(c.data)])];
    ++hits[mode + (c.nan_token ? "nan" : "finite")];
  }
  CHECK(shapes.size() == std::size_t{3} * 5 * 8);
  CHECK(hits.size() == std::size_t{2} * (5 + 6 + 2 + 5 + 2));
  for (const auto& [feature, count] : hits) {
    INFO(feature);
    CHECK(count >= 5);
  }
}

TEST_CASE("A case's tables are finite, and only its NaN token is not") {
  for (const Case& c : all_cases()) {
    if (c.m > 100) continue;
    const CaseData data = make_data(c);
    const PrecisionTables& tables = data.layer.precisions.at(c.bits);
    for (const auto* table : {&tables.alpha, &tables.beta, &tables.codebook})
      for (const Half v : *table) REQUIRE(contract::is_finite(v));
    for (std::uint32_t t = 0; t < c.tokens; ++t) {
      const Half* x = data.acts.x.data() + std::size_t{t} * c.k;
      const bool finite = contract::max_exponent(x, c.k) != contract::kNonFiniteExponent;
      REQUIRE(finite == !(c.nan_token && t == 1));
    }
  }
}

}  // namespace
}  // namespace bitloom::kernels
