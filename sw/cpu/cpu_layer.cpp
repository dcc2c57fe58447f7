// SPDX-License-Identifier: Apache-2.0
#include "sw/cpu/cpu_layer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <thread>

#include "sw/contract/accumulate.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/half.hpp"
#include "sw/contract/round.hpp"
#include "sw/parallel/workers.hpp"

namespace bitloom {
namespace {

using contract::Fixed;

constexpr std::uint32_t kMaxBlockColumns = 256;
constexpr std::uint32_t kTableSize = 256;  // one entry per value of eight plane bits

// A thread must have about a millisecond of work, or starting it costs more than it saves.
constexpr std::uint64_t kPlaneBitsPerThread = std::uint64_t{1} << 22;

using ByteTable = std::array<std::int32_t, kTableSize>;

// table[v] = the sum of +m_j for the set bits j of v and of -m_j for the others.
void fill_table(const std::int32_t* m, ByteTable& table) {
  table[0] = -std::accumulate(m, m + 8, 0);
  for (std::uint32_t j = 0; j < 8; ++j)
    for (std::uint32_t v = 0; v < (1U << j); ++v) table[v + (1U << j)] = table[v] + 2 * m[j];
}

std::int32_t look_up(const std::vector<ByteTable>& tables, const std::uint8_t* bytes) {
  std::int32_t sum = 0;
  for (std::size_t j = 0; j < tables.size(); ++j) sum += tables[j][bytes[j]];
  return sum;
}

}  // namespace

CpuLayer::CpuLayer(const Layer& layer, Arithmetic arithmetic, unsigned threads)
    : arithmetic_(arithmetic),
      threads_(threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency())),
      mode_(layer.mode),
      m_(layer.m),
      k_(layer.k),
      group_columns_(layer.group_columns()),
      groups_(layer.groups()),
      padded_k_(layer.padded_k()),
      plane_count_(layer.plane_count),
      block_columns_(std::min(group_columns_, kMaxBlockColumns)),
      block_bytes_((block_columns_ + 7) / 8),
      blocks_((k_ + block_columns_ - 1) / block_columns_) {
  if (mode_ == Mode::bcq)
    copy_planes(layer);
  else
    copy_codes(layer);
  for (const auto& [bits, source] : layer.precisions)
    tables_[bits] =
        mode_ == Mode::bcq
            ? bcq_tables(source, bits)
            : Tables{source.codebook, 1U << bits,
                     contract::max_exponent(source.codebook.data(), source.codebook.size())};
}

void CpuLayer::copy_planes(const Layer& layer) {
  planes_.resize(std::size_t{blocks_} * plane_count_ * m_ * block_bytes_);
  std::uint8_t* to = planes_.data();
  for (std::uint32_t block = 0; block < blocks_; ++block) {
    const std::size_t first_byte = std::size_t{block} * (block_columns_ / 8);
    const std::size_t count = std::min<std::size_t>(block_bytes_, layer.row_bytes() - first_byte);
    const std::uint8_t* from = layer.planes.data() + first_byte;
    for (std::size_t row = 0; row < std::size_t{plane_count_} * m_; ++row) {
      std::copy_n(from + row * layer.row_bytes(), count, to);
      to += block_bytes_;
    }
  }
}

void CpuLayer::copy_codes(const Layer& layer) {
  codes_.resize(std::size_t{blocks_} * m_ * block_columns_);
  for (std::uint32_t column = 0; column < k_; ++column) {
    const std::size_t block = column / block_columns_;
    std::uint8_t* to = codes_.data() + block * m_ * block_columns_ + column % block_columns_;
    for (std::uint32_t row = 0; row < m_; ++row) {
      unsigned code = 0;
      for (std::uint32_t p = 0; p < plane_count_; ++p)
        code = 2 * code + (layer.bit(p, row, column) ? 1 : 0);
      to[std::size_t{row} * block_columns_] = static_cast<std::uint8_t>(code);
    }
  }
}

CpuLayer::Tables CpuLayer::bcq_tables(const PrecisionTables& source, unsigned bits) const {
  Tables tables;
  const bool offsets = !source.beta.empty();
  tables.scales_per_row = bits + (offsets ? 1 : 0);
  tables.scales.reserve(std::size_t{groups_} * m_ * tables.scales_per_row);
  for (std::uint32_t group = 0; group < groups_; ++group)
    for (std::uint32_t row = 0; row < m_; ++row) {
      const std::size_t at = std::size_t{row} * groups_ + group;
      for (unsigned i = 0; i < bits; ++i) tables.scales.push_back(source.alpha[at * bits + i]);
      if (offsets) tables.scales.push_back(source.beta[at]);
    }
  tables.exponent = contract::max_exponent(tables.scales.data(), tables.scales.size());
  return tables;
}

CpuLayer::Token CpuLayer::align(const Half* x) const {
  Token token;
  token.mantissas.resize(std::size_t{blocks_} * block_columns_ + 8);  // tables read eight at a time
  token.group_exponents.reserve(groups_);
  for (std::uint32_t first = 0; first < k_; first += group_columns_) {
    const std::uint32_t count = std::min(group_columns_, k_ - first);
    const int exponent = contract::max_exponent(x + first, count);
    token.group_exponents.push_back(exponent);
    for (std::uint32_t k = first; k < first + count; ++k)
      token.mantissas[k] = contract::aligned_mantissa(x[k], exponent, arithmetic_.mantissa_bits);
  }
  token.exponent = *std::max_element(token.group_exponents.begin(), token.group_exponents.end());
  return token;
}

// Calls add(row, scale, sum) for every term of the block.
template <class AddTerm>
void CpuLayer::add_bcq_block(unsigned bits, const Tables& tables, const std::int32_t* mantissas,
                             std::uint32_t block, Rows rows, AddTerm add) const {
  std::vector<ByteTable> sums(block_bytes_);
  for (std::uint32_t j = 0; j < block_bytes_; ++j) fill_table(mantissas + 8 * j, sums[j]);
  const std::int32_t all = std::accumulate(mantissas, mantissas + block_columns_, 0);

  const std::size_t group = std::size_t{block} * block_columns_ / group_columns_;
  const Half* scale = tables.scales.data() + (group * m_ + rows.first) * tables.scales_per_row;
  const std::size_t plane_bytes = std::size_t{m_} * block_bytes_;
  const std::uint8_t* row_bytes =
      planes_.data() + block * plane_count_ * plane_bytes + std::size_t{rows.first} * block_bytes_;
  for (std::uint32_t row = rows.first; row < rows.end; ++row) {
    for (unsigned i = 0; i < bits; ++i)
      add(row, scale[i], look_up(sums, row_bytes + i * plane_bytes));
    if (tables.scales_per_row > bits) add(row, scale[bits], all);
    scale += tables.scales_per_row;
    row_bytes += block_bytes_;
  }
}

template <class AddTerm>
void CpuLayer::add_codebook_block(unsigned bits, const Tables& tables,
                                  const std::int32_t* mantissas, std::uint32_t block, Rows rows,
                                  AddTerm add) const {
  const unsigned unused_planes = plane_count_ - bits;
  const std::uint8_t* codes =
      codes_.data() + (std::size_t{block} * m_ + rows.first) * block_columns_;
  for (std::uint32_t row = rows.first; row < rows.end; ++row) {
    std::array<std::int32_t, 1U << kMaxBits> sums{};
    for (std::uint32_t k = 0; k < block_columns_; ++k)
      sums[codes[k] >> unused_planes] += mantissas[k];
    const Half* centroids = tables.scales.data() + std::size_t{row} * tables.scales_per_row;
    for (std::uint32_t c = 0; c < tables.scales_per_row; ++c) add(row, centroids[c], sums[c]);
    codes += block_columns_;
  }
}

void CpuLayer::run_rows(unsigned bits, const Tables& tables, const Token& token, Rows rows,
                        std::vector<Fixed>& sums) const {
  const unsigned mb = arithmetic_.mantissa_bits;
  const int q =
      contract::rounding_exponent(arithmetic_.accumulator, tables.exponent, token.exponent,
                                  contract::terms_per_column(mode_, bits), padded_k_);
  sums.assign(rows.end - rows.first, 0);
  for (std::uint32_t block = 0; block < blocks_; ++block) {
    const int exponent =
        token.group_exponents[std::size_t{block} * block_columns_ / group_columns_];
    const std::int32_t* mantissas = token.mantissas.data() + std::size_t{block} * block_columns_;
    const auto add = [&](std::uint32_t row, Half scale, std::int32_t sum) {
      sums[row - rows.first] +=
          contract::round_half_up(contract::term(scale, sum, exponent, mb), q);
    };
    if (mode_ == Mode::bcq)
      add_bcq_block(bits, tables, mantissas, block, rows, add);
    else
      add_codebook_block(bits, tables, mantissas, block, rows, add);
  }
}

unsigned CpuLayer::threads_for(unsigned bits, std::uint32_t tokens) const {
  const std::uint64_t work = std::uint64_t{m_} * padded_k_ * bits * tokens;
  return static_cast<unsigned>(
      std::min<std::uint64_t>({threads_, 1 + work / kPlaneBitsPerThread, m_}));
}

Outputs CpuLayer::run(unsigned bits, const Activations& acts, OutputFormat format,
                      std::vector<bool>& nan_tokens) const {
  const Tables& tables = tables_.at(bits);
  std::vector<Token> tokens;
  nan_tokens.clear();
  for (std::uint32_t t = 0; t < acts.tokens; ++t) {
    tokens.push_back(align(acts.x.data() + std::size_t{t} * k_));
    nan_tokens.push_back(tokens.back().exponent == contract::kNonFiniteExponent);
  }

  Outputs y{format, acts.tokens, m_, {}};
  y.bits.assign(std::size_t{acts.tokens} * m_, contract::quiet_nan(format));
  const auto run_range = [&](Rows rows) {
    std::vector<Fixed> sums;
    for (std::uint32_t t = 0; t < acts.tokens; ++t) {
      if (tokens[t].exponent == contract::kNonFiniteExponent) continue;
      run_rows(bits, tables, tokens[t], rows, sums);
      for (std::uint32_t row = rows.first; row < rows.end; ++row)
        y.bits[std::size_t{t} * m_ + row] = contract::round_output(sums[row - rows.first], format);
    }
  };

  const unsigned threads = threads_for(bits, acts.tokens);
  const auto first_row = [&](unsigned thread) {
    return static_cast<std::uint32_t>(std::uint64_t{m_} * thread / threads);
  };
  run_workers(threads, [&](unsigned thread) {
    run_range({first_row(thread), first_row(thread + 1)});
  });
  return y;
}

}  // namespace bitloom
