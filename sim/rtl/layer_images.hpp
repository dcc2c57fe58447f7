// SPDX-License-Identifier: Apache-2.0
// A layer as the hardware takes it: its memory images, and the descriptors of calls of it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "gen/config.hpp"
#include "gen/descriptor.hpp"
#include "sw/layer/layer.hpp"
#include "sw/layout/layout.hpp"

namespace bitloom::sim {

/// Everything that calls need of a layer, made once when it is loaded.
struct LayerImages {
  /// The scales, offsets and centroids of one precision.
  struct Tables {
    Image image;
    bool has_offset = false;
    /// What the descriptor carries: 0 for exact accumulators.
    std::int32_t rounding_exponent = 0;
  };

  LayerShape shape;
  Image weights;
  std::map<unsigned, Tables> tables;  ///< by precision
  std::vector<unsigned> served;       ///< the precisions, in ascending order
};

LayerImages make_layer_images(const Layer& layer, const HardwareConfig& hardware);

/// Where the images of one descriptor are.
struct ImageAddresses {
  std::uint64_t weights = 0;
  std::uint64_t scales = 0;  ///< of the precision
  std::uint64_t activations = 0;
  std::uint64_t outputs = 0;
};

/// One descriptor's share of a call.
struct TokenBatch {
  unsigned bits = 0;
  OutputFormat format = OutputFormat::binary32;
  std::uint32_t tokens = 0;  ///< at most `tokens` of the configuration
  std::uint32_t activations_stripe = 0;
};

/// The descriptor of a batch; it asks for the interrupt.
Descriptor make_descriptor(const LayerImages& layer, const TokenBatch& batch,
                           const ImageAddresses& addresses);

}  // namespace bitloom::sim
