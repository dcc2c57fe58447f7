// SPDX-License-Identifier: Apache-2.0
// The reference kernel: docs/arithmetic.md with one thread per output and token. It is read and
// trusted rather than fast. nvcc compiles this file for GPUs, the host compiler for the host.
#include <map>
#include <utility>

#include "kernels/engines.hpp"
#include "kernels/platform/platform.hpp"
#include "sw/contract/accumulate.hpp"
#include "sw/contract/align.hpp"
#include "sw/contract/half.hpp"
#include "sw/contract/round.hpp"

namespace bitloom::kernels::BL_PLATFORM {
namespace {

using contract::Fixed;

// One layer call as the kernels see it: sizes, formats and pointers into the engine's memory.
struct CallView {
  Arithmetic arithmetic;
  OutputFormat format;
  Mode mode;
  unsigned bits;
  std::uint32_t tokens;
  std::uint32_t m;
  std::uint32_t k;
  std::uint32_t group_columns;
  std::uint32_t groups;
  std::uint32_t padded_k;
  int scale_exponent;          // E_s
  const std::uint8_t* planes;  // [plane, M, ceil(K/8)]
  const Half* alpha;           // [M, groups, bits], BCQ
  const Half* beta;            // [M, groups], BCQ; null without offsets
  const Half* codebook;        // [M, 2^bits], codebook mode
  const Half* x;               // [T, K]
  int* group_exponents;        // [T, groups], E_g
  std::int32_t* mantissas;     // [T, K], m_k
  std::uint32_t* y;            // [T, M]
  std::uint8_t* nan_tokens;    // [T]
};

BL_HD std::uint32_t least(std::uint32_t a, std::uint32_t b) { return a < b ? a : b; }

// One thread per token and group. A group with a NaN or Inf gets the exponent of those, which is
// the mark that dot_kernel looks for; its mantissas are then never used.
BL_KERNEL align_kernel(CallView call) {
  const std::uint64_t index = global_index();
  if (index >= std::uint64_t{call.tokens} * call.groups) return;
  const std::uint64_t token = index / call.groups;
  const auto group = static_cast<std::uint32_t>(index % call.groups);

  const std::uint32_t first = group * call.group_columns;
  const std::uint32_t count = least(call.group_columns, call.k - first);
  const Half* x = call.x + token * call.k + first;
  std::int32_t* mantissas = call.mantissas + token * call.k + first;

  const int exponent = contract::max_exponent(x, count);
  call.group_exponents[index] = exponent;
  for (std::uint32_t i = 0; i < count; ++i)
    mantissas[i] = contract::aligned_mantissa(x[i], exponent, call.arithmetic.mantissa_bits);
}

BL_HD bool plane_bit(const CallView& call, unsigned plane, std::uint32_t row,
                     std::uint32_t column) {
  const std::size_t row_bytes = (std::size_t{call.k} + 7) / 8;
  const std::size_t byte = (std::size_t{plane} * call.m + row) * row_bytes + column / 8;
  return ((call.planes[byte] >> (column % 8)) & 1) != 0;
}

// The columns of one term, the mantissas of the call's token at these columns, and how a term of
// theirs enters the sum.
struct Block {
  std::uint32_t first;
  std::uint32_t count;
  std::uint32_t group;
  int group_exponent;
  const std::int32_t* mantissas;
  int rounding_exponent;
  unsigned mantissa_bits;

  [[nodiscard]] BL_HD Fixed term(Half scale, std::int64_t sum) const {
    return contract::round_half_up(contract::term(scale, sum, group_exponent, mantissa_bits),
                                   rounding_exponent);
  }
};

BL_HD Fixed bcq_block(const CallView& call, std::uint32_t row, const Block& block) {
  const std::size_t at = std::size_t{row} * call.groups + block.group;
  Fixed sum = 0;
  for (unsigned i = 0; i < call.bits; ++i) {
    std::int64_t signed_sum = 0;
    for (std::uint32_t c = 0; c < block.count; ++c)
      signed_sum +=
          plane_bit(call, i, row, block.first + c) ? block.mantissas[c] : -block.mantissas[c];
    sum += block.term(call.alpha[at * call.bits + i], signed_sum);
  }
  if (call.beta != nullptr) {
    std::int64_t group_sum = 0;
    for (std::uint32_t c = 0; c < block.count; ++c) group_sum += block.mantissas[c];
    sum += block.term(call.beta[at], group_sum);
  }
  return sum;
}

BL_HD Fixed codebook_block(const CallView& call, std::uint32_t row, const Block& block) {
  const std::uint32_t codes = 1U << call.bits;
  std::int64_t sums[1U << kMaxBits];
  for (std::uint32_t code = 0; code < codes; ++code) sums[code] = 0;
  for (std::uint32_t c = 0; c < block.count; ++c) {
    std::uint32_t code = 0;
    for (unsigned plane = 0; plane < call.bits; ++plane)
      code = 2 * code + (plane_bit(call, plane, row, block.first + c) ? 1U : 0U);
    sums[code] += block.mantissas[c];
  }
  Fixed sum = 0;
  for (std::uint32_t code = 0; code < codes; ++code)
    sum += block.term(call.codebook[std::size_t{row} * codes + code], sums[code]);
  return sum;
}

// One thread per token and output.
BL_KERNEL dot_kernel(CallView call) {
  const std::uint64_t index = global_index();
  if (index >= std::uint64_t{call.tokens} * call.m) return;
  const std::uint64_t token = index / call.m;
  const auto row = static_cast<std::uint32_t>(index % call.m);

  const int* group_exponents = call.group_exponents + token * call.groups;
  int token_exponent = contract::kMinExponent;  // E_x
  for (std::uint32_t g = 0; g < call.groups; ++g)
    if (group_exponents[g] > token_exponent) token_exponent = group_exponents[g];
  const bool finite = token_exponent != contract::kNonFiniteExponent;
  if (row == 0) call.nan_tokens[token] = finite ? 0 : 1;
  if (!finite) {
    call.y[index] = contract::quiet_nan(call.format);
    return;
  }

  const Accumulator accumulator = call.arithmetic.accumulator;
  const int q =
      contract::rounding_exponent(accumulator, call.scale_exponent, token_exponent,
                                  contract::terms_per_column(call.mode, call.bits), call.padded_k);
  const std::uint32_t columns = contract::term_columns(call.group_columns, accumulator);
  Fixed sum = 0;
  for (std::uint32_t first = 0; first < call.k; first += columns) {
    const std::uint32_t group = first / call.group_columns;
    const Block block{first,
                      least(columns, call.k - first),
                      group,
                      group_exponents[group],
                      call.mantissas + token * call.k + first,
                      q,
                      call.arithmetic.mantissa_bits};
    sum += call.mode == Mode::bcq ? bcq_block(call, row, block) : codebook_block(call, row, block);
  }
  call.y[index] = contract::round_output(sum, call.format);
}

struct Tables {
  Buffer<Half> alpha;
  Buffer<Half> beta;
  Buffer<Half> codebook;
  int exponent;

  explicit Tables(const PrecisionTables& from)
      : alpha(from.alpha), beta(from.beta), codebook(from.codebook), exponent(largest(from)) {}

  static int largest(const PrecisionTables& from) {
    int exponent = contract::kMinExponent;
    for (const std::vector<Half>* table : {&from.alpha, &from.beta, &from.codebook}) {
      const int e = contract::max_exponent(table->data(), table->size());
      if (e > exponent) exponent = e;
    }
    return exponent;
  }
};

class ReferenceCall final : public PreparedCall {
 public:
  /// `view` holds what the layer gives.
  ReferenceCall(CallView view, const Activations& acts)
      : x_(acts.x),
        group_exponents_(std::size_t{acts.tokens} * view.groups),
        mantissas_(acts.x.size()),
        y_(std::size_t{acts.tokens} * view.m),
        nan_tokens_(acts.tokens),
        view_(view) {
    view_.tokens = acts.tokens;
    view_.x = x_.data();
    view_.group_exponents = group_exponents_.data();
    view_.mantissas = mantissas_.data();
    view_.y = y_.data();
    view_.nan_tokens = nan_tokens_.data();
    y_.fill(kNoOutput);
    nan_tokens_.fill(kNoOutput);
  }

  void set_activations(const Activations& acts) override { x_.write(acts.x); }

  void enqueue(void* stream) override {
    launch(align_kernel, std::uint64_t{view_.tokens} * view_.groups, view_, stream);
    launch(dot_kernel, std::uint64_t{view_.tokens} * view_.m, view_, stream);
  }

  void wait() override { synchronize(); }

  [[nodiscard]] Result read() const override {
    const std::vector<std::uint8_t> flags = nan_tokens_.read();
    return {Outputs{view_.format, view_.tokens, view_.m, y_.read()},
            std::vector<bool>(flags.begin(), flags.end()), 0};
  }

 private:
  Buffer<Half> x_;
  Buffer<int> group_exponents_;
  Buffer<std::int32_t> mantissas_;
  Buffer<std::uint32_t> y_;
  Buffer<std::uint8_t> nan_tokens_;
  CallView view_;
};

class ReferenceLayer final : public LoadedLayer {
 public:
  ReferenceLayer(const Layer& layer, Arithmetic arithmetic)
      : arithmetic_(arithmetic), shape_(layer.shape()), planes_(layer.planes) {
    for (const auto& [bits, tables] : layer.precisions) tables_.emplace(bits, tables);
  }

  [[nodiscard]] std::unique_ptr<PreparedCall> prepare(unsigned bits, const Activations& acts,
                                                      OutputFormat format) const override {
    const Tables& tables = tables_.at(bits);
    CallView view{};
    view.arithmetic = arithmetic_;
    view.format = format;
    view.mode = shape_.mode;
    view.bits = bits;
    view.m = shape_.m;
    view.k = shape_.k;
    view.group_columns = shape_.group_columns();
    view.groups = shape_.groups();
    view.padded_k = shape_.padded_k();
    view.scale_exponent = tables.exponent;
    view.planes = planes_.data();
    view.alpha = tables.alpha.data();
    view.beta = tables.beta.data();
    view.codebook = tables.codebook.data();
    return std::make_unique<ReferenceCall>(view, acts);
  }

 private:
  Arithmetic arithmetic_;
  LayerShape shape_;
  Buffer<std::uint8_t> planes_;
  std::map<unsigned, Tables> tables_;
};

class ReferenceEngine final : public Engine {
 public:
  explicit ReferenceEngine(EngineInfo info) : info_(std::move(info)) {}

  [[nodiscard]] EngineInfo info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<LoadedLayer> load(const Layer& layer,
                                                  Arithmetic arithmetic) const override {
    return std::make_unique<ReferenceLayer>(layer, arithmetic);
  }

 private:
  EngineInfo info_;
};

}  // namespace

std::unique_ptr<Engine> make_reference_engine(EngineInfo info) {
  return std::make_unique<ReferenceEngine>(std::move(info));
}

}  // namespace bitloom::kernels::BL_PLATFORM
