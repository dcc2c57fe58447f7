// SPDX-License-Identifier: Apache-2.0
// The worked example of docs/arithmetic.md: every number there is what the contract's functions
// give, and its results are what golden gives and what fractions on paper give.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "sw/contract/accumulate.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/half.hpp"
#include "sw/contract/round.hpp"
#include "sw/golden/golden.hpp"

namespace bitloom {
namespace {

using contract::Fixed;

constexpr Arithmetic kExact{8, {}};
constexpr Arithmetic kNarrow{8, {32}};
constexpr unsigned kBits = 2;

// x = 1.5, -0.4, 3, 0.109375; planes + - + + and + + - +; as codes 3 1 2 3.
const std::vector<Half> kX = {{0x3E00}, {0xB666}, {0x4200}, {0x2F00}};
const std::vector<Half> kAlpha = {{0x3A00}, {0x17C8}};                          // 0.75, 0.0019
const Half kBeta = {0xB000};                                                    // -0.125
const std::vector<Half> kCentroids = {{0xBB33}, {0xB4CD}, {0x34CD}, {0x3B33}};  // -+0.9, -+0.3

Layer example_layer(Mode mode) {
  Layer layer;
  layer.name = "example";
  layer.mode = mode;
  layer.m = 1;
  layer.k = 4;
  layer.group_size = 32;
  layer.plane_count = kBits;
  layer.planes = {0b1101, 0b1011};
  PrecisionTables& tables = layer.precisions[kBits];
  if (mode == Mode::bcq) {
    tables.alpha = kAlpha;
    tables.beta = {kBeta};
  } else {
    tables.codebook = kCentroids;
  }
  return layer;
}

// Exact: no number of the example has more than 30 significant decimal digits.
std::string decimal(long double value) {
  std::ostringstream text;
  text << std::setprecision(30) << value;
  return text.str();
}

std::string decimal(Half v) {
  return decimal(std::ldexp(static_cast<long double>(contract::units(v)), -24));
}

std::string decimal(Fixed v) {
  return decimal(std::ldexp(static_cast<long double>(v), contract::kFixedUnit));
}

std::string hex(std::uint32_t bits, int digits) {
  std::ostringstream text;
  text << "0x" << std::hex << std::uppercase << std::setfill('0') << std::setw(digits) << bits;
  return text.str();
}

template <class Values>
std::string listed(const Values& values) {
  std::string text;
  for (const auto& v : values) text += (text.empty() ? "" : "  ") + decimal(v);
  return text;
}

struct Example {
  std::string text;  // as it stands in the document
  std::uint32_t exact32 = 0;
  std::uint32_t exact16 = 0;
  std::uint32_t narrow32 = 0;
  std::uint32_t codebook32 = 0;
};

// The contract's functions, one after the other.
Example work_through() {
  Example example;
  std::ostringstream out;
  const Layer layer = example_layer(Mode::bcq);
  const unsigned mb = kExact.mantissa_bits;

  const int e = contract::max_exponent(kX.data(), kX.size());
  std::vector<long double> m;
  m.reserve(kX.size());
  for (const Half x : kX) m.push_back(contract::aligned_mantissa(x, e, mb));
  out << "x          " << listed(kX) << "\n";
  out << "E_g        " << e << "\n";
  out << "m          " << listed(m) << "\n";

  std::vector<std::int64_t> sums(kBits);
  for (unsigned i = 0; i < kBits; ++i)
    for (std::uint32_t k = 0; k < layer.k; ++k)
      sums[i] += static_cast<std::int64_t>(layer.bit(i, 0, k) ? m[k] : -m[k]);
  const auto all = static_cast<std::int64_t>(std::accumulate(m.begin(), m.end(), 0.0L));
  out << "S_0        " << sums[0] << "\nS_1        " << sums[1] << "\nsum of m   " << all << "\n";

  out << "alpha      " << listed(kAlpha) << "\nbeta       " << decimal(kBeta) << "\n";
  const std::vector<Fixed> terms = {contract::term(kAlpha[0], sums[0], e, mb),
                                    contract::term(kAlpha[1], sums[1], e, mb),
                                    contract::term(kBeta, all, e, mb)};
  const Fixed sum = terms[0] + terms[1] + terms[2];
  example.exact32 = contract::round_output(sum, OutputFormat::binary32);
  example.exact16 = contract::round_output(sum, OutputFormat::binary16);
  out << "terms      " << listed(terms) << "\nsum        " << decimal(sum) << "\n";
  out << "binary32   " << hex(example.exact32, 8) << " = "
      << decimal(static_cast<long double>(std::bit_cast<float>(example.exact32))) << "\n";
  out << "binary16   " << hex(example.exact16, 4) << " = "
      << decimal(Half{static_cast<std::uint16_t>(example.exact16)}) << "\n\n";

  std::vector<Half> scales = kAlpha;
  scales.push_back(kBeta);
  const int scale_exponent = contract::max_exponent(scales.data(), scales.size());
  const unsigned n = contract::terms_per_column(Mode::bcq, kBits);
  const int q =
      contract::rounding_exponent(kNarrow.accumulator, scale_exponent, e, n, layer.padded_k());
  std::vector<Fixed> rounded;
  rounded.reserve(terms.size());
  for (const Fixed t : terms) rounded.push_back(contract::round_half_up(t, q));
  const Fixed narrow = rounded[0] + rounded[1] + rounded[2];
  example.narrow32 = contract::round_output(narrow, OutputFormat::binary32);
  out << "E_s, E_x   " << scale_exponent << "  " << e << "\nn, Kp      " << n << "  "
      << layer.padded_k() << "\nq          " << q << "\n";
  out << "terms      " << listed(rounded) << "\nsum        " << decimal(narrow) << "\n";
  out << "binary32   " << hex(example.narrow32, 8) << " = "
      << decimal(static_cast<long double>(std::bit_cast<float>(example.narrow32))) << "\n\n";

  std::vector<std::int64_t> by_code(std::size_t{1} << kBits);
  out << "codes    ";
  for (std::uint32_t k = 0; k < layer.k; ++k) {
    const std::size_t code = 2 * (layer.bit(0, 0, k) ? 1 : 0) + (layer.bit(1, 0, k) ? 1 : 0);
    by_code[code] += static_cast<std::int64_t>(m[k]);
    out << "  " << code;
  }
  std::vector<long double> code_sums(by_code.begin(), by_code.end());
  std::vector<Fixed> code_terms;
  for (std::size_t c = 0; c < by_code.size(); ++c)
    code_terms.push_back(contract::term(kCentroids[c], by_code[c], e, mb));
  const Fixed code_sum = code_terms[0] + code_terms[1] + code_terms[2] + code_terms[3];
  example.codebook32 = contract::round_output(code_sum, OutputFormat::binary32);
  out << "\nC          " << listed(kCentroids) << "\nsums       " << listed(code_sums)
      << "\nterms      " << listed(code_terms) << "\nsum        " << decimal(code_sum)
      << "\nbinary32   " << hex(example.codebook32, 8) << " = "
      << decimal(static_cast<long double>(std::bit_cast<float>(example.codebook32))) << "\n";
  example.text = out.str();
  return example;
}

TEST_CASE("The worked example of the arithmetic's document stands there as the contract gives it") {
  std::ifstream stream("docs/arithmetic.md");
  const std::string document{std::istreambuf_iterator<char>(stream), {}};
  const std::string text = work_through().text;
  INFO("docs/arithmetic.md must hold these lines:\n" << text);
  CHECK(document.find(text) != std::string::npos);
}

TEST_CASE("The worked example's results are those of fractions on paper and of golden") {
  const Example example = work_through();
  CHECK(example.exact32 == 0x404F888FU);  // 13600911 / 2^22
  CHECK(example.exact16 == 0x427CU);
  CHECK(example.narrow32 == 0x404F8890U);    // 6800456 / 2^21
  CHECK(example.codebook32 == 0x401F0020U);  // 325633 / 2^17

  const auto golden = [](Mode mode, Arithmetic arithmetic, OutputFormat format) {
    return golden_outputs(example_layer(mode), kBits, {1, 4, kX}, arithmetic, format).bits;
  };
  using Bits = std::vector<std::uint32_t>;
  CHECK(golden(Mode::bcq, kExact, OutputFormat::binary32) == Bits{example.exact32});
  CHECK(golden(Mode::bcq, kExact, OutputFormat::binary16) == Bits{example.exact16});
  CHECK(golden(Mode::bcq, kNarrow, OutputFormat::binary32) == Bits{example.narrow32});
  CHECK(golden(Mode::codebook, kExact, OutputFormat::binary32) == Bits{example.codebook32});
}

}  // namespace
}  // namespace bitloom
