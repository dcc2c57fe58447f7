// SPDX-License-Identifier: Apache-2.0
// Names of layers: their order and their parts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bitloom {

/// Whether `a` comes before `b` when digits count as numbers: layers.2 before layers.10.
bool natural_order(std::string_view a, std::string_view b);

/// "model.decoder.layers.3.fc1" in parts.
struct BlockName {
  std::string model;   ///< "model.decoder"
  std::string blocks;  ///< "layers"
  std::string index;   ///< "3"
  std::string module;  ///< "fc1"
};

/// The parts of a layer's name, or nothing when it is not in a block: when it has no component of
/// digits only with at least two components before it and one behind.
std::optional<BlockName> split_block_name(const std::string& name);

}  // namespace bitloom
