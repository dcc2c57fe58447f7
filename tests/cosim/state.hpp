// SPDX-License-Identifier: Apache-2.0
// What a campaign has done so far, in a file that is replaced as a whole: whenever the campaign is
// interrupted, the same command goes on behind the last complete batch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bitloom::cosim {

struct State {
  std::uint64_t seed = 0;
  std::string design;                 ///< batch.hpp: design_hash()
  std::vector<std::string> machines;  ///< round robin in this order
  std::uint64_t batches = 0;
  std::uint64_t layers = 0;
  std::uint64_t outputs = 0;
  double seconds = 0;
  std::map<std::string, std::uint64_t> coverage;
  std::vector<std::string> failures;  ///< one line each

  /// Adds the counts of a batch, or of none.
  void add(const std::map<std::string, std::uint64_t>& counts);
};

/// The state in the file, or `fresh` where there is no file. Throws Error usage when the file is of
/// a campaign with another seed, other machines or another design than `fresh`, and Error io_read
/// when it is none.
State load_state(const std::filesystem::path& path, State fresh);

/// Throws Error output_path.
void save_state(const std::filesystem::path& path, const State& state);

/// A file seen whole or not at all. Throws Error output_path.
void replace_file(const std::filesystem::path& path, const std::string& text);

}  // namespace bitloom::cosim
