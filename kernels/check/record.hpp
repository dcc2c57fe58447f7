// SPDX-License-Identifier: Apache-2.0
// What the records of gpu_check and gpu_bench share. A GPU machine may lack a JSON library.
#pragma once

#include <string>

namespace bitloom::kernels {

/// A JSON string. `text` has no control characters.
inline std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

/// A device's name as that of a file: "NVIDIA A100-SXM4-80GB" becomes "nvidia-a100-sxm4-80gb".
inline std::string plain_name(const std::string& device) {
  std::string name;
  for (const char c : device) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool capital = c >= 'A' && c <= 'Z';
    name += plain ? c : capital ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  return name;
}

}  // namespace bitloom::kernels
