// SPDX-License-Identifier: Apache-2.0
// The ways to multiply 16 rows x 128 columns of a bit-plane (0 or 1) with aligned mantissas. A core
// says how the mantissas lie in shared memory, and which part of the sums of which tokens a lane
// holds.
//
// kDigits is the number of bytes of two's complement that a mantissa takes, 2 for up to 16 bits, 3
// for up to 24. The tensor cores take mantissas apart into these digits, of which the last is
// signed.
#pragma once

#include <cstdint>

#include "kernels/platform/platform.hpp"
#include "kernels/tiled/tiles.hpp"

namespace bitloom::kernels::BL_PLATFORM {

/// The eight mantissas that one lane aligns, columns 8 i .. 8 i + 7 of a step (i = 0..15).
struct Mantissas {
  std::int32_t m[8];
};

/// Transposes the 8 x 8 bits whose row i is byte i and whose column j is bit j of a byte.
/// Source: H. S. Warren, Hacker's Delight, 2nd ed., section 7-3.
BL_DEVICE std::uint64_t transpose_bits(std::uint64_t x) {
  std::uint64_t swap = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAU;
  x ^= swap ^ (swap << 7);
  swap = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCU;
  x ^= swap ^ (swap << 14);
  swap = (x ^ (x >> 28)) & 0x00000000F0F0F0F0U;
  return x ^ swap ^ (swap << 28);
}

/// Binary tensor cores: the columns of B are the bit-planes of the mantissas, a digit of a token
/// for each instruction. Lane q of a row holds the sums of bits 2q and 2q + 1 of every digit of all
/// tokens, so that sum(token) = sum over its four lanes of 4^q * local.
/// Per step and plane: kTokens * kDigits instructions.
template <unsigned tokens, unsigned digits>
struct BitCore {
  static constexpr unsigned kTokens = tokens;      // that the operand has room for
  static constexpr unsigned kLaneTokens = tokens;  // that a lane holds sums of
  static constexpr unsigned kDigits = digits;
  static constexpr unsigned kStepWords = tokens * digits * kWarp;
  static constexpr bool kLanesShareRow = true;

  BL_DEVICE static unsigned token(unsigned /*q*/, unsigned i) { return i; }
  BL_DEVICE static unsigned lane_shift(unsigned q) { return 2 * q; }

  BL_DEVICE static void store(std::uint32_t* step, unsigned token, unsigned i,
                              const Mantissas& from) {
    BL_UNROLL
    for (unsigned d = 0; d < digits; ++d) {
      std::uint64_t bytes = 0;
      BL_UNROLL
      for (unsigned j = 0; j < 8; ++j)
        bytes |= std::uint64_t{static_cast<std::uint8_t>(from.m[j] >> (8 * d))} << (8 * j);
      bytes = transpose_bits(bytes);
      auto* to = reinterpret_cast<std::uint8_t*>(step + (token * digits + d) * kWarp);
      BL_UNROLL
      for (unsigned bit = 0; bit < 8; ++bit)
        to[(4 * bit + i / 4) * 4 + i % 4] = static_cast<std::uint8_t>(bytes >> (8 * bit));
    }
  }

  struct Operand {
    std::uint32_t words[tokens * digits];
  };
  BL_DEVICE static Operand load(const std::uint32_t* step, unsigned lane) {
    Operand operand{};
    BL_UNROLL
    for (unsigned i = 0; i < tokens * digits; ++i) operand.words[i] = step[i * kWarp + lane];
    return operand;
  }

  /// local[i][half] for the rows g (half 0) and g + 8 whose bits are a0 and a1.
  BL_DEVICE static void multiply(const Operand& operand, unsigned q, std::uint32_t a0,
                                 std::uint32_t a1, std::int32_t (&local)[kLaneTokens][2]) {
    const std::int32_t top = q == 3 ? -2 : 2;  // bit 7 of the last digit is the sign
    BL_UNROLL
    for (unsigned t = 0; t < tokens; ++t) {
      local[t][0] = local[t][1] = 0;
      BL_UNROLL
      for (unsigned d = 0; d < digits; ++d) {
        Fragment tile;
        mma_b1(tile, a0, a1, operand.words[t * digits + d]);
        const std::int32_t odd = d + 1 == digits ? top : 2;
        local[t][0] += (tile.c[0] + odd * tile.c[1]) * (1 << (8 * d));
        local[t][1] += (tile.c[2] + odd * tile.c[3]) * (1 << (8 * d));
      }
    }
  }
};

/// Byte tensor cores: the columns of B are tokens, eight and a digit for each instruction; the bits
/// of A become bytes. Lane q of a row holds the whole sums of tokens 2q and 2q + 1 of every eight.
/// Per step and plane: 4 * kDigits instructions for every eight tokens.
template <unsigned eights, unsigned digits>
struct ByteCore {
  static constexpr unsigned kTokens = 8 * eights;
  static constexpr unsigned kLaneTokens = 2 * eights;
  static constexpr unsigned kDigits = digits;
  static constexpr unsigned kStepWords = eights * digits * 8 * kWarp;
  static constexpr bool kLanesShareRow = false;

  BL_DEVICE static unsigned token(unsigned q, unsigned i) { return 8 * (i / 2) + 2 * q + i % 2; }
  BL_DEVICE static unsigned lane_shift(unsigned /*q*/) { return 0; }

  // Bit j of a byte of a row's word goes to instruction j / 2; the digits that meet it are word j
  // of eight, which are kept as [half of 2][lane][word of 4] so that a lane loads 16 bytes at once.
  BL_DEVICE static void store(std::uint32_t* step, unsigned token, unsigned i,
                              const Mantissas& from) {
    const unsigned lane = token % 8 * 4 + i / 4;
    BL_UNROLL
    for (unsigned d = 0; d < digits; ++d) {
      auto* to = reinterpret_cast<std::uint8_t*>(step + (token / 8 * digits + d) * 8 * kWarp);
      BL_UNROLL
      for (unsigned j = 0; j < 8; ++j)
        to[((j / 4 * kWarp + lane) * 4 + j % 4) * 4 + i % 4] =
            static_cast<std::uint8_t>(from.m[j] >> (8 * d));
    }
  }

  struct Operand {
    const std::uint32_t* lane;
  };
  BL_DEVICE static Operand load(const std::uint32_t* step, unsigned lane) {
    return {step + 4 * lane};
  }

  BL_DEVICE static void multiply(const Operand& operand, unsigned /*q*/, std::uint32_t a0,
                                 std::uint32_t a1, std::int32_t (&local)[kLaneTokens][2]) {
    constexpr std::uint32_t kOnes = 0x01010101;
    Fragment tiles[eights][digits];
    BL_UNROLL
    for (unsigned half = 0; half < 2; ++half) {
      std::uint32_t a[2][4];
      BL_UNROLL
      for (unsigned j = 0; j < 4; ++j) {
        a[j / 2][j % 2 * 2] = (a0 >> (4 * half + j)) & kOnes;
        a[j / 2][j % 2 * 2 + 1] = (a1 >> (4 * half + j)) & kOnes;
      }
      BL_UNROLL
      for (unsigned e = 0; e < eights; ++e) {
        BL_UNROLL
        for (unsigned d = 0; d < digits; ++d) {
          const Words4 b = *reinterpret_cast<const Words4*>(
              operand.lane + ((e * digits + d) * 2 + half) * 4 * kWarp);
          if (d + 1 == digits) {
            mma_s8(tiles[e][d], a[0], b.x, b.y);
            mma_s8(tiles[e][d], a[1], b.z, b.w);
          } else {
            mma_u8(tiles[e][d], a[0], b.x, b.y);
            mma_u8(tiles[e][d], a[1], b.z, b.w);
          }
        }
      }
    }
    BL_UNROLL
    for (unsigned i = 0; i < kLaneTokens; ++i) {
      BL_UNROLL
      for (unsigned half = 0; half < 2; ++half) {
        local[i][half] = 0;
        BL_UNROLL
        for (unsigned d = 0; d < digits; ++d)
          local[i][half] += tiles[i / 2][d].c[2 * half + i % 2] * (1 << (8 * d));
      }
    }
  }
};

/// Integer look-up tables in shared memory, after LUT-GEMM (Park et al., ICLR 2024, section 4): 16
/// sums for every four columns. Lane q of a row adds up the eight tables of its 32 columns. One
/// token; the design that the tensor cores are compared with (docs/gpu.md). Per step and plane: 16
/// look-ups of a lane.
template <unsigned digits>
struct TableCore {
  static constexpr unsigned kTokens = 1;
  static constexpr unsigned kLaneTokens = 1;
  static constexpr unsigned kDigits = digits;
  static constexpr unsigned kTables = tiled::kStepColumns / 4;
  static constexpr unsigned kEntries = 16;
  static constexpr unsigned kStepWords = kTables * kEntries;
  static constexpr bool kLanesShareRow = true;

  BL_DEVICE static unsigned token(unsigned /*q*/, unsigned /*i*/) { return 0; }
  BL_DEVICE static unsigned lane_shift(unsigned /*q*/) { return 0; }

  // The tables of columns 8 i and 8 i + 4; entry e is the sum of the columns whose bits are set in
  // e.
  BL_DEVICE static void store(std::uint32_t* step, unsigned /*token*/, unsigned i,
                              const Mantissas& from) {
    auto* table = reinterpret_cast<std::int32_t*>(step) + 2 * i * kEntries;
    BL_UNROLL
    for (unsigned nibble = 0; nibble < 2; ++nibble) {
      BL_UNROLL
      for (unsigned entry = 0; entry < kEntries; ++entry) {
        std::int32_t sum = 0;
        BL_UNROLL
        for (unsigned j = 0; j < 4; ++j)
          if ((entry >> j & 1) != 0) sum += from.m[4 * nibble + j];
        table[nibble * kEntries + entry] = sum;
      }
    }
  }

  struct Operand {
    const std::int32_t* tables;
  };
  BL_DEVICE static Operand load(const std::uint32_t* step, unsigned lane) {
    return {reinterpret_cast<const std::int32_t*>(step) + lane % 4 * (kTables / 4) * kEntries};
  }

  BL_DEVICE static void multiply(const Operand& operand, unsigned q, std::uint32_t a0,
                                 std::uint32_t a1, std::int32_t (&local)[kLaneTokens][2]) {
    local[0][0] = local[0][1] = 0;
    BL_UNROLL
    for (unsigned i = 0; i < kTables / 4; ++i) {
      const unsigned n = i ^ (q & 1);  // so that the lanes of a row reach all banks
      const std::int32_t* table = operand.tables + n * kEntries;
      local[0][0] += table[a0 >> (4 * n) & 15];
      local[0][1] += table[a1 >> (4 * n) & 15];
    }
  }
};

}  // namespace bitloom::kernels::BL_PLATFORM
