// SPDX-License-Identifier: Apache-2.0
// The reference kernel: docs/arithmetic.md with one thread per output and token. It is read and
// trusted rather than fast. nvcc compiles this file for GPUs, the host compiler for the host.
#include <chrono>
#include <map>
#include <utility>

#include "kernels/platform.hpp"
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

class ReferenceLayer final : public LoadedLayer {
 public:
  ReferenceLayer(const Layer& layer, Arithmetic arithmetic)
      : arithmetic_(arithmetic), planes_(layer.planes) {
    shape_.mode = layer.mode;
    shape_.m = layer.m;
    shape_.k = layer.k;
    shape_.group_size = layer.group_size;
    for (const auto& [bits, tables] : layer.precisions) tables_.emplace(bits, tables);
  }

  [[nodiscard]] Result run(unsigned bits, const Activations& acts,
                           OutputFormat format) const override {
    const Tables& tables = tables_.at(bits);
    const Buffer<Half> x(acts.x);
    const Buffer<int> group_exponents(std::size_t{acts.tokens} * shape_.groups());
    const Buffer<std::int32_t> mantissas(acts.x.size());
    const Buffer<std::uint32_t> y(std::size_t{acts.tokens} * shape_.m);
    const Buffer<std::uint8_t> nan_tokens(acts.tokens);

    CallView call{};
    call.arithmetic = arithmetic_;
    call.format = format;
    call.mode = shape_.mode;
    call.bits = bits;
    call.tokens = acts.tokens;
    call.m = shape_.m;
    call.k = shape_.k;
    call.group_columns = shape_.group_columns();
    call.groups = shape_.groups();
    call.padded_k = shape_.padded_k();
    call.scale_exponent = tables.exponent;
    call.planes = planes_.data();
    call.alpha = tables.alpha.data();
    call.beta = tables.beta.data();
    call.codebook = tables.codebook.data();
    call.x = x.data();
    call.group_exponents = group_exponents.data();
    call.mantissas = mantissas.data();
    call.y = y.data();
    call.nan_tokens = nan_tokens.data();

    synchronize();
    const auto start = std::chrono::steady_clock::now();
    launch(align_kernel, std::uint64_t{call.tokens} * call.groups, call);
    launch(dot_kernel, std::uint64_t{call.tokens} * call.m, call);
    synchronize();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

    const std::vector<std::uint8_t> flags = nan_tokens.read();
    return {Outputs{format, acts.tokens, shape_.m, y.read()},
            std::vector<bool>(flags.begin(), flags.end()), elapsed.count()};
  }

 private:
  Arithmetic arithmetic_;
  Layer shape_;  // sizes only; planes and tables are in the engine's memory
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

#ifdef __CUDACC__

EngineSearch find_engine() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return {nullptr, cudaGetErrorString(status)};
  if (count == 0) return {nullptr, "this machine has no GPU"};

  const auto version = [](int v) {
    return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
  };
  cudaDeviceProp properties{};
  int driver = 0;
  int runtime = 0;
  require(cudaGetDeviceProperties(&properties, 0), "properties of the GPU");
  require(cudaDriverGetVersion(&driver), "version of the driver");
  require(cudaRuntimeGetVersion(&runtime), "version of the runtime");
  return {std::make_unique<ReferenceEngine>(
              EngineInfo{properties.name,
                         std::to_string(properties.major) + "." + std::to_string(properties.minor),
                         version(driver), version(runtime)}),
          ""};
}

#else

EngineSearch find_engine() {
  return {std::make_unique<ReferenceEngine>(EngineInfo{"host", "", "", ""}), ""};
}

#endif

}  // namespace bitloom::kernels::BL_PLATFORM
