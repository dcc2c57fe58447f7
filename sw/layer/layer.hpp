// SPDX-License-Identifier: Apache-2.0
// Value types that every part of bitloom exchanges: a quantized layer, activations, outputs, and
// the arithmetic parameters of the contract (docs/arithmetic.md). No behaviour beyond derived
// sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bitloom {

/// An IEEE 754 binary16 value as its bit pattern.
struct Half {
  std::uint16_t bits = 0;
  friend bool operator==(Half, Half) = default;
};

enum class Mode : std::uint8_t { bcq, codebook };

enum class OutputFormat : std::uint8_t { binary32, binary16 };

/// The accumulator of a configuration: exact, or narrow with `bits` in 32..128 (bits = 0: exact).
struct Accumulator {
  unsigned bits = 0;
  [[nodiscard]] bool exact() const { return bits == 0; }
  friend bool operator==(Accumulator, Accumulator) = default;
};

/// The two configuration keys that change result bits.
struct Arithmetic {
  unsigned mantissa_bits = 16;  ///< sign included, 8..24
  Accumulator accumulator;
  friend bool operator==(Arithmetic, Arithmetic) = default;
};

/// Scales and offsets, or centroids, of one served precision b.
struct PrecisionTables {
  std::vector<Half> alpha;     ///< BCQ: [M, groups, b]
  std::vector<Half> beta;      ///< BCQ: [M, groups]; empty = no offsets
  std::vector<Half> codebook;  ///< codebook mode: [M, 2^b]
};

/// A layer without its weights: what sizes, limits and memory images follow from.
struct LayerShape {
  std::string name;
  Mode mode = Mode::bcq;
  std::uint32_t m = 0;           ///< output rows
  std::uint32_t k = 0;           ///< input columns, at most 2^20
  std::uint32_t group_size = 0;  ///< 32, 64, 128, 256; 0 = one group per row
  std::uint32_t plane_count = 0;

  /// Columns per group: the group size, or K for one group per row.
  [[nodiscard]] std::uint32_t group_columns() const { return group_size == 0 ? k : group_size; }
  [[nodiscard]] std::uint32_t groups() const { return (k + group_columns() - 1) / group_columns(); }
  /// K padded to whole groups (Kp).
  [[nodiscard]] std::uint32_t padded_k() const { return groups() * group_columns(); }
  [[nodiscard]] std::size_t row_bytes() const { return (std::size_t{k} + 7) / 8; }
};

/// What a layer holds, without its bits.
struct LayerOutline : LayerShape {
  /// The precisions that the layer serves, and whether each has offsets (BCQ).
  std::map<unsigned, bool> precisions;

  [[nodiscard]] const LayerShape& shape() const { return *this; }
  /// The precisions that the layer serves, in ascending order.
  [[nodiscard]] std::vector<unsigned> served() const {
    std::vector<unsigned> bits;
    for (const auto& [b, offsets] : precisions) bits.push_back(b);
    return bits;
  }
};

/// A quantized linear layer as the interchange file holds it (docs/formats.md).
struct Layer : LayerShape {
  std::vector<std::uint8_t> planes;  ///< [plane_count, M, ceil(K/8)], LSB first within a byte
  std::map<unsigned, PrecisionTables> precisions;

  [[nodiscard]] const LayerShape& shape() const { return *this; }
  [[nodiscard]] LayerOutline outline() const {
    LayerOutline outline{shape(), {}};
    for (const auto& [b, tables] : precisions) outline.precisions[b] = !tables.beta.empty();
    return outline;
  }
  /// Bit of plane p at row r, column k.
  [[nodiscard]] bool bit(std::uint32_t p, std::uint32_t r, std::uint32_t column) const {
    const std::size_t byte = (std::size_t{p} * m + r) * row_bytes() + column / 8;
    return ((planes[byte] >> (column % 8)) & 1U) != 0;
  }
  [[nodiscard]] std::vector<unsigned> served() const { return outline().served(); }
};

/// T token vectors, [T, K] row-major.
struct Activations {
  std::uint32_t tokens = 0;
  std::uint32_t k = 0;
  std::vector<Half> x;
};

/// [T, M] results as bit patterns; a binary16 pattern stands in the low half of its word.
struct Outputs {
  OutputFormat format = OutputFormat::binary32;
  std::uint32_t tokens = 0;
  std::uint32_t m = 0;
  std::vector<std::uint32_t> bits;
  friend bool operator==(const Outputs&, const Outputs&) = default;
};

inline constexpr std::uint32_t kMaxColumns = 1U << 20;
inline constexpr unsigned kMaxBits = 8;
inline constexpr std::uint32_t kQuietNan32 = 0x7FC00000U;
inline constexpr std::uint32_t kQuietNan16 = 0x7E00U;

}  // namespace bitloom
