// SPDX-License-Identifier: Apache-2.0
#include "kernels/check/cases.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <sstream>

#include "kernels/check/random.hpp"

namespace bitloom::kernels {
namespace {

Half compose(std::uint64_t random, int exponent) {
  const auto sign_and_fraction = static_cast<std::uint32_t>(random & 0x83FF);
  return {static_cast<std::uint16_t>(sign_and_fraction |
                                     (static_cast<std::uint32_t>(exponent + 15) << 10))};
}

// Exponents halve in frequency from `top` down to top - 8; one value in 256 is 32 times larger.
Half usual(Random& random, int top) {
  const std::uint64_t r = random.next();
  const int below = std::countr_zero((r >> 16) | 0x100);
  const bool outlier = (r >> 56) == 0;
  return compose(r, top - below + (outlier ? 5 : 0));
}

Half draw(Random& random, Data data, int usual_top) {
  switch (data) {
    case Data::any: {
      const std::uint64_t r = random.next();
      return compose(r, static_cast<int>((r >> 16) % 31) - 15);
    }
    case Data::subnormal:
      return {static_cast<std::uint16_t>(random.next() & 0x83FF)};
    case Data::largest:
      return {static_cast<std::uint16_t>(0x7BFF | (random.next() & 0x8000))};
    default:
      return usual(random, usual_top);
  }
}

std::vector<Half> draw_table(Random& random, const Case& c, std::size_t size) {
  std::vector<Half> table(size);
  for (Half& v : table) {
    v = draw(random, c.data, -6);
    if (c.data == Data::zero_group && random.below(4) == 0) v = Half{};
  }
  return table;
}

Activations draw_activations(Random& random, const Case& c, const Layer& layer) {
  Activations acts{c.tokens, c.k, {}};
  acts.x.reserve(std::size_t{c.tokens} * c.k);
  for (std::uint32_t t = 0; t < c.tokens; ++t) {
    bool zero = false;
    for (std::uint32_t k = 0; k < c.k; ++k) {
      if (k % layer.group_columns() == 0) zero = c.data == Data::zero_group && random.below(2) == 0;
      const Half v = draw(random, c.data, 0);
      acts.x.push_back(zero ? Half{static_cast<std::uint16_t>(v.bits & 0x8000)} : v);
    }
  }
  if (c.nan_token && c.tokens > 1) {
    constexpr std::array<std::uint16_t, 4> kNonFinite = {0x7C00, 0xFC00, 0x7E00, 0xFD55};
    acts.x[c.k + random.below(c.k)].bits = kNonFinite[random.below(4)];
  }
  return acts;
}

std::string name_of(const Case& c) {
  std::ostringstream name;
  name << (c.mode == Mode::codebook ? "codebook" : c.offsets ? "bcq+offset" : "bcq");
  name << ' ' << c.m << 'x' << c.k << " g";
  if (c.group_size == 0)
    name << "row";
  else
    name << c.group_size;
  name << " b" << c.bits << " t" << c.tokens << " mb" << c.arithmetic.mantissa_bits << " acc";
  if (c.arithmetic.accumulator.exact())
    name << "exact";
  else
    name << c.arithmetic.accumulator.bits;
  name << (c.format == OutputFormat::binary32 ? " f32 " : " f16 ")
       << kDataNames[static_cast<std::size_t>(c.data)] << (c.nan_token ? " nan" : "") << " s"
       << c.seed;
  return name.str();
}

struct Shape {
  const char* name;
  std::uint32_t m;
  std::uint32_t k;
};

void add_layer(std::vector<Case>& cases, const Shape& shape, Mode mode, unsigned bits,
               std::uint32_t tokens) {
  Case c;
  c.mode = mode;
  c.offsets = mode == Mode::bcq;
  c.m = shape.m;
  c.k = shape.k;
  c.group_size = 128;
  c.bits = bits;
  c.tokens = tokens;
  c.seed = cases.size();
  c.name = std::string(shape.name) + " " + name_of(c);
  cases.push_back(c);
}

void add_llama_layers(std::vector<Case>& cases) {
  constexpr std::array kLlama7b = {
      Shape{"llama7b.q_proj", 4096, 4096},     Shape{"llama7b.k_proj", 4096, 4096},
      Shape{"llama7b.v_proj", 4096, 4096},     Shape{"llama7b.o_proj", 4096, 4096},
      Shape{"llama7b.gate_proj", 11008, 4096}, Shape{"llama7b.up_proj", 11008, 4096},
      Shape{"llama7b.down_proj", 4096, 11008}};
  for (const Shape& shape : kLlama7b)
    for (unsigned bits = 2; bits <= 4; ++bits) add_layer(cases, shape, Mode::bcq, bits, 1);

  constexpr std::array kOthers = {
      Shape{"llama3-8b.k_proj", 1024, 4096},      Shape{"llama3-8b.gate_proj", 14336, 4096},
      Shape{"llama3-8b.down_proj", 4096, 14336},  Shape{"llama3-8b.lm_head", 128256, 4096},
      Shape{"llama3-70b.q_proj", 8192, 8192},     Shape{"llama3-70b.k_proj", 1024, 8192},
      Shape{"llama3-70b.gate_proj", 28672, 8192}, Shape{"llama3-70b.down_proj", 8192, 28672}};
  for (const Shape& shape : kOthers)
    for (unsigned bits = 2; bits <= 4; ++bits) {
      add_layer(cases, shape, Mode::bcq, bits, 1);
      add_layer(cases, shape, Mode::codebook, bits, 1);
    }
  for (const Shape& shape : {kOthers[0], kOthers[5]})
    for (const std::uint32_t tokens : {4U, 16U}) {
      add_layer(cases, shape, Mode::bcq, 2, tokens);
      add_layer(cases, shape, Mode::codebook, 3, tokens);
    }
}

void add_small_layers(std::vector<Case>& cases) {
  constexpr std::array kMantissaBits = {8U, 11U, 12U, 16U, 24U};
  constexpr std::array kAccumulators = {0U, 32U, 48U, 64U, 128U, 0U, 40U};
  constexpr std::array kRows = {1U, 17U, 64U};
  constexpr std::array kTokens = {1U, 2U, 3U, 4U, 1U, 5U, 8U, 2U, 9U, 16U, 4U};
  constexpr std::array kColumns = {1U, 31U, 128U, 257U, 300U, 640U, 1023U, 1500U};
  std::uint32_t i = 0;
  const auto add = [&](Mode mode, bool offsets, std::uint32_t group_size, unsigned bits) {
    // The lengths of the lists have few common factors, so that all pairs of values meet.
    Case c;
    c.mode = mode;
    c.offsets = offsets;
    c.m = kRows[i % kRows.size()];
    c.k = kColumns[i % kColumns.size()];
    c.group_size = group_size;
    c.bits = bits;
    c.tokens = kTokens[i % kTokens.size()];
    c.nan_token = c.tokens > 1 && i % 11 == 5;
    c.data = static_cast<Data>((i + i / 5) % std::size(kDataNames));
    c.arithmetic.mantissa_bits = kMantissaBits[i % kMantissaBits.size()];
    c.arithmetic.accumulator.bits = kAccumulators[i % kAccumulators.size()];
    c.format = (i / 3) % 2 == 0 ? OutputFormat::binary32 : OutputFormat::binary16;
    c.seed = cases.size();
    c.name = name_of(c);
    cases.push_back(c);
    ++i;
  };
  for (int repeat = 0; repeat < 3; ++repeat)
    for (const std::uint32_t group_size : {0U, 32U, 64U, 128U, 256U})
      for (unsigned bits = 1; bits <= 8; ++bits) {
        add(Mode::bcq, false, group_size, bits);
        add(Mode::bcq, true, group_size, bits);
        add(Mode::codebook, false, group_size, bits);
      }
}

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_llama_layers(cases);
  add_small_layers(cases);
  return cases;
}

bool fits_host(const Case& c) {
  const std::uint64_t passes = c.mode == Mode::bcq ? c.bits : 1U << c.bits;
  return std::uint64_t{c.m} * c.k * passes * c.tokens <= 35'000'000;
}

bool is_small(const Case& c) { return std::uint64_t{c.m} * c.k <= 20'000; }

CaseData make_data(const Case& c) {
  Random random(c.seed);
  CaseData data;
  Layer& layer = data.layer;
  layer.name = c.name;
  layer.mode = c.mode;
  layer.m = c.m;
  layer.k = c.k;
  layer.group_size = c.group_size;
  layer.plane_count = c.bits;
  layer.planes.resize(std::size_t{c.bits} * c.m * layer.row_bytes());
  for (std::uint8_t& byte : layer.planes) byte = static_cast<std::uint8_t>(random.next());
  PrecisionTables& tables = layer.precisions[c.bits];
  const std::size_t rows = c.m;
  if (c.mode == Mode::codebook)
    tables.codebook = draw_table(random, c, rows << c.bits);
  else
    tables.alpha = draw_table(random, c, rows * layer.groups() * c.bits);
  if (c.offsets) tables.beta = draw_table(random, c, rows * layer.groups());
  data.acts = draw_activations(random, c, layer);
  return data;
}

std::uint64_t traffic_bytes(const Case& c) {
  Layer shape;
  shape.m = c.m;
  shape.k = c.k;
  shape.group_size = c.group_size;
  const std::uint64_t planes = std::uint64_t{c.bits} * c.m * shape.row_bytes();
  const std::uint64_t values = c.mode == Mode::codebook ? std::uint64_t{c.m} << c.bits
                                                        : std::uint64_t{c.m} * shape.groups() *
                                                              (c.bits + (c.offsets ? 1 : 0));
  const std::uint64_t y = std::uint64_t{c.tokens} * c.m;
  return planes + 2 * values + 2 * std::uint64_t{c.tokens} * c.k +
         (c.format == OutputFormat::binary32 ? 4 : 2) * y;
}

std::vector<std::uint8_t> output_bytes(const Outputs& y) {
  const unsigned width = y.format == OutputFormat::binary32 ? 4 : 2;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(y.bits.size() * width);
  for (const std::uint32_t word : y.bits)
    for (unsigned i = 0; i < width; ++i)
      bytes.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
  return bytes;
}

}  // namespace bitloom::kernels
