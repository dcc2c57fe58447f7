// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4). A GPU machine has nvcc and CMake and perhaps no OpenSSL headers, so the
// records carry sums of our own making; the tests compare this function with OpenSSL's.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace bitloom::kernels {

/// The digest as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);

}  // namespace bitloom::kernels
