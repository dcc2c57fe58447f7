// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of byte strings, by OpenSSL.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace bitloom {

/// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void update(std::span<const std::uint8_t> bytes);
  /// 64 lower-case hexadecimal digits; ends the computation.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of bytes that are all there: 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);

}  // namespace bitloom
