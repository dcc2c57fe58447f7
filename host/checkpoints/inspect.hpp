// SPDX-License-Identifier: Apache-2.0
// What a checkpoint holds, layer by layer, for people and for programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sw/checkpoint/checkpoint_format.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// A layer at one of its precisions.
struct PrecisionReport {
  std::uint64_t bytes = 0;               ///< of the planes and tables that the precision uses
  std::optional<double> relative_error;  ///< |W - dequantized| / |W|, where W was given
};

struct LayerReport {
  std::string name;
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  std::string kind;                         ///< "bcq", "codebook", or the element type: "BF16"
  std::optional<std::uint32_t> group_size;  ///< of quantized layers; 0 = one group per row
  std::map<unsigned, PrecisionReport> precisions;  ///< unquantized: one, the bits of the type
};

struct CheckpointReport {
  std::filesystem::path path;
  CheckpointFormat format{};
  std::vector<LayerReport> layers;
  std::uint64_t other_tensors = 0;  ///< that belong to none of the layers
  std::uint64_t other_bytes = 0;
};

struct InspectProgress {
  std::function<void(std::uint64_t rows)> comparing;  ///< before errors are measured: how many rows
  std::function<void()> row_done;                     ///< from any thread
};

/// Opens a checkpoint of any format. `against` (empty = none) holds the unquantized weights, with
/// the names of the layers. Throws Error as the readers do; checkpoint_missing, for all of them,
/// for layers that `against` lacks; checkpoint_tensor for a layer of another shape there; usage for
/// weights to compare an unquantized checkpoint with.
CheckpointReport inspect_checkpoint(const std::filesystem::path& path,
                                    const std::filesystem::path& against,
                                    const InspectProgress& progress);

/// The table and the sums over layers at each precision.
std::string report_text(const CheckpointReport& report);
/// The same as JSON (docs/checkpoints.md).
std::string report_json(const CheckpointReport& report);

}  // namespace bitloom
