// SPDX-License-Identifier: Apache-2.0
// Descriptors and the jobs that follow from them, counted from the memory images as
// docs/layout.md and docs/descriptor.md describe them: by walking, where an image is a list.
#pragma once

#include <array>
#include <cstdint>

#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

using Words = std::array<std::uint32_t, 16>;

/// What bl_ctrl is built for.
struct Parameters {
  unsigned rows;
  unsigned columns;
  unsigned max_bits;
  unsigned max_codebook_bits;
  unsigned max_k;
  unsigned max_m;
  unsigned tokens;
  unsigned beat;  ///< bits
  unsigned line;  ///< bits
  bool exact;
};

/// What a descriptor asks for.
struct Call {
  unsigned m = 64;
  unsigned k = 256;
  unsigned group = 128;
  unsigned bits = 2;
  unsigned planes = 2;
  unsigned tokens = 1;
  bool codebook = false;
  bool has_offset = false;
  bool binary16 = false;
  bool interrupt = false;
  std::uint8_t rounding_exponent = 0;
  std::array<std::uint64_t, 4> addresses{0x10000, 0x20000, 0x30000, 0x500040000};
  std::array<std::uint32_t, 3> stripes{};
};

inline Words descriptor(const Call& call) {
  Words words{};
  words[0] = 1U | unsigned{call.codebook} << 8 | unsigned{call.has_offset} << 9 |
             unsigned{call.binary16} << 10 | unsigned{call.interrupt} << 11 | call.bits << 16 |
             call.planes << 20 | call.tokens << 24;
  words[1] = call.m;
  words[2] = call.k;
  words[3] = call.group | unsigned{call.rounding_exponent} << 16;
  for (unsigned i = 0; i < 4; ++i) {
    words.at(4 + 2 * i) = static_cast<std::uint32_t>(call.addresses.at(i));
    words.at(5 + 2 * i) = static_cast<std::uint32_t>(call.addresses.at(i) >> 32);
  }
  for (unsigned i = 0; i < 3; ++i) words.at(12 + i) = call.stripes.at(i);
  return words;
}

struct Job {
  std::uint64_t tiles, blocks, span, last_span, shared_word, group_log2, bits, rounds, codebook,
      per_row, has_offset, binary16, tokens, rounding_exponent, scale_pairs;
  bool operator==(const Job&) const = default;
};

struct ReadJob {
  std::uint64_t address, run_lines, stride_lines, runs, stripe, tag;
  bool operator==(const ReadJob&) const = default;
};

struct WriteJob {
  std::uint64_t address, values, binary16, tag;
  bool operator==(const WriteJob&) const = default;
};

/// What all units get in one cycle.
struct StartedJob {
  Job job;
  ReadJob weights, scales, activations;
  WriteJob outputs;
};

inline std::uint64_t divide_up(std::uint64_t value, std::uint64_t unit) {
  return value / unit + (value % unit != 0 ? 1 : 0);
}

/// The jobs of descriptor number `index`.
inline StartedJob expected_job(const Parameters& machine, const Call& call, unsigned index) {
  const std::uint64_t tag = index % 16;
  const std::uint64_t group = call.group == 0 ? 256 : call.group;
  const std::uint64_t tiles = divide_up(call.m, machine.rows);
  const std::uint64_t rounds = call.codebook ? std::uint64_t{1} << call.bits : call.bits;

  // Blocks, the wider ones of groups and slices, until they cover K.
  const std::uint64_t block_columns = std::max<std::uint64_t>(group, machine.columns);
  const bool shared = group < machine.columns;
  const std::uint64_t span = block_columns / std::min<std::uint64_t>(group, machine.columns);
  std::uint64_t blocks = 0;
  for (std::uint64_t column = 0; column < call.k; column += block_columns) ++blocks;
  const std::uint64_t slices = shared ? 1 : span;  // per block and plane

  // The scale image of one row tile, vector by vector.
  std::uint64_t tile_vectors = 0;
  std::uint64_t last_span = 0;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const std::uint64_t left = call.k - block * block_columns;
    const std::uint64_t groups = shared ? std::min(span, divide_up(left, group)) : 1;
    last_span = shared ? groups : span;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      for (std::uint64_t g = 0; g < groups; ++g) {
        const bool once = call.codebook || call.group == 0;
        if (once && (block != 0 || g != 0)) continue;
        if (call.has_offset && i == 0) ++tile_vectors;
        ++tile_vectors;
      }
    }
  }
  const std::uint64_t pairs = divide_up(tiles * tile_vectors, 2);

  const std::uint64_t word_lines = machine.rows * machine.columns / machine.line;
  const bool all_planes = call.bits == call.planes;
  const std::uint64_t block_lines = call.bits * slices * word_lines;
  const std::uint64_t token_lines = divide_up(blocks * slices * machine.columns * 16, machine.line);
  const bool twice = call.group == 0 || !machine.exact;
  unsigned group_log2 = 0;
  while ((32U << group_log2) != group) ++group_log2;

  return {.job = {.tiles = tiles,
                  .blocks = blocks,
                  .span = span,
                  .last_span = last_span,
                  .shared_word = shared,
                  .group_log2 = group_log2,
                  .bits = call.bits,
                  .rounds = rounds,
                  .codebook = call.codebook,
                  .per_row = call.group == 0,
                  .has_offset = call.has_offset,
                  .binary16 = call.binary16,
                  .tokens = call.tokens,
                  .rounding_exponent = call.rounding_exponent,
                  .scale_pairs = pairs},
          .weights = {.address = call.addresses[0],
                      .run_lines = all_planes ? tiles * blocks * block_lines : block_lines,
                      .stride_lines = call.planes * slices * word_lines,
                      .runs = all_planes ? 1 : tiles * blocks,
                      .stripe = call.stripes[0],
                      .tag = tag},
          .scales = {.address = call.addresses[1],
                     .run_lines = divide_up(pairs * 2 * machine.rows * 16, machine.line),
                     .stride_lines = 0,
                     .runs = 1,
                     .stripe = call.stripes[1],
                     .tag = tag},
          .activations = {.address = call.addresses[2],
                          .run_lines = call.tokens * token_lines,
                          .stride_lines = 0,
                          .runs = twice ? 2U : 1U,
                          .stripe = call.stripes[2],
                          .tag = tag},
          .outputs = {.address = call.addresses[3],
                      .values = tiles * machine.rows * call.tokens,
                      .binary16 = call.binary16,
                      .tag = tag}};
}

/// Any call that the machine takes; the largest and smallest values are frequent.
inline Call random_call(Random& random, const Parameters& machine) {
  const auto between = [&random](unsigned low, unsigned high) {
    return static_cast<unsigned>(random.between(low, high));
  };
  const auto any = [&](unsigned limit) {
    if (random.chance(10)) return limit;
    return random.chance(50) ? between(1, limit) : between(1, std::min(limit, 600U));
  };
  constexpr std::array<unsigned, 5> groups{0, 32, 64, 128, 256};
  Call call;
  call.m = any(machine.max_m);
  call.k = any(machine.max_k);
  if (random.chance(30)) call.k = std::min((call.k + 31) / 32 * 32, machine.max_k);
  call.group = groups.at(between(0, 4));
  call.codebook = machine.max_codebook_bits != 0 && random.chance(40);
  call.bits = between(1, call.codebook ? machine.max_codebook_bits : machine.max_bits);
  call.planes = random.chance(40) ? call.bits : between(call.bits, 8);
  call.tokens = between(1, machine.tokens);
  call.has_offset = !call.codebook && random.chance(50);
  call.binary16 = random.chance(50);
  call.interrupt = random.chance(30);
  if (!machine.exact) call.rounding_exponent = static_cast<std::uint8_t>(random.bits(8));
  for (std::uint64_t& address : call.addresses) address = random.bits(64) & ~std::uint64_t{4095};
  for (std::uint32_t& stripe : call.stripes) stripe = static_cast<std::uint32_t>(random.bits(32));
  return call;
}

}  // namespace bitloom::rtl
