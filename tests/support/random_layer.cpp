// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_layer.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <ostream>
#include <random>
#include <span>
#include <stdexcept>

#include "sw/layout/tiling.hpp"

namespace bitloom {
namespace {

constexpr std::uint16_t kSign = 0x8000;
constexpr std::uint16_t kInfinity = 0x7C00;
constexpr std::uint16_t kLargest = 0x7BFF;  // 65504

std::uint16_t magnitude(Half h) { return h.bits & 0x7FFFU; }
bool is_zero(Half h) { return magnitude(h) == 0; }
bool is_subnormal(Half h) { return magnitude(h) > 0 && magnitude(h) < 0x0400; }
bool is_finite(Half h) { return magnitude(h) < kInfinity; }
bool is_nan(Half h) { return magnitude(h) > kInfinity; }

// The standard distributions differ between libraries; these do not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // In [0, n); the bias of the remainder does not matter here.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  // In [low, high].
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  template <typename Value>
  const Value& pick(const std::vector<Value>& values) {
    return values[below(static_cast<std::uint32_t>(values.size()))];
  }

  std::uint16_t sign() { return one_in(2) ? kSign : std::uint16_t{0}; }

  // A finite value with the given range of the exponent field and random sign and fraction. One
  // draw per statement here and below: compilers differ in the order of operands.
  Half half(std::uint32_t low_exponent, std::uint32_t high_exponent) {
    const std::uint32_t exponent = between(low_exponent, high_exponent) << 10U;
    const std::uint32_t fraction = below(1024);
    return {static_cast<std::uint16_t>(sign() | exponent | fraction)};
  }

  // The integer n >= 0 with a random sign; exact up to 2047, like binary16.
  Half integer(std::uint32_t n) {
    if (n == 0) return {sign()};
    std::uint32_t exponent = 25;
    while (n < 1024) {
      n *= 2;
      --exponent;
    }
    return {static_cast<std::uint16_t>(sign() | exponent << 10U | (n & 1023U))};
  }

 private:
  std::mt19937_64 engine_;
};

// A way of drawing values; one token, or one layer's tables, is drawn in one way.
using Draw = std::function<Half(Random&)>;

// The kinds of values that tokens and tables are drawn from.
std::vector<Draw> value_kinds(Random& random) {
  const Half constant = random.half(8, 20);
  const std::uint32_t center = random.between(2, 28);
  return {
      [center](Random& r) { return r.half(center - 2, center + 2); },
      [](Random& r) { return r.half(9, 15); },
      [](Random& r) { return r.half(0, 30); },
      [](Random& r) { return r.half(0, r.one_in(4) ? 2 : 0); },
      [](Random& r) { return r.one_in(3) ? Half{kLargest} : r.half(27, 30); },
      [](Random& r) { return r.one_in(8) ? r.half(10, 18) : Half{r.sign()}; },
      [](Random& r) { return r.one_in(20) ? r.half(0, 1) : r.integer(r.below(2048)); },
      [](Random& r) { return r.integer(r.below(3)); },
      [constant](Random& r) {
        return Half{static_cast<std::uint16_t>(magnitude(constant) | r.sign())};
      },
  };
}

// A few of the least units, 2^-24.
Half least(Random& random) {
  const std::uint32_t units = random.below(8);
  return {static_cast<std::uint16_t>(random.sign() | units)};
}

// Values of one kind. `all_least` makes whole calls so small that their results vanish in binary16,
// which values drawn apart from each other hardly ever do.
std::vector<Half> draw_values(Random& random, std::size_t count, bool all_least) {
  const Draw draw = all_least ? least : random.pick(value_kinds(random));
  std::vector<Half> values(count);
  for (Half& value : values) value = draw(random);
  return values;
}

std::vector<Half> draw_table(Random& random, std::size_t count, bool all_least) {
  std::vector<Half> values = draw_values(random, count, all_least);
  const bool positive = random.one_in(3);  // as quantizers make scales
  for (Half& value : values) {
    if (positive) value.bits = magnitude(value);
    if (random.one_in(40)) value.bits = random.sign();
  }
  return values;
}

// Small, near a whole number of groups, or anything.
std::uint32_t draw_columns(Random& random, std::uint32_t group_size, std::uint32_t max_k) {
  const std::uint32_t group = group_size == 0 ? 64 : group_size;
  switch (random.below(6)) {
    case 0:
      return 1;
    case 1:
      return random.between(1, std::min(40U, max_k));
    case 2:
    case 3: {
      const std::uint32_t groups = random.between(1, 4);
      return std::min(group * groups + random.below(3) - 1, max_k);
    }
    default:
      return random.between(1, max_k);
  }
}

Layer draw_layer(Random& random, const CaseLimits& limits, bool all_least, unsigned& bits) {
  Layer layer;
  layer.name = "random";
  layer.mode = limits.max_codebook_bits > 0 && random.one_in(3) ? Mode::codebook : Mode::bcq;
  const unsigned max_bits = layer.mode == Mode::bcq ? limits.max_bits : limits.max_codebook_bits;
  bits = random.between(1, max_bits);
  layer.plane_count = random.one_in(2) ? bits : random.between(bits, max_bits);
  layer.group_size = random.pick(limits.group_sizes);
  layer.k = draw_columns(random, layer.group_size, limits.max_k);
  layer.m = random.one_in(8) ? 1 : random.between(1, limits.max_m);
  layer.planes.resize(layer.plane_count * layer.m * layer.row_bytes());
  for (std::uint8_t& byte : layer.planes) byte = static_cast<std::uint8_t>(random.below(256));
  const bool has_offsets = random.one_in(2);
  const bool serves_all = random.one_in(4);
  const std::size_t cells = std::size_t{layer.m} * layer.groups();
  for (unsigned b = 1; b <= layer.plane_count; ++b) {
    if (b != bits && !serves_all) continue;
    PrecisionTables& tables = layer.precisions[b];
    if (layer.mode == Mode::codebook) {
      tables.codebook = draw_table(random, std::size_t{layer.m} << b, all_least);
    } else {
      tables.alpha = draw_table(random, cells * b, all_least);
      if (has_offsets) tables.beta = draw_table(random, cells, all_least);
    }
  }
  return layer;
}

std::vector<Half> draw_token(Random& random, const Layer& layer, bool all_least) {
  std::vector<Half> x = draw_values(random, layer.k, all_least);
  if (random.one_in(4)) {
    const std::size_t begin = std::size_t{random.below(layer.groups())} * layer.group_columns();
    const std::size_t end = std::min<std::size_t>(begin + layer.group_columns(), layer.k);
    for (std::size_t k = begin; k < end; ++k) x[k].bits &= kSign;
  }
  if (random.one_in(12)) {
    const std::uint32_t fraction = random.one_in(2) ? 0 : random.between(1, 1023);
    x[random.below(layer.k)].bits =
        static_cast<std::uint16_t>(random.sign() | kInfinity | fraction);
  }
  return x;
}

Accumulator draw_accumulator(Random& random, const CaseLimits& limits) {
  if (limits.accumulator) return *limits.accumulator;
  if (!limits.narrow_accumulators || random.one_in(2)) return {};
  switch (random.below(4)) {
    case 0:
      return {32};
    case 1:
      return {128};
    default:
      return {random.between(32, random.one_in(2) ? 64 : 128)};
  }
}

std::string group_text(std::uint32_t group_size) {
  return group_size == 0 ? "one group per row" : "group size " + std::to_string(group_size);
}

std::string accumulator_text(Accumulator accumulator) {
  return accumulator.exact() ? "exact accumulator"
                             : std::to_string(accumulator.bits) + "-bit accumulator";
}

// The four ranges of narrow accumulators that the coverage tells apart.
std::string accumulator_feature(Accumulator accumulator) {
  if (accumulator.exact()) return "exact accumulator";
  if (accumulator.bits == 32) return "32-bit accumulator";
  if (accumulator.bits == 128) return "128-bit accumulator";
  return accumulator.bits < 64 ? "accumulator of 33..63 bits" : "accumulator of 64..127 bits";
}

std::string bits_text(Mode mode, unsigned bits) {
  return (mode == Mode::bcq ? "BCQ, " : "codebook, ") + std::to_string(bits) +
         (bits == 1 ? " bit" : " bits");
}

std::string mode_group_text(Mode mode, std::uint32_t group_size) {
  return (mode == Mode::bcq ? "BCQ, " : "codebook, ") + group_text(group_size);
}

using Hit = std::function<void(const std::string&, bool)>;

void layer_features(const RandomCase& c, const Hit& hit) {
  const Layer& layer = c.layer;
  hit(bits_text(layer.mode, c.bits), true);
  hit(mode_group_text(layer.mode, layer.group_size), true);
  hit("planes beyond the precision", layer.plane_count > c.bits);
  hit("several precisions", layer.precisions.size() > 1);
  hit("M = 1", layer.m == 1);
  hit("M not a multiple of 4", layer.m % 4 != 0);
  hit("K = 1", layer.k == 1);
  hit("K not a multiple of 8", layer.k % 8 != 0);
  hit("K not a multiple of the group size", layer.k % layer.group_columns() != 0);
  hit("several groups", layer.groups() > 1);
  const bool row_blocks = layer.group_size == 0 && layer.k > 256;
  hit("one group per row, several blocks", row_blocks);
  hit("one group per row, narrow, several blocks", row_blocks && !c.arithmetic.accumulator.exact());
  const PrecisionTables& tables = layer.precisions.at(c.bits);
  if (layer.mode == Mode::bcq) {
    hit("offsets", !tables.beta.empty());
    hit("no offsets", tables.beta.empty());
    hit("one group per row, offsets", layer.group_size == 0 && !tables.beta.empty());
  }
  const auto any_entry = [&](bool (*property)(Half)) {
    return std::any_of(tables.alpha.begin(), tables.alpha.end(), property) ||
           std::any_of(tables.beta.begin(), tables.beta.end(), property) ||
           std::any_of(tables.codebook.begin(), tables.codebook.end(), property);
  };
  hit("table entry subnormal", any_entry(is_subnormal));
  hit("table entry of magnitude 65504", any_entry([](Half h) { return magnitude(h) == kLargest; }));
  hit("table entry negative", any_entry([](Half h) { return h.bits > kSign; }));
  hit("table entry +0", any_entry([](Half h) { return h.bits == 0; }));
  hit("table entry -0", any_entry([](Half h) { return h.bits == kSign; }));
}

std::uint32_t nan_tokens(const RandomCase& c) {
  std::uint32_t count = 0;
  for (std::size_t t = 0; t < c.acts.tokens; ++t) {
    const auto x = std::span(c.acts.x).subspan(t * c.acts.k, c.acts.k);
    if (!std::all_of(x.begin(), x.end(), is_finite)) ++count;
  }
  return count;
}

// What a layer asks of an array.
void hardware_features(const RandomCase& c, const HardwareConfig& hardware, const Hit& hit) {
  const Tiling t = tiling_of(c.layer, hardware);
  hit("several row tiles", t.tiles > 1);
  hit("blocks of several slices", t.slices > 1);
  hit("blocks of several groups", t.shared_word);
  hit("blocks of several groups, fewer in the last one", t.last_span < t.span && t.blocks > 1);
  hit("odd number of scale vectors",
      scale_vectors(c.layer, c.bits, !c.layer.precisions.at(c.bits).beta.empty(), hardware) % 2 !=
          0);
  hit("more tokens than the array takes at once", c.acts.tokens > hardware.tokens);
  hit("all tokens of the array in use", c.acts.tokens >= hardware.tokens);
  hit("NaN beside tokens without",
      c.acts.tokens > 1 && nan_tokens(c) > 0 && nan_tokens(c) < c.acts.tokens);
}

std::vector<std::string> hardware_rows(const CaseLimits& limits) {
  const HardwareConfig& hardware = *limits.hardware;
  std::vector<std::string> rows = {"several row tiles", "odd number of scale vectors",
                                   "more tokens than the array takes at once",
                                   "all tokens of the array in use"};
  const auto& sizes = limits.group_sizes;
  const auto any_group = [&](bool (*property)(std::uint32_t columns, std::uint32_t array)) {
    return std::any_of(sizes.begin(), sizes.end(), [&](std::uint32_t size) {
      return property(size == 0 ? kRowBlockColumns : size, hardware.columns);
    });
  };
  if (any_group([](std::uint32_t columns, std::uint32_t array) { return columns > array; }))
    rows.emplace_back("blocks of several slices");
  if (any_group([](std::uint32_t columns, std::uint32_t array) { return columns < array; }))
    rows.insert(rows.end(),
                {"blocks of several groups", "blocks of several groups, fewer in the last one"});
  if (limits.max_tokens > 1) rows.emplace_back("NaN beside tokens without");
  return rows;
}

void token_features(const RandomCase& c, std::span<const Half> x, const Hit& hit) {
  const auto any = [](std::span<const Half> values, bool (*property)(Half)) {
    return std::any_of(values.begin(), values.end(), property);
  };
  hit("token with NaN", any(x, is_nan));
  hit("token with infinity", any(x, [](Half h) { return magnitude(h) == kInfinity; }));
  if (!std::all_of(x.begin(), x.end(), is_finite)) return;
  hit("activation subnormal", any(x, is_subnormal));
  hit("activation of magnitude 65504", any(x, [](Half h) { return magnitude(h) == kLargest; }));
  hit("activation -0", any(x, [](Half h) { return h.bits == kSign; }));
  for (std::size_t begin = 0; begin < x.size(); begin += c.layer.group_columns()) {
    const auto group =
        x.subspan(begin, std::min<std::size_t>(c.layer.group_columns(), x.size() - begin));
    const auto exponent = [](Half h) { return std::max(1, magnitude(h) >> 10U); };
    int low = 31;
    int high = 0;
    for (const Half h : group) {
      if (is_zero(h)) continue;
      low = std::min(low, exponent(h));
      high = std::max(high, exponent(h));
    }
    hit("all-zero group", high == 0);
    hit("group of subnormals only",
        high == 1 && !any(group, [](Half h) { return magnitude(h) >= 0x0400; }));
    hit("group with exponents 20 or more apart", high - low >= 20);
  }
}

void output_features(const RandomCase& c, const Outputs& y, const Hit& hit) {
  const std::uint32_t sign = y.format == OutputFormat::binary32 ? 0x80000000U : kSign;
  const std::uint32_t infinity = y.format == OutputFormat::binary32 ? 0x7F800000U : kInfinity;
  const auto any = [&](const std::function<bool(std::uint32_t)>& property) {
    return std::any_of(y.bits.begin(), y.bits.end(), property);
  };
  hit("output +0", any([](std::uint32_t v) { return v == 0; }));
  hit("output NaN", any([&](std::uint32_t v) { return (v & ~sign) > infinity; }));
  if (c.format == OutputFormat::binary32) return;
  hit("binary16 output infinite", any([&](std::uint32_t v) { return (v & ~sign) == infinity; }));
  hit("binary16 output -0", any([&](std::uint32_t v) { return v == sign; }));
  hit("binary16 output subnormal",
      any([&](std::uint32_t v) { return (v & ~sign) > 0 && (v & ~sign) < 0x0400; }));
}

void visit_features(const RandomCase& c, const Outputs& y, const CaseLimits& limits,
                    const Hit& hit) {
  layer_features(c, hit);
  if (limits.hardware) hardware_features(c, *limits.hardware, hit);
  hit("mantissa of " + std::to_string(c.arithmetic.mantissa_bits) + " bits", true);
  hit(accumulator_feature(c.arithmetic.accumulator), true);
  hit(c.format == OutputFormat::binary32 ? "binary32 output" : "binary16 output", true);
  hit("several tokens", c.acts.tokens > 1);
  for (std::size_t t = 0; t < c.acts.tokens; ++t)
    token_features(c, std::span(c.acts.x).subspan(t * c.acts.k, c.acts.k), hit);
  output_features(c, y, hit);
}

// Every row that cases within `limits` can hit.
std::vector<std::string> rows_of(const CaseLimits& limits) {
  std::vector<std::string> rows = {"planes beyond the precision",
                                   "several precisions",
                                   "M = 1",
                                   "M not a multiple of 4",
                                   "K = 1",
                                   "K not a multiple of 8",
                                   "K not a multiple of the group size",
                                   "several groups",
                                   "offsets",
                                   "no offsets",
                                   "table entry subnormal",
                                   "table entry of magnitude 65504",
                                   "table entry negative",
                                   "table entry +0",
                                   "table entry -0",
                                   "token with NaN",
                                   "token with infinity",
                                   "activation subnormal",
                                   "activation of magnitude 65504",
                                   "activation -0",
                                   "all-zero group",
                                   "group of subnormals only",
                                   "group with exponents 20 or more apart",
                                   "binary32 output",
                                   "output +0",
                                   "output NaN"};
  const auto append = [&rows](std::vector<std::string> more) {
    rows.insert(rows.end(), more.begin(), more.end());
  };
  for (unsigned b = 1; b <= limits.max_bits; ++b) append({bits_text(Mode::bcq, b)});
  for (unsigned b = 1; b <= limits.max_codebook_bits; ++b) append({bits_text(Mode::codebook, b)});
  const auto& sizes = limits.group_sizes;
  const bool row_groups = std::find(sizes.begin(), sizes.end(), 0U) != sizes.end();
  for (const std::uint32_t g : sizes) {
    append({mode_group_text(Mode::bcq, g)});
    if (limits.max_codebook_bits > 0) append({mode_group_text(Mode::codebook, g)});
  }
  if (row_groups) append({"one group per row, offsets"});
  if (row_groups && limits.max_k > kRowBlockColumns) append({"one group per row, several blocks"});
  if (limits.hardware) append(hardware_rows(limits));
  for (const unsigned mb : limits.mantissa_bits)
    append({"mantissa of " + std::to_string(mb) + " bits"});
  if (limits.max_tokens > 1) append({"several tokens"});
  if (limits.binary16_output)
    append({"binary16 output", "binary16 output infinite", "binary16 output -0",
            "binary16 output subnormal"});
  if (limits.accumulator)
    append({accumulator_feature(*limits.accumulator)});
  else
    append({"exact accumulator"});
  const bool narrow =
      limits.accumulator ? !limits.accumulator->exact() : limits.narrow_accumulators;
  if (!limits.accumulator && narrow)
    append({"32-bit accumulator", "128-bit accumulator", "accumulator of 33..63 bits",
            "accumulator of 64..127 bits"});
  if (narrow && row_groups && limits.max_k > kRowBlockColumns)
    append({"one group per row, narrow, several blocks"});
  return rows;
}

}  // namespace

RandomCase make_random_case(std::uint64_t seed, const CaseLimits& limits) {
  Random random(seed);
  RandomCase c;
  c.seed = seed;
  const bool all_least = random.one_in(16);
  c.layer = draw_layer(random, limits, all_least, c.bits);
  c.acts.tokens = random.between(1, limits.max_tokens);
  c.acts.k = c.layer.k;
  for (std::uint32_t t = 0; t < c.acts.tokens; ++t) {
    const std::vector<Half> x = draw_token(random, c.layer, all_least);
    c.acts.x.insert(c.acts.x.end(), x.begin(), x.end());
  }
  c.arithmetic.mantissa_bits = random.pick(limits.mantissa_bits);
  c.arithmetic.accumulator = draw_accumulator(random, limits);
  if (limits.binary16_output && random.one_in(2)) c.format = OutputFormat::binary16;
  return c;
}

std::string describe(const RandomCase& c) {
  return "seed " + std::to_string(c.seed) + ": " + std::to_string(c.layer.m) + " x " +
         std::to_string(c.layer.k) + ", " + bits_text(c.layer.mode, c.bits) + " of " +
         std::to_string(c.layer.plane_count) + " planes, " + group_text(c.layer.group_size) + ", " +
         std::to_string(c.acts.tokens) + " tokens, mantissa of " +
         std::to_string(c.arithmetic.mantissa_bits) + " bits, " +
         accumulator_text(c.arithmetic.accumulator) + ", " +
         (c.format == OutputFormat::binary32 ? "binary32" : "binary16");
}

CaseLimits machine_limits(const HardwareConfig& hardware, std::uint32_t max_m,
                          std::uint32_t max_k) {
  CaseLimits limits;
  limits.max_m = max_m;
  limits.max_k = max_k;
  limits.max_tokens = hardware.tokens + 2;
  limits.max_bits = hardware.max_bits;
  limits.max_codebook_bits = hardware.max_codebook_bits;
  limits.mantissa_bits = {hardware.mantissa_bits};
  limits.accumulator = hardware.accumulator;
  limits.hardware = hardware;
  return limits;
}

Coverage::Coverage(const CaseLimits& limits) : limits_(limits) {
  for (const std::string& row : rows_of(limits)) counts_[row] = 0;
}

void Coverage::add(const RandomCase& random_case, const Outputs& y) {
  std::map<std::string, bool> hits;
  visit_features(random_case, y, limits_, [&hits](const std::string& feature, bool is_hit) {
    if (is_hit) hits[feature] = true;
  });
  for (const auto& [feature, is_hit] : hits) ++counts_[feature];
}

void Coverage::print(std::ostream& out) const {
  for (const auto& [feature, count] : counts_) {
    std::string number = std::to_string(count);
    number.insert(0, number.size() < 8 ? 8 - number.size() : 0, ' ');
    out << number << "  " << feature << '\n';
  }
}

void Coverage::require(std::uint64_t minimum) const {
  std::string missing;
  for (const auto& [feature, count] : counts_)
    if (count < minimum) missing += "\n  " + feature + ": " + std::to_string(count);
  if (!missing.empty())
    throw std::runtime_error("features hit by fewer than " + std::to_string(minimum) +
                             " cases:" + missing);
}

}  // namespace bitloom
