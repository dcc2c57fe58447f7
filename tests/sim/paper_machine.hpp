// SPDX-License-Identifier: Apache-2.0
// What the hardware does with a descriptor, one loop per loop of docs/layout.md: it knows the layer
// only from the 64 bytes and from memory, and takes the scale stream front to back. Written without
// sw/layout; sums and roundings are those of sw/contract.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gen/config.hpp"
#include "gen/descriptor.hpp"
#include "sw/contract/accumulate.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/round.hpp"

namespace bitloom {

class PaperMachine {
 public:
  using Bytes = std::vector<std::uint8_t>;

  explicit PaperMachine(const HardwareConfig& hardware) : hardware_(hardware) {}

  /// Copies bytes to a free place in memory, aligned to 4096 bytes.
  std::uint64_t place(Bytes bytes) {
    const std::uint64_t address = next_;
    next_ += (bytes.size() / 4096 + 2) * 4096;
    memory_[address] = std::move(bytes);
    return address;
  }

  [[nodiscard]] const Bytes& at(std::uint64_t address) const { return memory_.at(address); }

  /// Works a descriptor off; returns the record's bits of tokens with NaN or Inf.
  std::uint32_t run(const RecordBytes& descriptor) {
    read_descriptor(descriptor);
    align_tokens();
    next_vector_ = 0;
    std::vector<std::uint32_t> results;
    for (std::size_t tile = 0; tile * rows() < m_; ++tile) run_tile(tile, results);
    store(results);
    std::uint32_t nan_tokens = 0;
    for (std::size_t t = 0; t < tokens_.size(); ++t) nan_tokens |= tokens_[t].nan ? 1U << t : 0U;
    return nan_tokens;
  }

 private:
  struct Stream {
    std::uint64_t address = 0;
    std::uint64_t stripe = 0;  // pages
  };

  struct Token {
    bool nan = false;
    int exponent = contract::kMinExponent;  // E_x
    std::vector<int> exponents;             // of groups
    std::vector<std::int64_t> mantissas;
    std::vector<contract::Fixed> sums;  // of the rows of a tile
  };

  [[nodiscard]] std::size_t rows() const { return hardware_.rows; }
  [[nodiscard]] std::size_t columns() const { return hardware_.columns; }
  [[nodiscard]] std::size_t beat() const { return hardware_.channel_bits / 8; }
  [[nodiscard]] std::size_t line() const { return beat() * hardware_.read_channels; }
  [[nodiscard]] bool narrow() const { return !hardware_.accumulator.exact(); }
  // In whole blocks.
  [[nodiscard]] std::size_t padded_columns() const { return (k_ + block_ - 1) / block_ * block_; }

  void read_descriptor(const RecordBytes& bytes) {
    const auto field = [&](FieldPosition position) { return get_field(bytes, position); };
    if (field(kDescriptorOpcode) != 1 || field(kDescriptorReserved0) != 0)
      throw std::runtime_error("not a descriptor of a layer");
    codebook_ = field(kDescriptorCodebook) != 0;
    has_offset_ = field(kDescriptorHasOffset) != 0;
    format_ =
        field(kDescriptorBinary16Output) != 0 ? OutputFormat::binary16 : OutputFormat::binary32;
    bits_ = static_cast<unsigned>(field(kDescriptorBits));
    planes_ = field(kDescriptorPlanes);
    tokens_.assign(field(kDescriptorTokens), {});
    if (tokens_.empty() || tokens_.size() > hardware_.tokens)
      throw std::runtime_error("more tokens than the array takes at once");
    m_ = field(kDescriptorM);
    k_ = field(kDescriptorK);
    per_row_ = field(kDescriptorGroupSize) == 0;
    group_ = per_row_ ? 256 : field(kDescriptorGroupSize);
    block_ = std::max(group_, columns());
    const auto exponent = static_cast<int>(field(kDescriptorRoundingExponent));
    rounding_exponent_ = exponent < 128 ? exponent : exponent - 256;  // two's complement
    weights_ = {field(kDescriptorWeightsAddress), field(kDescriptorWeightsStripe)};
    scales_ = {field(kDescriptorScalesAddress), field(kDescriptorScalesStripe)};
    activations_ = {field(kDescriptorActivationsAddress), field(kDescriptorActivationsStripe)};
    outputs_ = field(kDescriptorOutputsAddress);
  }

  // Byte `index` of what all channels read side by side.
  [[nodiscard]] std::uint8_t read(const Stream& stream, std::size_t index) const {
    const std::size_t channel = index % line() / beat();
    const std::size_t offset =
        channel * stream.stripe * 4096 + index / line() * beat() + index % beat();
    return memory_.at(stream.address).at(offset);
  }

  [[nodiscard]] Half read_half(const Stream& stream, std::size_t index) const {
    return {static_cast<std::uint16_t>(read(stream, 2 * index) | read(stream, 2 * index + 1) << 8)};
  }

  void align_tokens() {
    const std::size_t token_bytes = (2 * padded_columns() + line() - 1) / line() * line();
    for (std::size_t t = 0; t < tokens_.size(); ++t) {
      Token& token = tokens_[t];
      std::vector<Half> x(padded_columns());
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = read_half(activations_, t * token_bytes / 2 + i);
      token.exponent = contract::max_exponent(x.data(), x.size());
      token.nan = token.exponent == contract::kNonFiniteExponent;
      if (token.nan) continue;
      for (std::size_t begin = 0; begin < x.size(); begin += group_) {
        const int exponent = per_row_ ? token.exponent : contract::max_exponent(&x[begin], group_);
        token.exponents.push_back(exponent);
        for (std::size_t i = begin; i < begin + group_; ++i)
          token.mantissas.push_back(
              contract::aligned_mantissa(x[i], exponent, hardware_.mantissa_bits));
      }
    }
  }

  std::vector<Half> take_vector() {
    std::vector<Half> vector(rows());
    for (Half& value : vector) value = read_half(scales_, next_vector_++);
    return vector;
  }

  // The b planes' bits of a column, plane 0 the most significant.
  [[nodiscard]] std::uint32_t index_at(std::size_t tile, std::size_t row, std::size_t k) const {
    const std::size_t slices = block_ / columns();
    std::uint32_t index = 0;
    for (std::size_t plane = 0; plane < bits_; ++plane)
      index = 2 * index + bit_at(tile, row, k, plane, slices);
    return index;
  }

  [[nodiscard]] std::uint32_t bit_at(std::size_t tile, std::size_t row, std::size_t k,
                                     std::size_t plane, std::size_t slices) const {
    const std::size_t block = tile * (padded_columns() / block_) + k / block_;
    const std::size_t word = (block * planes_ + plane) * slices + k % block_ / columns();
    const std::size_t bit = word * rows() * columns() + row * columns() + k % columns();
    return (read(weights_, bit / 8) >> (bit % 8)) & 1U;
  }

  void add(std::size_t group, std::size_t row, Half scale, Token& token, std::int64_t sum) {
    contract::Fixed term =
        contract::term(scale, sum, token.exponents[group], hardware_.mantissa_bits);
    if (narrow())
      term = contract::round_half_up(
          term, rounding_exponent_ + token.exponent - static_cast<int>(hardware_.accumulator.bits));
    token.sums[row] += term;
  }

  // One pass in which the array has the whole group: what all of its passes sum to.
  void run_group(std::size_t tile, std::size_t group, std::uint32_t round,
                 const std::vector<Half>& scale, const std::vector<Half>& offset) {
    for (Token& token : tokens_) {
      if (token.nan) continue;
      for (std::size_t row = 0; row < rows(); ++row) {
        std::int64_t sum = 0;
        std::int64_t all = 0;
        for (std::size_t k = group * group_; k < (group + 1) * group_; ++k) {
          const std::int64_t m = token.mantissas[k];
          all += m;
          if (m == 0) continue;
          const std::uint32_t index = index_at(tile, row, k);
          if (codebook_)
            sum += index == round ? m : 0;
          else
            sum += (index >> (bits_ - 1 - round) & 1U) != 0 ? m : -m;
        }
        add(group, row, scale[row], token, sum);
        if (!offset.empty()) add(group, row, offset[row], token, all);
      }
    }
  }

  void run_tile(std::size_t tile, std::vector<std::uint32_t>& results) {
    for (Token& token : tokens_) token.sums.assign(rows(), 0);
    const bool kept = codebook_ || per_row_;  // the vectors of the tile serve all of its blocks
    const std::uint32_t rounds = codebook_ ? 1U << bits_ : bits_;
    std::vector<Half> offset;
    std::vector<std::vector<Half>> scales;
    if (kept) {
      if (has_offset_) offset = take_vector();
      for (std::uint32_t round = 0; round < rounds; ++round) scales.push_back(take_vector());
    }
    for (std::size_t begin = 0; begin < k_; begin += block_)
      for (std::uint32_t round = 0; round < rounds; ++round)
        for (std::size_t k = begin; k < std::min(begin + block_, k_); k += group_) {
          std::vector<Half> beta;
          if (has_offset_ && round == 0) beta = kept ? offset : take_vector();
          const std::vector<Half> scale = kept ? scales[round] : take_vector();
          run_group(tile, k / group_, round, scale, beta);
        }
    for (const Token& token : tokens_)
      for (const contract::Fixed sum : token.sums)
        results.push_back(token.nan ? contract::quiet_nan(format_)
                                    : contract::round_output(sum, format_));
  }

  void store(const std::vector<std::uint32_t>& results) {
    Bytes& image = memory_.at(outputs_);
    const std::size_t width = format_ == OutputFormat::binary32 ? 4 : 2;
    for (std::size_t i = 0; i < results.size(); ++i)
      for (std::size_t byte = 0; byte < width; ++byte)
        image.at(i * width + byte) = static_cast<std::uint8_t>(results[i] >> (8 * byte));
  }

  HardwareConfig hardware_;
  std::map<std::uint64_t, Bytes> memory_;  // by address
  std::uint64_t next_ = std::uint64_t{3} << 32;

  // Of the descriptor at work.
  bool codebook_ = false;
  bool has_offset_ = false;
  bool per_row_ = false;
  OutputFormat format_ = OutputFormat::binary32;
  unsigned bits_ = 0;
  std::size_t planes_ = 0;
  std::size_t m_ = 0;
  std::size_t k_ = 0;
  std::size_t group_ = 0;
  std::size_t block_ = 0;
  int rounding_exponent_ = 0;
  Stream weights_;
  Stream scales_;
  Stream activations_;
  std::uint64_t outputs_ = 0;
  std::vector<Token> tokens_;
  std::size_t next_vector_ = 0;  // value of the scale stream
};

}  // namespace bitloom
