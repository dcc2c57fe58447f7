// SPDX-License-Identifier: Apache-2.0
#include "kernels/check/straight_loop.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "sw/contract/accumulate.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/half.hpp"
#include "sw/contract/round.hpp"
#include "sw/parallel/workers.hpp"

namespace bitloom::kernels {
namespace {

using contract::Fixed;

struct AlignedToken {
  bool finite = true;
  int largest_exponent = contract::kMinExponent;
  std::vector<int> exponent;           // of each group
  std::vector<std::int64_t> mantissa;  // of each column
};

AlignedToken align(std::span<const Half> x, std::uint32_t group_columns, unsigned mantissa_bits) {
  AlignedToken token;
  token.finite = std::all_of(x.begin(), x.end(), contract::is_finite);
  if (!token.finite) return token;
  for (std::size_t first = 0; first < x.size(); first += group_columns) {
    const auto group = x.subspan(first, std::min<std::size_t>(group_columns, x.size() - first));
    const int e = contract::max_exponent(group.data(), group.size());
    token.exponent.push_back(e);
    token.largest_exponent = std::max(token.largest_exponent, e);
    for (const Half v : group)
      token.mantissa.push_back(contract::aligned_mantissa(v, e, mantissa_bits));
  }
  return token;
}

// One output: for each block of columns the sums that its terms need, gathered column by column.
Fixed exact_sum(const Layer& layer, unsigned bits, std::uint32_t row, const AlignedToken& token,
                Arithmetic arithmetic, int scale_exponent) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  const std::uint32_t group_columns = layer.group_columns();
  const int q =
      contract::rounding_exponent(arithmetic.accumulator, scale_exponent, token.largest_exponent,
                                  contract::terms_per_column(layer.mode, bits), layer.padded_k());
  const std::uint32_t columns = contract::term_columns(group_columns, arithmetic.accumulator);

  Fixed total = 0;
  std::vector<std::int64_t> by_plane(bits);
  std::vector<std::int64_t> by_code(std::size_t{1} << bits);
  std::int64_t all = 0;
  for (std::uint32_t k = 0; k < layer.k; ++k) {
    const std::int64_t m = token.mantissa[k];
    std::size_t code = 0;
    for (unsigned i = 0; i < bits; ++i) {
      const bool bit = layer.bit(i, row, k);
      by_plane[i] += bit ? m : -m;
      code = code << 1 | (bit ? 1 : 0);
    }
    by_code[code] += m;
    all += m;

    const bool block_ends = k + 1 == layer.k || (k + 1) % columns == 0;
    if (!block_ends) continue;
    const std::uint32_t group = k / group_columns;
    const auto add = [&](Half scale, std::int64_t sum) {
      total += contract::round_half_up(
          contract::term(scale, sum, token.exponent[group], arithmetic.mantissa_bits), q);
    };
    const std::size_t at = std::size_t{row} * layer.groups() + group;
    if (layer.mode == Mode::codebook) {
      for (std::size_t c = 0; c < by_code.size(); ++c)
        add(tables.codebook[row * by_code.size() + c], by_code[c]);
    } else {
      for (unsigned i = 0; i < bits; ++i) add(tables.alpha[at * bits + i], by_plane[i]);
      if (!tables.beta.empty()) add(tables.beta[at], all);
    }
    std::fill(by_plane.begin(), by_plane.end(), 0);
    std::fill(by_code.begin(), by_code.end(), 0);
    all = 0;
  }
  return total;
}

int layer_exponent(const PrecisionTables& tables) {
  const auto largest = [](const std::vector<Half>& table) {
    return contract::max_exponent(table.data(), table.size());
  };
  return std::max({largest(tables.alpha), largest(tables.beta), largest(tables.codebook)});
}

}  // namespace

Outputs straight_loop(const Layer& layer, unsigned bits, const Activations& acts,
                      Arithmetic arithmetic, OutputFormat format) {
  const int scale_exponent = layer_exponent(layer.precisions.at(bits));
  Outputs y{format, acts.tokens, layer.m, {}};
  y.bits.assign(std::size_t{acts.tokens} * layer.m, contract::quiet_nan(format));
  for (std::uint32_t t = 0; t < acts.tokens; ++t) {
    const std::span<const Half> x(acts.x.data() + std::size_t{t} * acts.k, acts.k);
    const AlignedToken token = align(x, layer.group_columns(), arithmetic.mantissa_bits);
    if (!token.finite) continue;
    const unsigned workers = std::max(1U, std::thread::hardware_concurrency());
    run_workers(workers, [&](unsigned first) {
      for (std::uint32_t row = first; row < layer.m; row += workers)
        y.bits[std::size_t{t} * layer.m + row] = contract::round_output(
            exact_sum(layer, bits, row, token, arithmetic, scale_exponent), format);
    });
  }
  return y;
}

}  // namespace bitloom::kernels
