// SPDX-License-Identifier: Apache-2.0
// The tiled kernel: y = W x by tensor cores, exact, one launch for up to 16 tokens.
//
// The sum of a block of columns (up to 128) with the exponent E_g is, for a row,
//
//   BCQ       sum_i alpha_i (2 P_i - S) + beta S  =  2 sum_i alpha_i P_i + (beta - sum_i alpha_i) S
//   codebook  sum_c C_c P_c
//
// where P is the sum of the mantissas at the set bits of plane i, or of the columns with code c,
// and S that of all mantissas. Everything is an integer: scales count TileTable::unit, mantissas
// 2^(E_g-(MB-2)), and a range's sum the least unit of its groups. 64 bits hold it unless scales or
// exponents lie far apart (narrow_is_exact()); 128 bits always do.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/platform/platform.hpp"
#include "kernels/tiled/align.hpp"
#include "kernels/tiled/call.hpp"
#include "kernels/tiled/cores.hpp"
#include "sw/contract/fixed.hpp"
#include "sw/contract/half.hpp"
#include "sw/contract/round.hpp"

namespace bitloom::kernels::BL_PLATFORM {

using contract::Fixed;

// ---- Integers -----------------------------------------------------------------------------------

/// What scales may have so that 32 bits hold the offset less the sum of up to eight.
inline constexpr int kNarrowTableBits = 26;

/// Whether 64 bits hold a lane's sum over a range: terms of a block times blocks, each a scale
/// below 2^table_bits times the mantissas of 128 columns in kDigits bytes, shifted by at most
/// `spread`.
BL_HD constexpr bool narrow_is_exact(const TiledCall& call, unsigned digits, std::uint32_t blocks,
                                     int spread) {
  const int product = call.table_bits + 8 * static_cast<int>(digits) + 7 + 1;  // 2 P alpha
  const int terms = contract::bit_width(std::uint64_t{2} * (call.terms + 1) * blocks);
  return call.table_bits <= kNarrowTableBits && product + terms + spread <= 63;
}

/// A scale as an integer, in units of table_unit (narrow) or 2^-24 (wide).
template <bool wide>
struct Scale {
  using Number = std::conditional_t<wide, std::int64_t, std::int32_t>;
  using Sum = std::conditional_t<wide, Fixed, std::int64_t>;

  float factor = 0;  // narrow: 2^-table_unit

  BL_DEVICE explicit Scale(const TiledCall& call) {
    const auto exponent = static_cast<std::uint32_t>(127 - call.table_unit);  // 127-15..127+24
    const std::uint32_t bits = exponent << 23;
    memcpy(&factor, &bits, sizeof factor);
  }

  [[nodiscard]] BL_DEVICE Number integer(std::uint16_t bits) const {
    if constexpr (wide) {
      return contract::units(Half{bits});
    } else {
      return static_cast<std::int32_t>(half_value(bits) * factor);  // exact: eleven digits
    }
  }

  BL_DEVICE static int unit(const TiledCall& call) { return wide ? -24 : call.table_unit; }
};

/// Beyond every exact sum (below 2^56 in units of 2^-48): what a token with a NaN or Inf adds.
inline constexpr int kNanBit = 112;

/// sum * 2^unit as a Fixed; it is a multiple of 2^-48.
template <class Sum>
BL_DEVICE Fixed to_fixed(Sum sum, int unit) {
  const int shift = unit - contract::kFixedUnit;
  const Fixed wide = sum;
  return shift >= 0 ? wide << shift : wide >> -shift;
}

// ---- A warp's share, and its ring of pairs ----------------------------------------------------

/// What a warp works on: a range of pairs of every row tile from `tile` on, `stride` apart.
struct Share {
  unsigned row_block;
  unsigned range;
  std::uint32_t first_pair;
  std::uint32_t pairs;
  std::uint32_t tile;
  std::uint32_t tile_end;
  std::uint32_t stride;

  BL_DEVICE explicit Share(const TiledCall& call)
      : row_block(block_index() / call.ranges),
        range(block_index() % call.ranges),
        first_pair(range_begin(call.pairs, call.ranges, range)),
        pairs(range_begin(call.pairs, call.ranges, range + 1) - first_pair),
        tile(range_begin(call.row_tiles, call.row_blocks, row_block) + thread_index() / kWarp),
        tile_end(range_begin(call.row_tiles, call.row_blocks, row_block + 1)),
        stride(block_threads() / kWarp) {}
};

/// Planes and terms of the pairs of a share, copied ahead of their use.
class Ring {
 public:
  /// Starts the first copies.
  BL_DEVICE Ring(const TiledCall& call, const Share& share, std::uint8_t* memory)
      : call_(call),
        share_(share),
        begin_(memory),
        end_(memory + call.stages * stage_bytes(call)),
        read_(memory),
        write_(memory),
        tile_(share.tile) {
    find_tile();
    for (unsigned i = 0; i + 1 < call.stages; ++i) fetch();
  }

  /// The next pair; the one before must not be read any more.
  BL_DEVICE const std::uint8_t* next() {
    if (call_.stages == 4)
      wait_copies<2>();
    else
      wait_copies<0>();
    warp_barrier();  // everybody's copies are there, and nobody reads the pair before
    const std::uint8_t* pair = read_;
    read_ = after(read_);
    fetch();
    return pair;
  }

 private:
  BL_DEVICE std::uint8_t* after(std::uint8_t* stage) const {
    stage += stage_bytes(call_);
    return stage == end_ ? begin_ : stage;
  }

  // This lane's 16 bytes of the first plane, and of the terms, of the row tile's first pair.
  BL_DEVICE void find_tile() {
    const unsigned at = thread_index() % kWarp * 16;
    const std::size_t pair = std::size_t{tile_} * call_.pairs + share_.first_pair;
    planes_ = reinterpret_cast<const std::uint8_t*>(call_.planes) + pair * kPairPlaneBytes + at;
    const std::size_t group = std::size_t{tile_} * call_.table_groups +
                              (call_.table_groups == 1 ? 0 : share_.first_pair * call_.pair_groups);
    terms_ = reinterpret_cast<const std::uint8_t*>(call_.table) +
             group * call_.terms * tiled::kTermBytes + at;
  }

  // Starts the copies of one pair, or of none behind the last: a group all the same.
  BL_DEVICE void fetch() {
    if (tile_ < share_.tile_end) {
      const unsigned at = thread_index() % kWarp * 16;
      const std::size_t plane_bytes = std::size_t{call_.row_tiles} * call_.pairs * kPairPlaneBytes;
      const std::uint8_t* from = planes_;
      std::uint8_t* to = write_ + at;
      for (unsigned plane = 0; plane < call_.bits; ++plane) {
        copy_async(to, from);
        from += plane_bytes;
        to += kPairPlaneBytes;
      }
      for (std::uint32_t i = 0; at + i < pair_table_bytes(call_); i += kWarp * 16)
        copy_async(to + i, terms_ + i);
      write_ = after(write_);
      planes_ += kPairPlaneBytes;
      if (call_.table_groups != 1) terms_ += pair_table_bytes(call_);
      if (++pair_ == share_.pairs) {
        pair_ = 0;
        tile_ += share_.stride;
        find_tile();
      }
    }
    commit_copies();
  }

  static constexpr std::uint32_t kPairPlaneBytes = 2 * tiled::kStepBytes;

  const TiledCall& call_;
  const Share& share_;
  std::uint8_t* begin_;
  std::uint8_t* end_;
  std::uint8_t* read_;
  std::uint8_t* write_;
  std::uint32_t tile_;      // of the next fetch
  std::uint32_t pair_ = 0;  // within the share
  const std::uint8_t* planes_ = nullptr;
  const std::uint8_t* terms_ = nullptr;
};

// ---- A block of columns -------------------------------------------------------------------------

/// Rows g and g + 8 of a plane in a step, as this lane has them.
BL_DEVICE Words2 plane_words(const std::uint8_t* pair, unsigned plane, unsigned step,
                             unsigned lane) {
  return *reinterpret_cast<const Words2*>(pair + (2 * plane + step) * tiled::kStepBytes + 8 * lane);
}

/// One term of rows g and g + 8.
BL_DEVICE std::uint32_t term_halves(const std::uint8_t* terms, unsigned term, unsigned g) {
  return *reinterpret_cast<const std::uint32_t*>(terms + term * tiled::kTermBytes + 4 * g);
}

/// The bits of a lane, or none where its columns are not of the block.
BL_DEVICE Words2 masked(Words2 a, bool in_block) { return in_block ? a : Words2{0, 0}; }

/// Bits at the columns whose code is `code`. planes: the call's, the most significant first.
BL_DEVICE Words2 one_hot(const Words2 (&planes)[tiled::kMaxCodebookBits], unsigned bits,
                         unsigned code) {
  Words2 hot{~0U, ~0U};
  BL_UNROLL
  for (unsigned p = 0; p < tiled::kMaxCodebookBits; ++p) {
    if (p >= bits) break;
    const std::uint32_t flip = ((code >> (bits - 1 - p)) & 1) - 1;  // all ones for a 0
    hot.x &= planes[p].x ^ flip;
    hot.y &= planes[p].y ^ flip;
  }
  return hot;
}

/// Adds scale * P for both rows and all tokens of this lane.
template <class Core, bool wide>
BL_DEVICE void add_term(const typename Core::Operand& operand, unsigned q, Words2 a,
                        typename Scale<wide>::Number low, typename Scale<wide>::Number high,
                        typename Scale<wide>::Sum (&sum)[Core::kLaneTokens][2]) {
  using Sum = typename Scale<wide>::Sum;
  std::int32_t local[Core::kLaneTokens][2];
  Core::multiply(operand, q, a.x, a.y, local);
  BL_UNROLL
  for (unsigned t = 0; t < Core::kLaneTokens; ++t) {
    sum[t][0] += Sum{low} * local[t][0];
    sum[t][1] += Sum{high} * local[t][1];
  }
}

/// What a lane sees of the block that it works on.
struct BlockView {
  const std::uint8_t* pair;   // planes in shared memory
  const std::uint8_t* terms;  // of the block's group
  unsigned step;
  bool in_block;  // the lane's columns belong to it
};

template <class Core, bool wide>
BL_DEVICE void bcq_block(const TiledCall& call, const Scale<wide>& scale, const BlockView& block,
                         const typename Core::Operand& operand,
                         const std::int32_t (&all)[Core::kLaneTokens],
                         typename Scale<wide>::Sum (&sum)[Core::kLaneTokens][2]) {
  using Sum = typename Scale<wide>::Sum;
  const unsigned lane = thread_index() % kWarp;
  typename Scale<wide>::Number rest[2] = {0, 0};  // beta - sum of alpha
  for (unsigned i = 0; i < call.bits; ++i) {
    const std::uint32_t halves = term_halves(block.terms, i, lane / 4);
    const auto low = scale.integer(static_cast<std::uint16_t>(halves));
    const auto high = scale.integer(static_cast<std::uint16_t>(halves >> 16));
    rest[0] -= low;
    rest[1] -= high;
    add_term<Core, wide>(operand, lane % 4,
                         masked(plane_words(block.pair, i, block.step, lane), block.in_block), low,
                         high, sum);
  }
  if (call.offsets) {
    const std::uint32_t halves = term_halves(block.terms, call.bits, lane / 4);
    rest[0] += scale.integer(static_cast<std::uint16_t>(halves));
    rest[1] += scale.integer(static_cast<std::uint16_t>(halves >> 16));
  }
  BL_UNROLL
  for (unsigned t = 0; t < Core::kLaneTokens; ++t) {
    sum[t][0] = 2 * sum[t][0] + Sum{rest[0]} * all[t];
    sum[t][1] = 2 * sum[t][1] + Sum{rest[1]} * all[t];
  }
}

template <class Core, bool wide>
BL_DEVICE void codebook_block(const TiledCall& call, const Scale<wide>& scale,
                              const BlockView& block, const typename Core::Operand& operand,
                              typename Scale<wide>::Sum (&sum)[Core::kLaneTokens][2]) {
  const unsigned lane = thread_index() % kWarp;
  Words2 planes[tiled::kMaxCodebookBits] = {};
  BL_UNROLL
  for (unsigned p = 0; p < tiled::kMaxCodebookBits; ++p)
    if (p < call.bits) planes[p] = plane_words(block.pair, p, block.step, lane);
  for (unsigned code = 0; code < call.terms; ++code) {
    const std::uint32_t halves = term_halves(block.terms, code, lane / 4);
    add_term<Core, wide>(operand, lane % 4,
                         masked(one_hot(planes, call.bits, code), block.in_block),
                         scale.integer(static_cast<std::uint16_t>(halves)),
                         scale.integer(static_cast<std::uint16_t>(halves >> 16)), sum);
  }
}

// ---- A block of threads -------------------------------------------------------------------------

/// Rounds and writes an output; its first row says whether the token is NaN.
BL_DEVICE void write_output(const TiledCall& call, std::uint32_t token, std::uint32_t row,
                            Fixed sum) {
  const bool nan = (sum >> (kNanBit - 1)) > 0;
  call.y[std::size_t{token} * call.m + row] =
      nan ? contract::quiet_nan(call.format) : contract::round_output(sum, call.format);
  if (row == 0) call.nan_tokens[token] = nan ? 1 : 0;
}

BL_DEVICE std::size_t partial_index(const TiledCall& call, unsigned range, std::uint32_t token,
                                    std::uint32_t row) {
  return (std::size_t{range} * call.tokens + token) * call.m + row;
}

BL_DEVICE void store_part(Words4* to, Fixed sum) {
  Words4 words{};  // for one store of 16 bytes
  memcpy(&words, &sum, sizeof words);
  *to = words;
}

/// Takes the sum of a range for one output.
BL_DEVICE void put(const TiledCall& call, unsigned range, std::uint32_t token, std::uint32_t row,
                   Fixed sum) {
  if (token >= call.tokens || row >= call.m) return;
  if (call.ranges == 1)
    write_output(call, token, row, sum);
  else
    store_part(call.partial + partial_index(call, range, token, row), sum);
}

template <class Core, Mode mode, bool wide>
BL_DEVICE void dot_rows(const TiledCall& call, const Share& share, const AlignedRange& aligned,
                        Ring& ring) {
  using Sum = typename Scale<wide>::Sum;
  const unsigned lane = thread_index() % kWarp;
  const unsigned q = lane % 4;
  const std::uint32_t step_blocks = pair_blocks(call.group_columns) / 2;
  const unsigned block_lanes = 4 / step_blocks;  // of a row
  const Scale<wide> scale(call);

  for (std::uint32_t tile = share.tile; tile < share.tile_end; tile += share.stride) {
    Sum total[Core::kLaneTokens][2] = {};
    for (std::uint32_t pair = 0; pair < share.pairs; ++pair) {
      const std::uint8_t* stage = ring.next();
      for (unsigned step = 0; step < 2; ++step) {
        const auto operand =
            Core::load(aligned.operand + (2 * pair + step) * Core::kStepWords, lane);
        for (unsigned b = 0; b < step_blocks; ++b) {
          const unsigned in_pair = step * step_blocks + b;
          const unsigned group = call.pair_groups == 1 ? 0 : in_pair;
          const BlockView block{
              stage, stage + pair_plane_bytes(call) + group * call.terms * tiled::kTermBytes, step,
              q / block_lanes == b};
          std::int32_t all[Core::kLaneTokens];
          std::int32_t shift[Core::kLaneTokens];
          BL_UNROLL
          for (unsigned t = 0; t < Core::kLaneTokens; ++t) {
            const std::uint32_t at =
                (Core::token(q, t) * share.pairs + pair) * 2 * step_blocks + in_pair;
            all[t] = Core::kLanesShareRow && q != 0 ? 0 : aligned.sums[at];
            shift[t] = aligned.shifts[at];
          }
          Sum sum[Core::kLaneTokens][2] = {};
          if constexpr (mode == Mode::bcq)
            bcq_block<Core, wide>(call, scale, block, operand, all, sum);
          else
            codebook_block<Core, wide>(call, scale, block, operand, sum);
          BL_UNROLL
          for (unsigned t = 0; t < Core::kLaneTokens; ++t) {
            total[t][0] += sum[t][0] << shift[t];
            total[t][1] += sum[t][1] << shift[t];
          }
        }
      }
    }
    BL_UNROLL
    for (unsigned t = 0; t < Core::kLaneTokens; ++t) {
      BL_UNROLL
      for (unsigned half = 0; half < 2; ++half) {
        Sum value = total[t][half];
        if constexpr (Core::kLanesShareRow) {
          value <<= Core::lane_shift(q);
          value += shuffle_xor(value, 1);
          value += shuffle_xor(value, 2);
          if (t % 4 != q) continue;  // the four lanes of a row share its tokens
        }
        const std::uint32_t token = Core::token(q, t);
        const int unit = Scale<wide>::unit(call) + aligned.base[token] -
                         (static_cast<int>(call.mantissa_bits) - 2);
        const bool finite = aligned.spread[token] != kNotFinite;
        put(call, share.range, token, tile * tiled::kTileRows + 8 * half + lane / 4,
            finite ? to_fixed(value, unit) : Fixed{1} << kNanBit);
      }
    }
  }
}

/// The last block to come of a row block adds up its ranges.
BL_DEVICE void add_ranges(const TiledCall& call, unsigned row_block) {
  publish();
  block_barrier();
  auto* last = reinterpret_cast<std::uint32_t*>(shared_memory());
  if (thread_index() == 0) *last = arrive(call.arrivals + row_block) + 1 == call.ranges ? 1 : 0;
  block_barrier();
  if (*last == 0) return;
  publish();
  const std::uint32_t rows_begin =
      range_begin(call.row_tiles, call.row_blocks, row_block) * tiled::kTileRows;
  const std::uint32_t tiles_end =
      range_begin(call.row_tiles, call.row_blocks, row_block + 1) * tiled::kTileRows;
  const std::uint32_t rows_end = tiles_end < call.m ? tiles_end : call.m;
  for (std::uint32_t token = 0; token < call.tokens; ++token)
    for (std::uint32_t row = rows_begin + thread_index(); row < rows_end; row += block_threads()) {
      Fixed sum = 0;
      for (unsigned range = 0; range < call.ranges; ++range) {
        const Words4 words = load_fresh(call.partial + partial_index(call, range, token, row));
        Fixed part = 0;
        memcpy(&part, &words, sizeof part);
        sum += part;
      }
      write_output(call, token, row, sum);
    }
  if (thread_index() == 0) call.arrivals[row_block] = 0;
}

template <class Core, Mode mode>
BL_BLOCK_KERNEL tiled_kernel(const BL_GRID_CONSTANT TiledCall call) {
  const Share share(call);
  std::uint8_t* shared = shared_memory();
  const AlignedRange aligned = place_aligned_range<Core>(call, shared);
  std::uint8_t* rings =
      shared + tiled::aligned_bytes(4 * Core::kStepWords, Core::kTokens, range_pairs(call),
                                    pair_blocks(call.group_columns));
  // Weights are under way while the activations are aligned.
  Ring ring(call, share, rings + thread_index() / kWarp * call.stages * stage_bytes(call));
  align_range<Core>(call, share.first_pair, share.pairs, aligned);
  int spread = 0;
  for (std::uint32_t token = 0; token < call.tokens; ++token)
    spread = larger(spread, aligned.spread[token]);
  // Three digits always take 128 bits: a second copy of the code for a rare width is not worth it.
  const std::uint32_t blocks = share.pairs * pair_blocks(call.group_columns);
  if (Core::kDigits == 2 && narrow_is_exact(call, Core::kDigits, blocks, spread))
    dot_rows<Core, mode, Core::kDigits != 2>(call, share, aligned, ring);
  else
    dot_rows<Core, mode, true>(call, share, aligned, ring);
  if (call.ranges > 1) add_ranges(call, share.row_block);
}

}  // namespace bitloom::kernels::BL_PLATFORM
