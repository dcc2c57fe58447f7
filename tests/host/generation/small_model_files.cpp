// SPDX-License-Identifier: Apache-2.0
// Writes model.bin and tokenizer.bin of a small random model into a folder, for tests in shell.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/small_model.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return EXIT_FAILURE;
  const std::filesystem::path folder(argv[1]);
  std::ofstream(folder / "model.bin", std::ios::binary) << bitloom::SmallModel(1).file();
  std::ofstream(folder / "tokenizer.bin", std::ios::binary)
      << bitloom::SmallModel::tokenizer_file();
  return EXIT_SUCCESS;
}
