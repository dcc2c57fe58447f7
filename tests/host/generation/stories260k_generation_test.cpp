// SPDX-License-Identifier: Apache-2.0
// A real trained model writes the same tokens on every backend, the simulated hardware included.
#include <catch2/catch.hpp>
#include <iostream>

#include "host/generation/generate.hpp"
#include "host/generation/perplexity.hpp"
#include "host/runtime/devices.hpp"
#include "sw/config/config.hpp"
#include "sw/tokenizer/tokenizer.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "tests/support/test_data.hpp"

namespace {

using namespace bitloom;

constexpr std::uint32_t kGroupSize = 64;

struct Stories {
  FloatModel model = read_model(test_data("stories260K/stories260K.bin"));
  Tokenizer tokenizer{test_data("stories260K/tok512.bin"), model.shape.vocab_size};

  [[nodiscard]] LoadedModel load(const std::string& backend, Mode mode,
                                 const std::set<unsigned>& precisions) const {
    NeededPrecisions needed;
    for (const LinearId id : model.linears()) needed[id] = precisions;
    return {model, needed, quantizing_maker(mode, kGroupSize, {}),
            make_device(backend, load_config("edge")), [](LinearId) {}};
  }

  [[nodiscard]] Generation write(LoadedModel& loaded, const std::vector<ScheduleStep>& schedule,
                                 std::uint32_t tokens) const {
    const PrecisionPlan plan(model, schedule);
    PlannedLayers linear(loaded, plan);
    Sampler greedy({.temperature = 0});
    const std::vector<Token> prompt = tokenizer.encode("Lily and Tom went to the");
    return generate(model, linear, greedy, prompt, tokens, [](const Generation&) {});
  }
};

std::set<unsigned> precisions_of(Mode mode) {
  return mode == Mode::bcq ? std::set<unsigned>{2, 3, 4, 8} : std::set<unsigned>{2, 3, 4};
}

// Every precision of a mode, changed in mid-text.
std::vector<ScheduleStep> changing(Mode mode) {
  std::vector<ScheduleStep> schedule = {{0, 4}, {12, 2}, {24, 3}};
  if (mode == Mode::bcq) schedule.push_back({36, 8});
  return schedule;
}

}  // namespace

TEST_CASE("all backends write the same tokens, at each precision and when it changes") {
  const Stories stories;
  const Mode mode = GENERATE(Mode::bcq, Mode::codebook);
  const std::set<unsigned> precisions = precisions_of(mode);
  LoadedModel cpu = stories.load("cpu", mode, precisions);
  LoadedModel cuda = stories.load("cuda", mode, precisions);
  LoadedModel golden = stories.load("golden", mode, precisions);
  LoadedModel rtl = stories.load("rtl", mode, precisions);
  std::uint64_t rtl_tokens = 0;
  double rtl_seconds = 0;
  const auto check = [&](const std::vector<ScheduleStep>& schedule, std::uint32_t tokens) {
    const Generation expected = stories.write(cpu, schedule, tokens);
    REQUIRE(expected.tokens.size() == tokens);
    CHECK(stories.write(cuda, schedule, tokens).tokens == expected.tokens);
    const Generation simulated = stories.write(rtl, schedule, tokens);
    CHECK(simulated.tokens == expected.tokens);
    CHECK(total_cycles(simulated.decode.linear).has_value());
    rtl_tokens += simulated.decode.tokens;
    rtl_seconds += simulated.decode.seconds;
    constexpr std::uint32_t kShort = 2;
    CHECK(stories.write(golden, schedule, kShort).tokens ==
          std::vector<Token>(expected.tokens.begin(), expected.tokens.begin() + kShort));
  };
  for (const unsigned bits : precisions) check({{0, bits}}, 12);
  check(changing(mode), 48);
  CHECK(rtl_tokens >= 80);  // in each mode
  std::cout << "rtl: " << rtl_tokens << " tokens decoded, "
            << static_cast<double>(rtl_tokens) / rtl_seconds << " tokens/s\n";
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
  const auto windows = sampled_windows(stories.model, floats, 1, 400, [](std::uint64_t) {});
  const std::vector<PrecisionScore> scores =
      score_windows(stories.model, cpu, windows, std::vector<unsigned>{2, 3, 4},
                    {[](std::uint64_t) {}, [](const auto&) {}});
  CHECK(scores[0].perplexity() > 1.5 * scores[1].perplexity());
  CHECK(scores[1].perplexity() > 1.1 * scores[2].perplexity());
  CHECK(scores[0].mean_divergence() > 2 * scores[1].mean_divergence());
  CHECK(scores[1].mean_divergence() > 2 * scores[2].mean_divergence());
  CHECK(scores[2].perplexity() < 6);  // of about 3.8 by the float model
}
