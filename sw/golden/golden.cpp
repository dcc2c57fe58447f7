// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/golden.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>

#include "sw/parallel/workers.hpp"

namespace bitloom {
namespace {

// 256 bits are twice what the contract needs, and an overflow throws instead of wrapping.
using Integer = boost::multiprecision::checked_int256_t;

// Every quantity is a whole number of 2^-60: a table entry is a multiple of 2^-24 and an aligned
// activation of 2^(E_g-(MB-2)) >= 2^(-14-22). So there are no fractions below, only integers.
constexpr int kUnitExponent = -60;

// A finite binary16 value, equal to significand * 2^exponent.
struct Dyadic {
  std::int64_t significand = 0;
  int exponent = 0;
};

constexpr bool is_finite(Half h) { return (h.bits & 0x7C00U) != 0x7C00U; }

Dyadic decode(Half h) {
  if (!is_finite(h)) throw std::invalid_argument("golden: a table holds a NaN or an infinity");
  const int biased = (h.bits >> 10U) & 0x1F;
  const std::int64_t fraction = h.bits & 0x3FF;
  const std::int64_t magnitude = biased == 0 ? fraction : fraction + 1024;
  return {(h.bits & 0x8000U) != 0 ? -magnitude : magnitude, std::max(biased, 1) - 25};
}

// e(v) = floor(log2 |v|), but not below -14, of a nonzero value; none of zero.
std::optional<int> exponent_of(Half h) {
  const Dyadic v = decode(h);
  if (v.significand == 0) return std::nullopt;
  const auto magnitude = static_cast<std::uint64_t>(std::abs(v.significand));
  return std::max(-14, static_cast<int>(std::bit_width(magnitude)) - 1 + v.exponent);
}

// The largest e(v) of the nonzero values, -14 when there is none: E_g of a group, and E_s.
int largest_exponent(std::span<const Half> values) {
  int largest = -14;
  for (const Half h : values) largest = std::max(largest, exponent_of(h).value_or(-14));
  return largest;
}

Integer power_of_two(unsigned exponent) { return Integer(1) << exponent; }

// floor(a / b) for b > 0; the library's quotient truncates.
Integer floor_divide(const Integer& a, const Integer& b) {
  Integer quotient;
  Integer remainder;
  divide_qr(a, b, quotient, remainder);
  if (remainder < 0) --quotient;
  return quotient;
}

// value / 2^shift to the nearest integer, ties to even.
Integer round_nearest_even(const Integer& value, int shift) {
  if (shift <= 0) return value * power_of_two(static_cast<unsigned>(-shift));
  const Integer divisor = power_of_two(static_cast<unsigned>(shift));
  Integer quotient = floor_divide(value, divisor);
  const Integer twice_rest = 2 * (value - quotient * divisor);
  if (twice_rest > divisor || (twice_rest == divisor && quotient % 2 != 0)) ++quotient;
  return quotient;
}

// value to a multiple of 2^exponent, halves upward: the narrow accumulator's rounding of one term.
Integer round_half_up_to(const Integer& value, int exponent) {
  if (exponent <= 0) return value;
  const Integer step = power_of_two(static_cast<unsigned>(exponent));
  return floor_divide(value + step / 2, step) * step;
}

// An IEEE 754 binary format: bits of the fraction field and of the exponent field.
struct BinaryFormat {
  int fraction_bits;
  int exponent_bits;
};

constexpr BinaryFormat format_of(OutputFormat format) {
  return format == OutputFormat::binary32 ? BinaryFormat{23, 8} : BinaryFormat{10, 5};
}

constexpr std::uint32_t quiet_nan(OutputFormat format) {
  return format == OutputFormat::binary32 ? kQuietNan32 : kQuietNan16;
}

// RN: the bit pattern nearest to sum * 2^kUnitExponent, ties to even.
std::uint32_t round_to_format(const Integer& sum, BinaryFormat format) {
  if (sum == 0) return 0;
  const Integer magnitude = abs(sum);
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int lowest_exponent = 1 - bias;
  const int exponent = std::max(static_cast<int>(msb(magnitude)) + kUnitExponent, lowest_exponent);
  const int last_place = exponent - format.fraction_bits;
  const Integer significand = round_nearest_even(magnitude, last_place - kUnitExponent);
  // Patterns of a format ascend with its values. Adding the significand, hidden bit included, to
  // the field (exponent - lowest) gives the pattern: of subnormals too, and of a rounding that
  // carries.
  const Integer pattern =
      (Integer(exponent - lowest_exponent) << static_cast<unsigned>(format.fraction_bits)) +
      significand;
  const Integer infinity = ((Integer(1) << static_cast<unsigned>(format.exponent_bits)) - 1)
                           << static_cast<unsigned>(format.fraction_bits);
  const auto sign = static_cast<std::uint32_t>(sum < 0 ? 1 : 0)
                    << static_cast<unsigned>(format.fraction_bits + format.exponent_bits);
  return sign | static_cast<std::uint32_t>(pattern < infinity ? pattern : infinity);
}

// One token after alignment. Padding columns, which hold zero, are left out: they add nothing.
struct AlignedToken {
  std::vector<std::int64_t> mantissas;  // m_k, [K]
  std::vector<int> exponents;           // E_g, [groups]
};

AlignedToken align(std::span<const Half> x, std::uint32_t group_columns, unsigned mantissa_bits) {
  const int mb = static_cast<int>(mantissa_bits);
  const std::int64_t limit = (std::int64_t{1} << (mantissa_bits - 1)) - 1;
  AlignedToken token;
  for (std::size_t first = 0; first < x.size(); first += group_columns) {
    const auto group = x.subspan(first, std::min<std::size_t>(group_columns, x.size() - first));
    const int group_exponent = largest_exponent(group);
    token.exponents.push_back(group_exponent);
    for (const Half h : group) {
      const Dyadic v = decode(h);
      const int shift = -(v.exponent + mb - 2 - group_exponent);
      const auto m = static_cast<std::int64_t>(round_nearest_even(v.significand, shift));
      token.mantissas.push_back(std::clamp(m, -limit, limit));
    }
  }
  return token;
}

// A run of columns whose terms are formed together: a group, or a block of one.
struct Block {
  std::uint32_t group;
  std::uint32_t begin;
  std::uint32_t end;
};

constexpr std::uint32_t kRowBlock = 256;

// `split_rows`: a group per row is taken in blocks, as narrow accumulators form its terms.
std::vector<Block> blocks_of(const Layer& layer, bool split_rows) {
  const std::uint32_t columns =
      split_rows && layer.group_size == 0 ? kRowBlock : layer.group_columns();
  std::vector<Block> blocks;
  for (std::uint32_t begin = 0; begin < layer.k; begin += columns)
    blocks.push_back({begin / layer.group_columns(), begin, std::min(begin + columns, layer.k)});
  return blocks;
}

// S(r,g,i) over the columns of a block. |m_k| < 2^23 and K <= 2^20, so 64 bits hold it exactly.
std::int64_t plane_sum(const Layer& layer, std::uint32_t plane, std::uint32_t row,
                       const Block& block, std::span<const std::int64_t> m) {
  std::int64_t sum = 0;
  for (std::uint32_t k = block.begin; k < block.end; ++k)
    sum += layer.bit(plane, row, k) ? m[k] : -m[k];
  return sum;
}

std::int64_t block_sum(const Block& block, std::span<const std::int64_t> m) {
  std::int64_t sum = 0;
  for (std::uint32_t k = block.begin; k < block.end; ++k) sum += m[k];
  return sum;
}

// For each code c, the sum of m_k over the block's columns whose index is c.
std::vector<std::int64_t> code_sums(const Layer& layer, unsigned bits, std::uint32_t row,
                                    const Block& block, std::span<const std::int64_t> m) {
  std::vector<std::int64_t> sums(std::size_t{1} << bits);
  for (std::uint32_t k = block.begin; k < block.end; ++k) {
    std::size_t code = 0;
    for (unsigned plane = 0; plane < bits; ++plane)
      code = 2 * code + (layer.bit(plane, row, k) ? 1 : 0);
    sums[code] += m[k];
  }
  return sums;
}

// The exact or narrow accumulator: terms are rounded to multiples of 2^q of the contract, or not.
class Accumulate {
 public:
  // `quantum` is q, or nothing for the exact accumulator.
  explicit Accumulate(std::optional<int> quantum)
      : rounding_(quantum.value_or(kUnitExponent) - kUnitExponent) {}

  // Adds entry * sum * 2^exponent.
  void add(Half entry, std::int64_t sum, int exponent) {
    if (sum == 0) return;  // a term of 0 rounds to 0; most codes of a group have no column
    const Dyadic value = decode(entry);
    const auto shift = static_cast<unsigned>(value.exponent + exponent - kUnitExponent);
    total_ += round_half_up_to(Integer(value.significand) * sum * power_of_two(shift), rounding_);
  }

  [[nodiscard]] const Integer& total() const { return total_; }

 private:
  int rounding_;
  Integer total_ = 0;
};

// ceil(log2(n)) of n >= 1.
int ceil_log2(std::uint64_t n) { return static_cast<int>(std::bit_width(n - 1)); }

// A layer call with everything that does not depend on the row worked out.
struct Problem {
  const Layer& layer;
  const PrecisionTables& tables;
  unsigned bits;
  Arithmetic arithmetic;
  std::vector<Block> blocks;
  int largest_table_exponent;  // E_s
};

int table_exponent(const PrecisionTables& tables) {
  return std::max({largest_exponent(tables.alpha), largest_exponent(tables.beta),
                   largest_exponent(tables.codebook)});
}

// q of the contract, or nothing for the exact accumulator.
std::optional<int> narrow_quantum(const Problem& problem, const AlignedToken& token) {
  const Accumulator accumulator = problem.arithmetic.accumulator;
  if (accumulator.exact()) return std::nullopt;
  const std::uint64_t n = problem.layer.mode == Mode::bcq ? problem.bits + 1 : 1;
  const int largest_group_exponent =
      *std::max_element(token.exponents.begin(), token.exponents.end());
  return problem.largest_table_exponent + largest_group_exponent + 4 +
         ceil_log2(n * problem.layer.padded_k()) - static_cast<int>(accumulator.bits);
}

Integer row_sum(const Problem& problem, const AlignedToken& token, std::uint32_t row) {
  const Layer& layer = problem.layer;
  const PrecisionTables& tables = problem.tables;
  const std::span<const std::int64_t> m(token.mantissas);
  const int mantissa_scale = static_cast<int>(problem.arithmetic.mantissa_bits) - 2;
  Accumulate accumulator(narrow_quantum(problem, token));
  for (const Block& block : problem.blocks) {
    const int exponent = token.exponents[block.group] - mantissa_scale;
    if (layer.mode == Mode::codebook) {
      const std::vector<std::int64_t> sums = code_sums(layer, problem.bits, row, block, m);
      for (std::size_t code = 0; code < sums.size(); ++code)
        accumulator.add(tables.codebook[row * sums.size() + code], sums[code], exponent);
      continue;
    }
    const std::size_t cell = std::size_t{row} * layer.groups() + block.group;
    for (unsigned plane = 0; plane < problem.bits; ++plane)
      accumulator.add(tables.alpha[cell * problem.bits + plane],
                      plane_sum(layer, plane, row, block, m), exponent);
    if (!tables.beta.empty()) accumulator.add(tables.beta[cell], block_sum(block, m), exponent);
  }
  return accumulator.total();
}

void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(std::string("golden: ") + what);
}

Problem make_problem(const Layer& layer, unsigned bits, const Activations& acts,
                     Arithmetic arithmetic) {
  const std::array group_sizes = {0U, 32U, 64U, 128U, 256U};
  require(layer.m >= 1 && layer.k >= 1 && layer.k <= kMaxColumns, "M or K out of range");
  require(std::find(group_sizes.begin(), group_sizes.end(), layer.group_size) != group_sizes.end(),
          "the group size is not 32, 64, 128, 256 or 0");
  require(bits >= 1 && bits <= layer.plane_count && bits <= kMaxBits, "precision out of range");
  require(layer.precisions.contains(bits), "precision not served");
  require(acts.k == layer.k && acts.x.size() == std::size_t{acts.tokens} * acts.k,
          "activations do not fit the layer");
  require(arithmetic.mantissa_bits >= 8 && arithmetic.mantissa_bits <= 24,
          "mantissa width not in 8..24");
  const Accumulator accumulator = arithmetic.accumulator;
  require(accumulator.exact() || (accumulator.bits >= 32 && accumulator.bits <= 128),
          "accumulator width not in 32..128");
  const PrecisionTables& tables = layer.precisions.at(bits);
  const std::size_t cells = std::size_t{layer.m} * layer.groups();
  const bool tables_fit = layer.mode == Mode::bcq
                              ? tables.alpha.size() == cells * bits && tables.codebook.empty() &&
                                    (tables.beta.empty() || tables.beta.size() == cells)
                              : tables.codebook.size() == std::size_t{layer.m} << bits &&
                                    tables.alpha.empty() && tables.beta.empty();
  require(tables_fit, "tables do not fit the layer");
  require(layer.planes.size() == std::size_t{layer.plane_count} * layer.m * layer.row_bytes(),
          "planes do not fit the layer");
  return {layer,
          tables,
          bits,
          arithmetic,
          blocks_of(layer, !accumulator.exact()),
          table_exponent(tables)};
}

// Aligned token t, or nothing when it holds a NaN or an infinity.
std::optional<AlignedToken> aligned_token(const Problem& problem, const Activations& acts,
                                          std::uint32_t t) {
  const auto x = std::span(acts.x).subspan(std::size_t{t} * acts.k, acts.k);
  if (!std::all_of(x.begin(), x.end(), is_finite)) return std::nullopt;
  return align(x, problem.layer.group_columns(), problem.arithmetic.mantissa_bits);
}

// Calls body(row) for all rows, on several threads when there is enough work to pay for them.
void for_rows(std::uint32_t rows, std::size_t work_per_row,
              const std::function<void(std::uint32_t)>& body) {
  constexpr std::size_t kWorkPerThread = std::size_t{1} << 22;
  const std::size_t wanted = rows * work_per_row / kWorkPerThread;
  const auto threads = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(wanted, 1, std::max(1U, std::thread::hardware_concurrency())));
  const auto stripe = [&](std::uint32_t first) {
    for (std::uint32_t row = first; row < rows; row += threads) body(row);
  };
  run_workers(threads, stripe);
}

}  // namespace

Outputs golden_outputs(const Layer& layer, unsigned bits, const Activations& acts,
                       Arithmetic arithmetic, OutputFormat format, std::vector<bool>* nan_tokens) {
  const Problem problem = make_problem(layer, bits, acts, arithmetic);
  Outputs y{format, acts.tokens, layer.m,
            std::vector<std::uint32_t>(std::size_t{acts.tokens} * layer.m, quiet_nan(format))};
  if (nan_tokens != nullptr) nan_tokens->assign(acts.tokens, false);
  for (std::uint32_t t = 0; t < acts.tokens; ++t) {
    const std::optional<AlignedToken> token = aligned_token(problem, acts, t);
    if (!token) {
      if (nan_tokens != nullptr) (*nan_tokens)[t] = true;
      continue;
    }
    for_rows(layer.m, std::size_t{layer.k} * bits, [&](std::uint32_t row) {
      y.bits[std::size_t{t} * layer.m + row] =
          round_to_format(row_sum(problem, *token, row), format_of(format));
    });
  }
  return y;
}

std::vector<std::int64_t> golden_partials(const Layer& layer, unsigned bits,
                                          const Activations& acts, Arithmetic arithmetic,
                                          std::uint32_t token, std::uint32_t row) {
  const Problem problem = make_problem(layer, bits, acts, arithmetic);
  require(token < acts.tokens && row < layer.m, "token or row out of range");
  std::vector<std::int64_t> partials;
  const std::optional<AlignedToken> aligned = aligned_token(problem, acts, token);
  if (!aligned) return partials;
  const std::vector<std::int64_t>& m = aligned->mantissas;
  for (const Block& block : blocks_of(layer, true)) {
    if (layer.mode == Mode::codebook) {
      const std::int64_t all = block_sum(block, m);
      for (const std::int64_t sum : code_sums(layer, bits, row, block, m))
        partials.push_back(sum - (all - sum));
      continue;
    }
    for (unsigned plane = 0; plane < bits; ++plane)
      partials.push_back(plane_sum(layer, plane, row, block, m));
  }
  return partials;
}

}  // namespace bitloom
