// SPDX-License-Identifier: Apache-2.0
// A layer in the order in which the fast model reads it, and the model itself.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sw/contract/fixed.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// A layer call reads memory front to back: columns are cut into blocks of at most 256 (within a
/// group; a sum of 256 mantissas fits 32 bits), and a block of all rows is finished before the
/// next one, so that the tables of a block's activations stay in the first-level cache.
class CpuLayer {
 public:
  /// `layer` is consistent: its planes and tables have the sizes that its shape asks for.
  CpuLayer(const Layer& layer, Arithmetic arithmetic, unsigned threads);

  /// acts.k = K, `bits` is served; nan_tokens gets one flag per token.
  [[nodiscard]] Outputs run(unsigned bits, const Activations& acts, OutputFormat format,
                            std::vector<bool>& nan_tokens) const;

 private:
  struct Token {
    std::vector<std::int32_t> mantissas;  // blocks_ * block_columns_, zero beyond K
    std::vector<int> group_exponents;
    int exponent = 0;  // the largest of them
  };

  struct Tables {
    std::vector<Half> scales;  // BCQ: [group][row][scales_per_row]; codebook: [row][2^b]
    std::uint32_t scales_per_row = 0;
    int exponent = 0;  // E_s
  };

  struct Rows {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };

  [[nodiscard]] Tables bcq_tables(const PrecisionTables& source, unsigned bits) const;
  void copy_planes(const Layer& layer);
  void copy_codes(const Layer& layer);

  [[nodiscard]] Token align(const Half* x) const;
  [[nodiscard]] unsigned threads_for(unsigned bits, std::uint32_t tokens) const;
  void run_rows(unsigned bits, const Tables& tables, const Token& token, Rows rows,
                std::vector<contract::Fixed>& sums) const;
  template <class AddTerm>
  void add_bcq_block(unsigned bits, const Tables& tables, const std::int32_t* mantissas,
                     std::uint32_t block, Rows rows, AddTerm add) const;
  template <class AddTerm>
  void add_codebook_block(unsigned bits, const Tables& tables, const std::int32_t* mantissas,
                          std::uint32_t block, Rows rows, AddTerm add) const;

  Arithmetic arithmetic_;
  unsigned threads_;
  Mode mode_;
  std::uint32_t m_;
  std::uint32_t k_;
  std::uint32_t group_columns_;
  std::uint32_t groups_;
  std::uint32_t padded_k_;
  std::uint32_t plane_count_;
  std::uint32_t block_columns_;
  std::uint32_t block_bytes_;
  std::uint32_t blocks_;
  std::vector<std::uint8_t> planes_;  // BCQ: [block][plane][row][block_bytes_]
  std::vector<std::uint8_t> codes_;   // codebook: [block][row][block_columns_], plane 0 on top
  std::map<unsigned, Tables> tables_;
};

}  // namespace bitloom
