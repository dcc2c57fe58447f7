// SPDX-License-Identifier: Apache-2.0
// How a call is divided over a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/tiled/tiles.hpp"
#include "sw/contract/host_device.hpp"

namespace bitloom::kernels::tiled {

enum class CoreKind : std::uint8_t { bits, bytes, tables };  ///< cores.hpp; tables: one token

struct Plan {
  CoreKind core = CoreKind::bits;
  unsigned warps = 8;   ///< of a block, at most 8
  unsigned stages = 4;  ///< of a warp's ring, 2 or 4
  unsigned ranges = 1;  ///< of columns (split K), at most the pairs
  unsigned row_blocks = 1;

  friend bool operator==(const Plan&, const Plan&) = default;
};

/// What a plan depends on.
struct Problem {
  std::uint32_t row_tiles = 0;
  std::uint32_t pairs = 0;
  std::uint32_t tokens = 0;       ///< 1..16
  unsigned digits = 2;            ///< bytes of a mantissa, 2 or 3
  std::uint32_t pair_blocks = 2;  ///< blocks of columns with their own scale in a pair
  std::size_t stage_bytes = 0;    ///< planes and terms of a pair
  unsigned multiprocessors = 0;
  std::size_t shared_limit = 0;  ///< bytes that a block may have
};

/// Tokens that a core's operand has room for: 1, 2 or 4 (bits), 8 or 16 (bytes), 1 (tables).
unsigned core_tokens(CoreKind core, std::uint32_t tokens);

/// Bytes of a range of `pairs` aligned for a core: its operand, sum and shift of every block of
/// columns, three words for every token; whole 16 bytes.
BL_HD constexpr std::size_t aligned_bytes(std::size_t operand_step_bytes, unsigned core_tokens,
                                          std::uint32_t pairs, std::uint32_t pair_blocks) {
  const std::size_t operand = 2 * pairs * operand_step_bytes;
  const std::size_t blocks = std::size_t{2} * core_tokens * pairs * pair_blocks;
  return (operand + 4 * (blocks + 3 * std::size_t{kMaxTokens}) + 15) / 16 * 16;
}

/// Bytes of a core's operand for a step of 128 columns, 4 Core::kStepWords: a byte for every digit
/// of every mantissa, or 16 sums for every four columns.
std::size_t operand_step_bytes(CoreKind core, std::uint32_t tokens, unsigned digits);

/// Bytes of shared memory of a block.
std::size_t shared_bytes(const Problem& problem, const Plan& plan);

/// Binary tensor cores up to four tokens, bytes from there on; eight warps and four stages where
/// two such blocks fit a multiprocessor, less where not; the division whose slowest multiprocessor
/// moves the fewest bytes. Throws std::invalid_argument where nothing fits, which no layer of the
/// contract on a GPU from compute capability 8.0 on causes.
Plan make_plan(const Problem& problem);

/// For records: "bits w8 s4 r2 b224".
std::string name_of(const Plan& plan);

}  // namespace bitloom::kernels::tiled
