// SPDX-License-Identifier: Apache-2.0
// Runs the real `bitloom` executable, and writes its input files without any code of bitloom.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace host_test {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// bitloom with these arguments, in `directory`, with this process's environment: ctest sets the
/// cache of quantized layers (BITLOOM_CACHE), a test started by hand uses the user's.
Outcome bitloom(const std::vector<std::string>& arguments,
                const std::filesystem::path& directory = std::filesystem::current_path());

/// A fresh folder that is removed with the object.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Tensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

/// A safetensors file, byte by byte from the format's description.
void write_file(const std::filesystem::path& path,
                const std::map<std::string, std::string>& metadata,
                const std::vector<Tensor>& tensors);

/// Binary16 patterns as little-endian bytes.
std::string half_bytes(const std::vector<std::uint16_t>& patterns);

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace host_test
