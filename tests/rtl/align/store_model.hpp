// SPDX-License-Identifier: Apache-2.0
// The Verilated models of bl_align_store and what they were built for (CMakeLists.txt).
#pragma once

#include <VStore128x13x3/VStore128x13x3.h>
#include <VStore128x16x4/VStore128x16x4.h>
#include <VStore16x8x16/VStore16x8x16.h>
#include <VStore32x24x4/VStore32x24x4.h>
#include <VStore64x12x1/VStore64x12x1.h>
#include <VStore8x11x1/VStore8x11x1.h>

namespace bitloom::rtl {

struct StoreSizes {
  unsigned columns;
  unsigned mantissa_bits;
  unsigned tokens;
  unsigned max_k;
  unsigned line_bits;
  bool two_pass;  // every job is read twice

  [[nodiscard]] unsigned depth() const { return max_k / columns; }
  [[nodiscard]] unsigned segments() const { return columns > 32 ? columns / 32 : 1; }
  [[nodiscard]] unsigned slice_bits() const { return columns * 16; }
};

template <class Model>
inline constexpr StoreSizes kSizes{};
template <>
inline constexpr StoreSizes kSizes<VStore8x11x1>{8, 11, 1, 768, 64, false};
template <>
inline constexpr StoreSizes kSizes<VStore16x8x16>{16, 8, 16, 1536, 256, true};
template <>
inline constexpr StoreSizes kSizes<VStore32x24x4>{32, 24, 4, 1280, 2048, false};
template <>
inline constexpr StoreSizes kSizes<VStore64x12x1>{64, 12, 1, 768, 64, true};
template <>
inline constexpr StoreSizes kSizes<VStore128x13x3>{128, 13, 3, 1024, 2048, true};
template <>
inline constexpr StoreSizes kSizes<VStore128x16x4>{128, 16, 4, 1280, 16384, false};

}  // namespace bitloom::rtl
