// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/scale_fit.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "sw/contract/half_value.hpp"

namespace bitloom {
namespace {

constexpr unsigned kMaxUnknowns = kMaxBits + 1;
using Vector = std::array<double, kMaxUnknowns>;
using Matrix = std::array<Vector, kMaxUnknowns>;

double round_to_half(double value) { return to_double(half_from_double(value)); }

// In place: out[mask] = sum over c of in[c] * (-1)^popcount(c & mask).
void walsh_hadamard(std::vector<double>& values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t block = 0; block < values.size(); block += 2 * half) {
      for (std::size_t i = block; i < block + half; ++i) {
        const double low = values[i];
        const double high = values[i + half];
        values[i] = low + high;
        values[i + half] = low - high;
      }
    }
  }
}

// Solves the symmetric positive semidefinite system a * x = rhs of size n by LDL^T. An unknown
// whose column depends on earlier ones (pivot below `tolerance`) is left out, that is 0: what
// remains is still a least-squares solution.
Vector solve(Matrix a, Vector rhs, unsigned n, double tolerance) {
  Vector inverse_pivot{};
  for (unsigned j = 0; j < n; ++j) {
    inverse_pivot[j] = a[j][j] > tolerance ? 1.0 / a[j][j] : 0.0;
    for (unsigned i = j + 1; i < n; ++i) {
      const double factor = a[i][j] * inverse_pivot[j];
      for (unsigned c = j + 1; c <= i; ++c) a[i][c] -= factor * a[c][j];
      rhs[i] -= factor * rhs[j];
    }
  }
  Vector x{};
  for (unsigned j = n; j-- > 0;) {
    double right = rhs[j];
    for (unsigned i = j + 1; i < n; ++i) right -= a[i][j] * x[i];
    x[j] = right * inverse_pivot[j];
  }
  return x;
}

}  // namespace

// With sign(b, c) = +1 where code c has bit b, the normal equations hold the sums over c of
// count(c) * sign(i, c) * sign(j, c) and of sum(c) * sign(i, c): Walsh-Hadamard coefficients of
// count and sum over inverted codes, where a set bit is -1 as the transform has it.
GroupScales fit_scales(CodeSums& sums, unsigned bits, bool offset) {
  // Far below every pivot that is not 0 but for rounding: pivots of equal counts are ratios of
  // small integers.
  const double tolerance = 1e-9 * std::accumulate(sums.count.begin(), sums.count.end(), 0.0);
  std::reverse(sums.count.begin(), sums.count.end());
  std::reverse(sums.sum.begin(), sums.sum.end());
  walsh_hadamard(sums.count);
  walsh_hadamard(sums.sum);

  // The offset comes first: its pivot is what all weights count, never 0.
  std::array<std::size_t, kMaxUnknowns> mask{};
  unsigned unknowns = 0;
  if (offset) mask[unknowns++] = 0;
  for (unsigned i = 0; i < bits; ++i) mask[unknowns++] = std::size_t{1} << i;
  Matrix a{};
  Vector rhs{};
  for (unsigned i = 0; i < unknowns; ++i) {
    for (unsigned j = 0; j <= i; ++j) a[i][j] = sums.count[mask[i] ^ mask[j]];
    rhs[i] = sums.sum[mask[i]];
  }
  const Vector x = solve(a, rhs, unknowns, tolerance);
  GroupScales scales;
  if (offset) scales.beta = x[0];
  for (unsigned i = 0; i < bits; ++i) scales.alpha[i] = x[(offset ? 1 : 0) + i];
  return scales;
}

GroupScales rounded_to_half(GroupScales scales, unsigned bits) {
  for (unsigned i = 0; i < bits; ++i) scales.alpha[i] = round_to_half(scales.alpha[i]);
  scales.beta = round_to_half(scales.beta);
  return scales;
}

void code_values(const GroupScales& scales, unsigned bits, std::vector<double>& values) {
  values.assign(1, scales.beta);
  for (unsigned p = 0; p < bits; ++p) {
    const std::size_t half = values.size();
    values.resize(2 * half);
    for (std::size_t code = 0; code < half; ++code) {
      const double value = values[code];
      values[code] = value - scales.alpha[p];
      values[half + code] = value + scales.alpha[p];
    }
  }
}

}  // namespace bitloom
