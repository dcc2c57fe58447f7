// SPDX-License-Identifier: Apache-2.0
// Quantized layers on disk, so that a layer is quantized once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sw/quant/quantized.hpp"

namespace bitloom {

/// $BITLOOM_CACHE, else $XDG_CACHE_HOME/bitloom, else ~/.cache/bitloom, else build/cache.
std::filesystem::path cache_directory();

/// Each entry is two files named after its key: the layer as an interchange file, and a JSON file
/// with the SHA-256 of what the layer holds and the quantization errors. Both appear by rename, the
/// JSON file last, so an entry is whole or is not there.
class LayerCache {
 public:
  explicit LayerCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// The entry of a key; empty when there is none or when it is damaged in any way.
  [[nodiscard]] std::optional<Quantized> find(const std::string& key) const;

  /// Removes all entries, and the directory if nothing else is in it.
  void clear() const;

  /// Writes an entry. Throws Error output_path.
  void store(const std::string& key, const Quantized& quantized) const;

 private:
  [[nodiscard]] std::filesystem::path layer_path(const std::string& key) const;
  [[nodiscard]] std::filesystem::path index_path(const std::string& key) const;

  std::filesystem::path directory_;
};

}  // namespace bitloom
