// SPDX-License-Identifier: Apache-2.0
// The command line of bl_cosim.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bitloom::cosim {

struct Options {
  std::uint64_t layers = 2000;
  std::uint64_t seed = 1;
  std::string config;                  ///< empty: all
  std::optional<std::uint64_t> batch;  ///< run this one only
  std::optional<std::uint64_t> layer;  ///< judge this one only
  std::filesystem::path state;
  std::filesystem::path record;  ///< empty: none
  std::filesystem::path design;  ///< empty: the tree's
  bool list = false;
  bool help = false;
};

inline constexpr const char* kHelp =
    R"(bl_cosim: random layers on many hardware configurations against cpu and golden
  --layers N     layers of the campaign, in batches of 10 (2000)
  --seed S       of layers and memories (1)
  --config NAME  this configuration only
  --batch B      run this batch of the configuration, without a state
  --layer L      judge only this layer of the batch
  --state FILE   what is done; the same command goes on there (build/cosim.json)
  --record FILE  write a record of the whole campaign in markdown
  --design FILE  file list of another design than rtl/files.f
  --list         print the configurations
  --help         print this text
)";

/// Throws Error usage.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace bitloom::cosim
