// SPDX-License-Identifier: Apache-2.0
// A real trained model writes the same tokens on every backend, the simulated hardware included.
#include <catch2/catch.hpp>
#include <iostream>
#include <map>

#include "host/generation/generate.hpp"
#include "host/generation/perplexity.hpp"
#include "host/runtime/devices.hpp"
#include "sw/config/config.hpp"
#include "sw/quant/uniform.hpp"
#include "sw/tokenizer/tokenizer.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "tests/support/test_data.hpp"

namespace {

using namespace bitloom;

constexpr std::uint32_t kGroupSize = 64;

struct Stories {
  FloatModel model = read_model(test_data("stories260K/stories260K.bin"));
  Tokenizer tokenizer{test_data("stories260K/tok512.bin"), model.shape.vocab_size};

  [[nodiscard]] LoadedModel load(const std::string& backend, const LayerMaker& make,
                                 const std::set<unsigned>& precisions) const {
    NeededPrecisions needed;
    for (const LinearId id : model.linears()) needed[id] = precisions;
    return {model, needed, make, make_device(backend, load_config("edge")), [](LinearId) {}};
  }

  [[nodiscard]] LoadedModel load(const std::string& backend, Mode mode,
                                 const std::set<unsigned>& precisions) const {
    return load(backend, quantizing_maker(mode, kGroupSize, {}), precisions);
  }

  [[nodiscard]] Generation write(LoadedModel& loaded, const std::vector<ScheduleStep>& schedule,
                                 std::uint32_t tokens) const {
    const PrecisionPlan plan(model, schedule);
    PlannedLayers linear(loaded, plan);
    Sampler greedy({.temperature = 0});
    const std::vector<Token> prompt = tokenizer.encode("Lily and Tom went to the");
    return generate(model, tokenizer.marks(), linear, greedy, prompt, tokens,
                    [](const Generation&) {});
  }
};

std::set<unsigned> precisions_of(Mode mode) {
  return mode == Mode::bcq ? std::set<unsigned>{2, 3, 4, 8} : std::set<unsigned>{2, 3, 4};
}

// Every precision of a mode, changed in mid-text.
std::vector<ScheduleStep> changing(Mode mode) {
  if (mode == Mode::bcq) return {{0, 4}, {30, 2}, {45, 3}, {75, 8}};
  return {{0, 3}, {30, 2}, {45, 4}, {75, 3}};
}

// Adds up what was decoded, and prints its rate at the end.
class Rate {
 public:
  explicit Rate(std::string what) : what_(std::move(what)) {}
  Rate(const Rate&) = delete;
  Rate& operator=(const Rate&) = delete;
  ~Rate() {
    std::cout << "rtl, " << what_ << ": " << tokens_ << " tokens decoded, "
              << static_cast<double>(tokens_) / seconds_ << " tokens/s\n";
  }

  void add(const PhaseUsage& decode) {
    tokens_ += decode.tokens;
    seconds_ += decode.seconds;
  }

 private:
  std::string what_;
  std::uint64_t tokens_ = 0;
  double seconds_ = 0;
};

}  // namespace

TEST_CASE("all backends write the same tokens at each precision") {
  const Stories stories;
  const Mode mode = GENERATE(Mode::bcq, Mode::codebook);
  const std::set<unsigned> precisions = precisions_of(mode);
  LoadedModel cpu = stories.load("cpu", mode, precisions);
  LoadedModel cuda = stories.load("cuda", mode, precisions);
  LoadedModel golden = stories.load("golden", mode, precisions);
  LoadedModel rtl = stories.load("rtl", mode, precisions);
  Rate rate("one precision");
  for (const unsigned bits : precisions) {
    const std::vector<ScheduleStep> schedule = {{0, bits}};
    constexpr std::uint32_t kTokens = 12;
    const Generation expected = stories.write(cpu, schedule, kTokens);
    REQUIRE(expected.tokens.size() == kTokens);
    CHECK(stories.write(cuda, schedule, kTokens).tokens == expected.tokens);
    const Generation simulated = stories.write(rtl, schedule, kTokens);
    CHECK(simulated.tokens == expected.tokens);
    CHECK(total_cycles(simulated.decode.linear).has_value());
    rate.add(simulated.decode);
    constexpr std::uint32_t kShort = 2;
    CHECK(stories.write(golden, schedule, kShort).tokens ==
          std::vector<Token>(expected.tokens.begin(), expected.tokens.begin() + kShort));
  }
}

TEST_CASE("a long text is the same on the hardware while its precision changes") {
  const Stories stories;
  const Mode mode = GENERATE(Mode::bcq, Mode::codebook);
  const std::vector<ScheduleStep> schedule = changing(mode);
  REQUIRE(schedule.size() >= 4);
  constexpr std::uint32_t kTokens = 110;
  LoadedModel cpu = stories.load("cpu", mode, precisions_of(mode));
  const Generation expected = stories.write(cpu, schedule, kTokens);
  REQUIRE(expected.tokens.size() == kTokens);
  // The text depends on every one of the changes.
  for (std::size_t step = 1; step < schedule.size(); ++step)
    CHECK(stories.write(cpu, {schedule.begin(), schedule.begin() + step}, kTokens).tokens !=
          expected.tokens);
  LoadedModel cuda = stories.load("cuda", mode, precisions_of(mode));
  CHECK(stories.write(cuda, schedule, kTokens).tokens == expected.tokens);
  LoadedModel rtl = stories.load("rtl", mode, precisions_of(mode));
  const Generation simulated = stories.write(rtl, schedule, kTokens);
  CHECK(simulated.tokens == expected.tokens);
  CHECK(simulated.decode.tokens == kTokens - 1);
  Rate(mode == Mode::bcq ? "BCQ 4, 2, 3, 8" : "codebook 3, 2, 4, 3").add(simulated.decode);
  std::string text;
  for (const Token token : simulated.tokens) text += stories.tokenizer.decode(0, token);
  std::cout << text << "\n";
}

TEST_CASE("the text changes with the precision, and 8 bits write what floats write") {
  const Stories stories;
  LoadedModel cpu = stories.load("cpu", Mode::bcq, {2, 3, 4, 8, kFloatBits});
  const auto tokens = [&](unsigned bits) { return stories.write(cpu, {{0, bits}}, 40).tokens; };
  CHECK(tokens(8) == tokens(kFloatBits));
  CHECK(tokens(2) != tokens(kFloatBits));
  CHECK(tokens(2) != tokens(3));
}

TEST_CASE("perplexity and divergence fall with bits, in both modes") {
  const Stories stories;
  const Mode mode = GENERATE(Mode::bcq, Mode::codebook);
  std::set<unsigned> precisions = precisions_of(mode);
  precisions.insert(kFloatBits);
  LoadedModel cpu = stories.load("cpu", mode, precisions);
  const PrecisionPlan plan(stories.model, {{0, kFloatBits}});
  PlannedLayers floats(cpu, plan);
  const auto windows = sampled_windows(stories.model, {}, floats, 1, 400, [](std::uint64_t) {});
  const std::vector<PrecisionScore> scores =
      score_windows(stories.model, cpu, windows, std::vector<unsigned>{2, 3, 4},
                    [](std::uint64_t, const auto&) {});
  CHECK(scores[0].perplexity() > 1.5 * scores[1].perplexity());
  CHECK(scores[1].perplexity() > 1.1 * scores[2].perplexity());
  CHECK(scores[0].mean_divergence() > 2 * scores[1].mean_divergence());
  CHECK(scores[1].mean_divergence() > 2 * scores[2].mean_divergence());
  CHECK(scores[2].perplexity() < 6);  // of about 3.8 by the float model
}

namespace {

// Perplexities by precision, of layers that serve all of them.
std::map<unsigned, double> perplexities(const Stories& stories, const std::vector<Window>& windows,
                                        const LayerMaker& make, std::set<unsigned> precisions) {
  const std::vector<unsigned> asked(precisions.begin(), precisions.end());
  precisions.insert(kFloatBits);
  LoadedModel cpu = stories.load("cpu", make, precisions);
  std::map<unsigned, double> result;
  for (const PrecisionScore& score :
       score_windows(stories.model, cpu, windows, asked, [](std::uint64_t, const auto&) {}))
    result[score.bits] = score.perplexity();
  return result;
}

// Each precision by layers of its own.
std::map<unsigned, double> own_perplexities(const Stories& stories,
                                            const std::vector<Window>& windows,
                                            const LayerMaker& make,
                                            const std::set<unsigned>& precisions) {
  std::map<unsigned, double> result;
  for (const unsigned bits : precisions) result.merge(perplexities(stories, windows, make, {bits}));
  return result;
}

std::vector<Window> sampled_stories(const Stories& stories) {
  const PrecisionPlan plan(stories.model, {{0, kFloatBits}});
  LoadedModel loaded = stories.load("cpu", Mode::bcq, {kFloatBits});
  PlannedLayers floats(loaded, plan);
  return sampled_windows(stories.model, {}, floats, 1, 1000, [](std::uint64_t) {});
}

Layer rounded_to_nearest(const NamedLinear& linear, const std::set<unsigned>& bits) {
  REQUIRE(bits.size() == 1);
  return quantize_uniform(linear.name, linear.weights,
                          {.bits = *bits.begin(), .group_size = kGroupSize})
      .layer;
}

}  // namespace

// Factors are far on the safe side of those of docs/quantization.md.
TEST_CASE("fitted scales keep at 2 bits what rounding to nearest destroys") {
  const Stories stories;
  const std::vector<Window> windows = sampled_stories(stories);
  const auto fitted =
      own_perplexities(stories, windows, quantizing_maker(Mode::bcq, kGroupSize, {}), {2, 3, 4, 8});
  const auto rounded = own_perplexities(stories, windows, rounded_to_nearest, {2, 3, 4, 8});
  for (const auto& [bits, perplexity] : fitted)
    std::cout << bits << " bits: BCQ " << perplexity << ", rounding to nearest " << rounded.at(bits)
              << "\n";
  CHECK(rounded.at(2) > 10 * fitted.at(2));
  CHECK(rounded.at(3) > 1.1 * fitted.at(3));
  for (const auto& scores : {fitted, rounded}) {
    CHECK(scores.at(2) > 3 * scores.at(3));
    CHECK(scores.at(3) > 1.2 * scores.at(4));
    CHECK(scores.at(4) > 1.05 * scores.at(8));
  }
}

TEST_CASE("precisions that share their planes stay close to those on their own") {
  const Stories stories;
  const std::vector<Window> windows = sampled_stories(stories);
  const Mode mode = GENERATE(Mode::bcq, Mode::codebook);
  const LayerMaker make = quantizing_maker(mode, kGroupSize, {});
  const auto shared = perplexities(stories, windows, make, precisions_of(mode));
  const auto own = own_perplexities(stories, windows, make, precisions_of(mode));
  for (const auto& [bits, perplexity] : shared)
    std::cout << bits << " bits: shared " << perplexity << ", own " << own.at(bits) << "\n";
  CHECK(shared.at(2) == own.at(2));  // where the planes begin
  for (const auto& [bits, perplexity] : shared) CHECK(perplexity < 1.25 * own.at(bits));
}
