// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of byte strings, by OpenSSL.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace bitloom {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);

}  // namespace bitloom
