// SPDX-License-Identifier: Apache-2.0
// The two foreign layouts of quantized layers (docs/checkpoints.md): AnyBCQ's and that of
// Any-Precision LLM. Each says which tensors a layer has and what their bytes mean; folders,
// configurations and containers are packed_checkpoint.cpp's matter.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sw/io/safetensors.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// What config.json says of all layers at once.
struct PackedSettings {
  unsigned seed = 0;             ///< lowest precision served
  unsigned parent = 0;           ///< highest precision served: the number of planes
  std::uint32_t group_size = 0;  ///< as in LayerShape
};

struct PackedShape {
  std::uint64_t planes = 0;
  std::uint64_t m = 0;
  std::uint64_t words = 0;  ///< per row: K / 32
};

/// Bytes of a layer's tensors by the end of their names, for example "alpha_2".
using PackedTensors = std::map<std::string, std::vector<std::uint8_t>>;

class PackedFormat {
 public:
  PackedFormat() = default;
  PackedFormat(const PackedFormat&) = delete;
  PackedFormat& operator=(const PackedFormat&) = delete;
  virtual ~PackedFormat() = default;

  /// The format's name, for messages, and its section in config.json.
  [[nodiscard]] virtual const char* title() const = 0;
  [[nodiscard]] virtual const char* section() const = 0;
  [[nodiscard]] virtual Mode mode() const = 0;

  /// The extents of a `qweight`, which has three.
  [[nodiscard]] virtual PackedShape shape_of(const Shape& qweight) const = 0;

  /// The tensors of a layer, by the ends of their names, `qweight` first.
  [[nodiscard]] virtual std::vector<TensorSpec> tensors(const LayerOutline& layer) const = 0;

  /// Tensors that the original's modules have and do not use; written as 0.
  [[nodiscard]] virtual std::vector<TensorSpec> unused_tensors(const LayerOutline& layer) const = 0;

  /// A layer from the bytes of tensors(), and the reverse.
  [[nodiscard]] virtual Layer unpack(const LayerOutline& layer,
                                     const PackedTensors& tensors) const = 0;
  [[nodiscard]] virtual PackedTensors pack(const Layer& layer) const = 0;
};

const PackedFormat& anybcq_format();
const PackedFormat& anyprec_format();

/// Columns per 32-bit word of a qweight: K is a multiple of it in both formats.
inline constexpr std::uint32_t kWordColumns = 32;

}  // namespace bitloom
