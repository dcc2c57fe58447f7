// SPDX-License-Identifier: Apache-2.0
// A checkpoint whose layers are quantized when they are read: what writes checkpoints layer by
// layer then quantizes whole models, one layer in memory at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/cache/layer_cache.hpp"
#include "host/sources/quantize_cached.hpp"
#include "sw/checkpoint/float_checkpoint.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"

namespace bitloom {

/// What errors in the columns of a layer count: [K] values, or none.
using ColumnWeights = std::function<std::vector<double>(const LinearLayer& layer)>;

class QuantizingCheckpoint : public QuantizedCheckpoint {
 public:
  /// The layers of `source` that `pattern` matches (select_layers). Finished ones are kept in
  /// `work`, a folder that is made when needed, so that an interrupted run goes on where it was.
  /// Throws Error layer_name, quant_option for a layer that cannot be quantized so, checkpoint_path
  /// for a path that cannot be read, and what `weights` throws.
  QuantizingCheckpoint(const std::filesystem::path& source, const std::string& pattern,
                       Recipe recipe, ColumnWeights weights, std::filesystem::path work,
                       LayerProgress progress);

  /// Quantizes the layer, or takes it from an interrupted run. Throws Error as the quantizers and
  /// the reader of the weights do.
  [[nodiscard]] Layer read(std::size_t index) const override;
  [[nodiscard]] std::vector<std::uint8_t> read_other(const std::string& name, std::uint64_t offset,
                                                     std::size_t length) const override;

  /// Removes what an interrupted run would go on from.
  void forget() const { done_.clear(); }

  /// Weights of all layers, and rows.
  [[nodiscard]] std::uint64_t weights() const { return weights_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  /// Relative errors of the layers read so far, by name and precision (quantized.hpp).
  [[nodiscard]] const std::map<std::string, std::map<unsigned, double>>& errors() const {
    return errors_;
  }

 private:
  FloatCheckpoint source_;
  std::vector<LinearLayer> chosen_;
  Recipe recipe_;
  ColumnWeights column_weights_;
  LayerCache done_;
  LayerProgress progress_;
  std::uint64_t weights_ = 0;
  std::uint64_t rows_ = 0;
  mutable std::map<std::string, std::map<unsigned, double>> errors_;
};

}  // namespace bitloom
