// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_data.hpp"

#include <cstdlib>
#include <iostream>

namespace bitloom {

std::filesystem::path test_data(const std::string& name) {
  const char* folder = std::getenv("BITLOOM_DATA");
  const std::filesystem::path root(folder == nullptr ? "../shared/data" : folder);
  std::filesystem::path path = root / name;
  if (!std::filesystem::exists(path)) {
    std::cout << "skipped: no " << path.string() << " (set BITLOOM_DATA)\n";
    std::exit(77);
  }
  return path;
}

}  // namespace bitloom
