// SPDX-License-Identifier: Apache-2.0
// The engine on whole jobs of every mode, against the contract of docs/arithmetic.md in exact
// integers. Streams are built here from the layer as docs/layout.md orders them.
#include <VEngineNarrow/VEngineNarrow.h>
#include <VEngineSmall/VEngineSmall.h>
#include <VEngineWide/VEngineWide.h>

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/support/alignment.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/job.hpp"
#include "tests/rtl/support/numbers.hpp"
#include "tests/rtl/support/random.hpp"

namespace {

using namespace bitloom::rtl;

// As in CMakeLists.txt.
struct Shape {
  unsigned rows;
  unsigned columns;
  unsigned tokens;
  unsigned line_bytes;
  unsigned lanes;  // results per cycle
  unsigned max_k;
  unsigned accumulator;  // 0 = exact
};
constexpr unsigned kMantissaBits = 16;
constexpr Shape kSmall{.rows = 4,
                       .columns = 16,
                       .tokens = 2,
                       .line_bytes = 8,
                       .lanes = 2,
                       .max_k = 2048,
                       .accumulator = 0};
constexpr Shape kWide{.rows = 4,
                      .columns = 128,
                      .tokens = 3,
                      .line_bytes = 64,
                      .lanes = 4,
                      .max_k = 4096,
                      .accumulator = 0};
constexpr Shape kNarrow{.rows = 2,
                        .columns = 32,
                        .tokens = 1,
                        .line_bytes = 8,
                        .lanes = 1,
                        .max_k = 1024,
                        .accumulator = 40};
constexpr unsigned kBlockColumns = 256;  // of a group per row

template <class Model>
void set_idle(Model& engine) {
  engine.job_valid_i = 0;
  engine.weight_valid_i = 0;
  engine.scale_valid_i = 0;
  engine.act_valid_i = 0;
  engine.result_ready_i = 0;
}

struct Result {
  std::uint32_t bits;
  bool nan;
  unsigned token;
};

/// What one job is made of; the rest is random.
struct Kind {
  unsigned tiles = 1;
  std::uint32_t k = 128;
  std::uint32_t group = 128;  // 0 = one per row
  unsigned bits = 2;
  bool codebook = false;
  bool offset = true;
  bool binary16 = false;
  unsigned tokens = 1;
  bool finite = true;
};

/// A job's memory streams in bytes, whole lines, and its results by the contract.
struct Job {
  EngineJob engine;
  std::vector<std::uint8_t> weights;
  std::vector<std::uint8_t> scales;
  std::vector<std::uint8_t> activations;
  std::vector<Result> results;
  std::size_t passes = 0;
};

void push_half(std::vector<std::uint8_t>& bytes, unsigned half) {
  bytes.push_back(static_cast<std::uint8_t>(half & 0xFFU));
  bytes.push_back(static_cast<std::uint8_t>(half >> 8U));
}

void pad(std::vector<std::uint8_t>& bytes, std::size_t unit) {
  while (bytes.size() % unit != 0) bytes.push_back(0);
}

unsigned random_scale(Random& random) {
  auto half = static_cast<unsigned>(random.bits(16));
  if (((half >> 10) & 31U) == 31U) half ^= 0x4000U;
  if (random.chance(10)) half &= 0x83FFU;  // subnormal
  if (random.chance(5)) half &= 0x8000U;   // zero
  return half;
}

int exponent_of(unsigned half) {  // e(v) of the contract, of a nonzero value
  const int field = static_cast<int>((half >> 10) & 31U);
  return field == 0 ? -14 : field - 15;
}

int ceil_log2(std::uint64_t value) { return static_cast<int>(std::bit_width(value - 1)); }

/// Everything that the contract says about one random layer call.
class Layer {
 public:
  Layer(Random& random, const Shape& shape, const Kind& kind)
      : random_(random), shape_(shape), kind_(kind) {
    group_ = kind.group == 0 ? kBlockColumns : kind.group;
    set_columns(job_.engine, kind.k, kind.group, shape.columns);
    EngineJob& engine = job_.engine;
    engine.tiles = kind.tiles;
    engine.bits = kind.bits;
    engine.rounds = kind.codebook ? 1U << kind.bits : kind.bits;
    engine.codebook = kind.codebook;
    engine.has_offset = kind.offset && !kind.codebook;
    engine.binary16 = kind.binary16;
    engine.tokens = kind.tokens;
    width_ = engine.blocks * engine.slices() * shape.columns;
    groups_ = (kind.k + group_ - 1) / group_;
    make_weights();
    make_tables();
    make_activations();
    make_streams();
    job_.passes = std::size_t{engine.tiles} * engine.rounds *
                  ((engine.blocks - 1) * engine.span + engine.last_span);
    for (unsigned tile = 0; tile < kind.tiles; ++tile)
      for (unsigned token = 0; token < kind.tokens; ++token)
        for (unsigned r = 0; r < shape.rows; ++r)
          job_.results.push_back(result(token, tile * shape.rows + r));
  }

  Job take() { return std::move(job_); }

 private:
  [[nodiscard]] unsigned rows() const { return kind_.tiles * shape_.rows; }
  [[nodiscard]] bool once_per_row() const { return kind_.codebook || kind_.group == 0; }
  [[nodiscard]] std::uint32_t table_groups() const { return once_per_row() ? 1 : groups_; }

  void make_weights() {
    planes_.resize(std::size_t{kind_.bits} * rows() * width_);
    for (unsigned p = 0; p < kind_.bits; ++p)
      for (unsigned r = 0; r < rows(); ++r)
        for (std::uint32_t c = 0; c < kind_.k; ++c)
          planes_[(p * rows() + r) * width_ + c] = random_.chance(50) ? 1 : 0;
  }

  void make_tables() {
    const std::size_t cells = std::size_t{rows()} * table_groups();
    const unsigned per_cell = job_.engine.rounds;
    bool any = false;
    const auto draw = [&] {
      const unsigned half = random_scale(random_);
      if ((half & 0x7FFFU) == 0) return half;
      largest_ = any ? std::max(largest_, exponent_of(half)) : exponent_of(half);
      any = true;
      return half;
    };
    for (std::size_t i = 0; i < cells * per_cell; ++i) alphas_.push_back(draw());
    if (job_.engine.has_offset)
      for (std::size_t i = 0; i < cells; ++i) betas_.push_back(draw());
  }

  [[nodiscard]] unsigned alpha(unsigned row, std::uint32_t group, unsigned round) const {
    const std::size_t cell = std::size_t{row} * table_groups() + (once_per_row() ? 0 : group);
    return alphas_[cell * job_.engine.rounds + round];
  }
  [[nodiscard]] unsigned beta(unsigned row, std::uint32_t group) const {
    return betas_[std::size_t{row} * table_groups() + (once_per_row() ? 0 : group)];
  }

  // Groups as the contract has them: one for the whole row where the layer has one per row.
  void make_activations() {
    for (unsigned t = 0; t < kind_.tokens; ++t) {
      std::vector<unsigned> halves;
      bool finite = kind_.finite || random_.chance(50);
      for (std::uint32_t g = 0; g < groups_; ++g) {
        const bool here = !finite && (g + 1 == groups_ || random_.chance(30));
        for (const unsigned half : random_group(random_, group_, !here)) halves.push_back(half);
        finite = finite || here;
      }
      for (std::uint32_t c = kind_.k; c < halves.size(); ++c) halves[c] = 0;
      halves.resize(width_, 0);
      Token token{.halves = halves, .mantissas = {}, .exponents = {}, .largest = -14, .nan = false};
      const std::uint32_t size = kind_.group == 0 ? width_ : group_;
      for (std::uint32_t first = 0; first < width_; first += size) {
        const AlignedGroup aligned =
            align_group({halves.begin() + first, halves.begin() + std::min(first + size, width_)},
                        kMantissaBits);
        token.mantissas.insert(token.mantissas.end(), aligned.mantissas.begin(),
                               aligned.mantissas.end());
        token.exponents.push_back(aligned.exponent);
        token.largest = std::max(token.largest, aligned.exponent);
        token.nan = token.nan || aligned.not_finite;
      }
      tokens_.push_back(std::move(token));
    }
  }

  void make_streams() {
    const EngineJob& engine = job_.engine;
    const std::size_t line = shape_.line_bytes;
    for (unsigned tile = 0; tile < engine.tiles; ++tile)
      for (std::uint32_t block = 0; block < engine.blocks; ++block)
        for (unsigned plane = 0; plane < kind_.bits; ++plane)
          for (std::uint32_t slice = 0; slice < engine.slices(); ++slice)
            for (unsigned r = 0; r < shape_.rows; ++r) {
              const std::uint32_t first = (block * engine.slices() + slice) * shape_.columns;
              for (unsigned c = 0; c < shape_.columns; c += 8) {
                unsigned byte = 0;
                for (unsigned i = 0; i < 8; ++i)
                  byte |= unsigned{planes_[(plane * rows() + tile * shape_.rows + r) * width_ +
                                           first + c + i]}
                          << i;
                job_.weights.push_back(static_cast<std::uint8_t>(byte));
              }
            }
    make_scale_stream();
    for (const Token& token : tokens_) {
      for (const unsigned half : token.halves) push_half(job_.activations, half);
      pad(job_.activations, line);
    }
    if (kind_.group == 0 || shape_.accumulator != 0) {  // read twice
      const std::vector<std::uint8_t> once = job_.activations;
      job_.activations.insert(job_.activations.end(), once.begin(), once.end());
    }
  }

  void make_scale_stream() {
    EngineJob& engine = job_.engine;
    std::size_t vectors = 0;
    const auto vector = [&](unsigned tile, const auto& value) {
      for (unsigned r = 0; r < shape_.rows; ++r)
        push_half(job_.scales, value(tile * shape_.rows + r));
      ++vectors;
    };
    const auto sum = [&](unsigned tile, std::uint32_t group, unsigned round) {
      if (engine.has_offset && round == 0)
        vector(tile, [&](unsigned row) { return beta(row, group); });
      vector(tile, [&](unsigned row) { return alpha(row, group, round); });
    };
    for (unsigned tile = 0; tile < engine.tiles; ++tile) {
      const std::uint32_t blocks = once_per_row() ? 1 : engine.blocks;
      for (std::uint32_t block = 0; block < blocks; ++block)
        for (unsigned round = 0; round < engine.rounds; ++round) {
          const std::uint32_t groups = once_per_row() || !engine.shared_word ? 1
                                       : block + 1 == engine.blocks          ? engine.last_span
                                                                             : engine.span;
          for (std::uint32_t s = 0; s < groups; ++s)
            sum(tile, engine.shared_word ? block * engine.span + s : block, round);
        }
    }
    if (vectors % 2 != 0) {
      for (unsigned r = 0; r < shape_.rows; ++r)
        push_half(job_.scales, static_cast<unsigned>(random_.bits(16)));
      ++vectors;
    }
    engine.scale_pairs = static_cast<std::uint32_t>(vectors / 2);
    while (job_.scales.size() % shape_.line_bytes != 0)
      job_.scales.push_back(static_cast<std::uint8_t>(random_.bits(8)));
    const std::uint64_t kp = kind_.group == 0 ? kind_.k : groups_ * group_;
    const std::uint64_t n = kind_.codebook ? 1 : kind_.bits + 1;
    if (shape_.accumulator != 0) engine.rounding_exponent = largest_ + 4 + ceil_log2(n * kp);
  }

  // All terms as integers times 2^(-36 - MB); see half_units and align_group.
  [[nodiscard]] Result result(unsigned token, unsigned row) const {
    const Token& x = tokens_[token];
    if (x.nan) return {(kind_.binary16 ? kBinary16 : kBinary32).quiet_nan, true, token};
    constexpr int kUnit = -36 - static_cast<int>(kMantissaBits);
    const int q = job_.engine.rounding_exponent + x.largest - static_cast<int>(shape_.accumulator);
    cpp_int total = 0;
    const auto add = [&](unsigned half, std::int64_t factor, int exponent) {
      cpp_int term = cpp_int(half_units(half)) * factor << static_cast<unsigned>(exponent + 14);
      if (shape_.accumulator != 0 && q > kUnit) {
        const auto drop = static_cast<unsigned>(q - kUnit);
        term = (term + (cpp_int(1) << (drop - 1))) >> drop << drop;  // floor: >> of cpp_int floors
      }
      total += term;
    };
    for (std::uint32_t first = 0; first < width_; first += group_) {
      const std::uint32_t group = first / group_;
      const int exponent = x.exponents[kind_.group == 0 ? 0 : group];
      if (group >= groups_) break;
      std::int64_t all = 0;
      for (std::uint32_t c = first; c < first + group_; ++c) all += x.mantissas[c];
      for (unsigned round = 0; round < job_.engine.rounds; ++round)
        add(alpha(row, group, round), sum(x, row, round, first), exponent);
      if (job_.engine.has_offset) add(beta(row, group), all, exponent);
    }
    return {nearest(total, kUnit, kind_.binary16 ? kBinary16 : kBinary32), false, token};
  }

  struct Token {
    std::vector<unsigned> halves;
    std::vector<std::int64_t> mantissas;
    std::vector<int> exponents;  // E_g by group
    int largest;                 // E_x
    bool nan;
  };

  // S of a plane, or the sum over the columns with a code.
  [[nodiscard]] std::int64_t sum(const Token& x, unsigned row, unsigned round,
                                 std::uint32_t first) const {
    std::int64_t total = 0;
    for (std::uint32_t c = first; c < first + group_; ++c) {
      unsigned code = 0;
      for (unsigned p = 0; p < kind_.bits; ++p)
        code = 2 * code + planes_[(p * rows() + row) * width_ + c];
      const std::int64_t m = x.mantissas[c];
      if (kind_.codebook)
        total += code == round ? m : 0;
      else
        total += planes_[(round * rows() + row) * width_ + c] != 0 ? m : -m;
    }
    return total;
  }

  Random& random_;
  Shape shape_;
  Kind kind_;
  Job job_;
  std::uint32_t group_ = 0;   // columns of a group, or of a block of a group per row
  std::uint32_t groups_ = 0;  // of K
  std::uint32_t width_ = 0;   // columns of the images
  std::vector<std::uint8_t> planes_;
  std::vector<unsigned> alphas_;
  std::vector<unsigned> betas_;
  int largest_ = -14;  // E_s
  std::vector<Token> tokens_;
};

Job make_job(Random& random, const Shape& shape, const Kind& kind) {
  return Layer(random, shape, kind).take();
}

Kind random_kind(Random& random, const Shape& shape) {
  Kind kind;
  kind.tiles = static_cast<unsigned>(random.between(1, 4));
  kind.k = static_cast<std::uint32_t>(random.between(1, random.chance(80) ? 400 : shape.max_k));
  kind.group = std::array{0U, 32U, 64U, 128U, 256U}[static_cast<std::size_t>(random.between(0, 4))];
  kind.codebook = random.chance(40);
  kind.bits = static_cast<unsigned>(random.between(1, kind.codebook ? 4 : 8));
  kind.offset = random.chance(60);
  kind.binary16 = random.chance(30);
  kind.tokens = static_cast<unsigned>(random.between(1, shape.tokens));
  kind.finite = !random.chance(10);
  return kind;
}

struct Rates {
  unsigned weights = 100;
  unsigned scales = 100;
  unsigned activations = 100;
  unsigned results = 100;
};

/// Runs jobs back to back with streams that are ready `rates` percent of the cycles; returns the
/// cycles from the first pass to the last, bubbles included, by cause.
template <class Model>
std::array<unsigned, 6> run_jobs(const Shape& shape, const std::vector<Job>& jobs,
                                 const Rates& percent) {
  Bench<Model> engine([](Model& model) { set_idle(model); });
  Random random(131);
  struct Stream {
    std::vector<std::uint8_t> bytes;
    std::size_t next = 0;
    bool shown = false;
  };
  Stream weights;
  Stream scales;
  Stream activations;
  std::vector<Result> expected;
  std::size_t passes = 0;
  for (const Job& job : jobs) {
    const auto append = [](Stream& stream, const std::vector<std::uint8_t>& bytes) {
      stream.bytes.insert(stream.bytes.end(), bytes.begin(), bytes.end());
    };
    append(weights, job.weights);
    append(scales, job.scales);
    append(activations, job.activations);
    expected.insert(expected.end(), job.results.begin(), job.results.end());
    passes += job.passes;
  }
  std::array<unsigned, 6> causes{};
  std::size_t next_job = 0;
  std::size_t taken = 0;
  std::size_t issued = 0;
  const auto show = [&](Stream& stream, unsigned percent_shown, CData& valid, auto& data) {
    stream.shown =
        stream.next < stream.bytes.size() && (stream.shown || random.chance(percent_shown));
    valid = stream.shown;
    for (unsigned i = 0; stream.shown && i < shape.line_bytes; i += 8) {
      std::uint64_t word = 0;
      for (unsigned b = 0; b < 8; ++b)
        word |= std::uint64_t{stream.bytes[stream.next + i + b]} << (8 * b);
      set(data, 8 * i, 64, word);
    }
  };
  const auto advance = [&](Stream& stream, bool ready) {
    if (!stream.shown || !ready) return;
    stream.next += shape.line_bytes;
    stream.shown = false;
  };
  unsigned last_progress = 0;
  while (taken < expected.size()) {
    if (engine.cycle() - last_progress > 20000) FAIL("no result for 20000 cycles");
    engine->job_valid_i = next_job < jobs.size();
    if (next_job < jobs.size()) set_job(engine->job_i, jobs[next_job].engine);
    show(weights, percent.weights, engine->weight_valid_i, engine->weight_data_i);
    show(scales, percent.scales, engine->scale_valid_i, engine->scale_data_i);
    show(activations, percent.activations, engine->act_valid_i, engine->act_data_i);
    engine->result_ready_i = random.chance(percent.results);
    engine.settle();
    if (engine->result_valid_o && engine->result_ready_i) {
      last_progress = engine.cycle();
      for (unsigned lane = 0; lane < shape.lanes; ++lane, ++taken) {
        const Result& result = expected[taken];
        CAPTURE(taken, lane);
        REQUIRE(get(engine->result_data_o, 32 * lane, 32) == result.bits);
        REQUIRE((engine->result_nan_o != 0) == result.nan);
        REQUIRE(engine->result_token_o == result.token);
      }
    }
    issued += engine->cause_o == 0;
    if (issued > 0 && issued < passes) ++causes.at(engine->cause_o);
    const bool job_taken = engine->job_valid_i && engine->job_ready_o;
    advance(weights, engine->weight_ready_o);
    advance(scales, engine->scale_ready_o);
    advance(activations, engine->act_ready_o);
    engine.tick();
    if (job_taken) ++next_job;
  }
  CHECK(issued == passes);
  CHECK(weights.next == weights.bytes.size());
  CHECK(scales.next == scales.bytes.size());
  CHECK(activations.next == activations.bytes.size());
  return causes;
}

template <class Model>
void check_random_jobs(const Shape& shape, std::uint64_t seed, unsigned count) {
  Random random(seed);
  std::vector<Job> jobs;
  for (unsigned i = 0; i < count; ++i)
    jobs.push_back(make_job(random, shape, random_kind(random, shape)));
  run_jobs<Model>(shape, jobs, {});
  run_jobs<Model>(shape, jobs, {.weights = 90, .scales = 60, .activations = 60, .results = 70});
  run_jobs<Model>(shape, jobs, {.weights = 100, .scales = 15, .activations = 90, .results = 100});
  run_jobs<Model>(shape, jobs, {.weights = 100, .scales = 100, .activations = 5, .results = 100});
  run_jobs<Model>(shape, jobs, {.weights = 100, .scales = 100, .activations = 100, .results = 5});
}

}  // namespace

TEST_CASE("Random jobs of every mode give the contract's bits: groups of several slices") {
  check_random_jobs<VEngineSmall>(kSmall, 132, 60);
}

TEST_CASE("Random jobs of every mode give the contract's bits: slices of several groups") {
  check_random_jobs<VEngineWide>(kWide, 133, 60);
}

TEST_CASE("Random jobs of every mode give the contract's bits: narrow accumulators") {
  check_random_jobs<VEngineNarrow>(kNarrow, 134, 60);
}

TEST_CASE("With every stream ready the array takes a plane word every cycle, also across jobs") {
  Random random(135);
  std::vector<Job> jobs;
  for (const unsigned bits : {1U, 2U, 3U, 4U, 8U})
    jobs.push_back(
        make_job(random, kWide, {.tiles = 16, .k = 2048, .group = 128, .bits = bits, .tokens = 3}));
  for (const unsigned bits : {2U, 3U, 4U})
    jobs.push_back(make_job(
        random, kWide,
        {.tiles = 8, .k = 2048, .group = 128, .bits = bits, .codebook = true, .tokens = 3}));
  const auto causes = run_jobs<VEngineWide>(kWide, jobs, {});
  std::size_t passes = 0;
  for (const Job& job : jobs) passes += job.passes;
  CHECK(causes[0] == passes - 1);
  // The first row tile waits for the activations of its last token. After that nothing waits, but
  // the first block of a codebook job, whose planes must all be there before its first code.
  const std::size_t last_token = 2048 * 2 / 64;
  CHECK(causes[2] <= last_token + 20);
  CHECK(causes[4] <= 10);
  CHECK(causes[1] + causes[3] + causes[5] == 0);
}

TEST_CASE("A NaN token gives NaN in all of its rows and in no other token's") {
  Random random(136);
  const Kind kind{.tiles = 2, .k = 256, .bits = 2, .tokens = 3, .finite = false};
  std::vector<Job> jobs;
  std::array<bool, 2> seen{};
  for (unsigned i = 0; i < 12; ++i) {
    jobs.push_back(make_job(random, kWide, kind));
    for (const Result& result : jobs.back().results) seen.at(result.nan ? 1 : 0) = true;
  }
  REQUIRE((seen[0] && seen[1]));
  run_jobs<VEngineWide>(kWide, jobs, {});
}
