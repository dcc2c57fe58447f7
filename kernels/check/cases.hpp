// SPDX-License-Identifier: Apache-2.0
// The layer calls of gpu-check. A case is a few numbers from which every machine makes the same
// bits, so that a record of one machine can be compared on another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom::kernels {

/// How activations and tables are drawn.
enum class Data : std::uint8_t {
  usual,      ///< magnitudes around one with rare large values; scales around 2^-6
  any,        ///< any finite binary16 pattern
  subnormal,  ///< subnormals and zeros
  largest,    ///< +-65504 only
  zero_group  ///< usual, but whole groups of activations and some scales are zero
};
inline constexpr std::string_view kDataNames[] = {"usual", "any", "subnormal", "largest",
                                                  "zero_group"};

struct Case {
  std::string name;  ///< unique; says what the fields say
  Mode mode = Mode::bcq;
  bool offsets = false;
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  std::uint32_t group_size = 0;
  unsigned bits = 0;
  std::uint32_t tokens = 1;
  bool nan_token = false;  ///< the second of the tokens holds a NaN or Inf
  Data data = Data::usual;
  Arithmetic arithmetic;
  OutputFormat format = OutputFormat::binary32;
  std::uint64_t seed = 0;
};

struct CaseData {
  Layer layer;
  Activations acts;
};

/// Every LLaMA-7B layer at 2, 3 and 4 bits; the other shapes of LLaMA-3-8B and 70B, both modes, 1,
/// 4 and 16 tokens; and small ragged layers over all modes, group sizes and precisions with
/// mantissa widths, accumulators, formats, numbers of tokens and kinds of data in turn.
std::vector<Case> all_cases();

/// What the host runs in reasonable time, thread by thread: at most 35 million products of a
/// weight's bit (of a code, with codebooks) and an activation, such as 4096 x 4096 at 2 bits.
bool fits_host(const Case& c);

/// What a slow checker of the kernels runs: layers of at most 20,000 weights.
bool is_small(const Case& c);

CaseData make_data(const Case& c);

/// Bytes that the call must read and write at least once: planes, tables, activations, outputs.
std::uint64_t traffic_bytes(const Case& c);

/// The little-endian bytes of y: four per binary32, two per binary16 output.
std::vector<std::uint8_t> output_bytes(const Outputs& y);

}  // namespace bitloom::kernels
