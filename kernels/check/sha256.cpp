// SPDX-License-Identifier: Apache-2.0
#include "kernels/check/sha256.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace bitloom::kernels {
namespace {

using Word = std::uint32_t;
using State = std::array<Word, 8>;
constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kRounds = 64;

// floor(2^32 * the fraction of the root of order `order` of a prime), found bit by bit: the
// standard's constants are these fractions for the first primes (sections 4.2.2 and 5.3.3).
constexpr Word root_fraction(unsigned prime, int order) {
  // The largest r with r^order <= prime * 2^(32 * order); r has at most 32 + 5 bits.
  __extension__ using Wide = unsigned __int128;
  Wide root = 0;
  for (int bit = 37; bit >= 0; --bit) {
    const Wide candidate = root | (Wide{1} << bit);
    const Wide power = order == 2 ? candidate * candidate : candidate * candidate * candidate;
    if (power <= Wide{prime} << (32 * order)) root = candidate;
  }
  return static_cast<Word>(root);
}

template <std::size_t n>
constexpr std::array<Word, n> root_fractions(int order) {
  std::array<Word, n> fractions{};
  unsigned candidate = 2;
  for (std::size_t i = 0; i < n; ++candidate) {
    bool prime = true;
    for (unsigned d = 2; d * d <= candidate; ++d) prime = prime && candidate % d != 0;
    if (prime) fractions[i++] = root_fraction(candidate, order);
  }
  return fractions;
}

constexpr State kInitial = root_fractions<8>(2);
constexpr std::array<Word, kRounds> kRoundConstants = root_fractions<kRounds>(3);

void mix_block(State& state, const std::uint8_t* block) {
  std::array<Word, kRounds> w{};
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t byte = 0; byte < 4; ++byte) w[i] = (w[i] << 8) | block[4 * i + byte];
  for (std::size_t i = 16; i < kRounds; ++i) {
    const Word a = w[i - 15];
    const Word b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const Word sum_e = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const Word choice = (e & f) ^ (~e & g);
    const Word sum_a = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const Word majority = (a & b) ^ (a & c) ^ (b & c);
    const Word t = h + sum_e + choice + kRoundConstants[i] + w[i];
    h = g;
    g = f;
    f = e;
    e = d + t;
    d = c;
    c = b;
    b = a;
    a = t + sum_a + majority;
  }
  const State mixed = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += mixed[i];
}

}  // namespace

std::string sha256_hex(std::span<const std::uint8_t> bytes) {
  State state = kInitial;
  const std::size_t whole = bytes.size() / kBlockBytes * kBlockBytes;
  for (std::size_t at = 0; at < whole; at += kBlockBytes) mix_block(state, bytes.data() + at);

  // The rest, a one bit, zeros, and the length in bits fill one or two more blocks.
  std::array<std::uint8_t, 2 * kBlockBytes> tail{};
  const std::size_t rest = bytes.size() - whole;
  for (std::size_t i = 0; i < rest; ++i) tail[i] = bytes[whole + i];
  tail[rest] = 0x80;
  const std::size_t tail_bytes = rest + 9 <= kBlockBytes ? kBlockBytes : 2 * kBlockBytes;
  const std::uint64_t length = std::uint64_t{bytes.size()} * 8;
  for (std::size_t i = 0; i < 8; ++i)
    tail[tail_bytes - 1 - i] = static_cast<std::uint8_t>(length >> (8 * i));
  for (std::size_t at = 0; at < tail_bytes; at += kBlockBytes) mix_block(state, tail.data() + at);

  std::string hex;
  for (const Word word : state)
    for (int shift = 28; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(word >> shift) & 0xF];
  return hex;
}

}  // namespace bitloom::kernels
