// SPDX-License-Identifier: Apache-2.0
// Scratch files and error codes for the tests of this folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/error/error.hpp"

namespace bitloom {

/// A folder of its own that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  /// Names of everything in the folder.
  [[nodiscard]] std::vector<std::string> entries() const;

 private:
  std::filesystem::path folder_;
};

/// The path of a new file with these bytes.
std::filesystem::path write_bytes(const std::filesystem::path& path, const std::string& bytes);
std::string read_bytes(const std::filesystem::path& path);

/// A safetensors file put together by hand: length, header, and `data_bytes` bytes 0, 1, 2, ...
std::string raw_safetensors(const std::string& header, std::size_t data_bytes);

/// The little-endian bytes of a number.
template <typename Number>
std::string raw(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    bytes += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
  return bytes;
}

/// The Error that an action throws; std::logic_error when it throws none.
Error error_of(const std::function<void()>& action);

}  // namespace bitloom
