// SPDX-License-Identifier: Apache-2.0
// What reaches a device, seen by a device that writes down what it is told.
#include "host/generation/loaded_model.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <deque>
#include <limits>

#include "host/generation/generate.hpp"
#include "sw/contract/half_value.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/transformer/checkpoint_model.hpp"
#include "tests/support/small_model.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

struct Log {
  std::vector<std::string> events;  // "submit wq 3", "poll"
  std::vector<Activations> acts;
};

// Answers every call with y[token][row] = row + 0.5 and row + 1 cycles... of a call: 100.
class RecordingDevice final : public Device {
 public:
  explicit RecordingDevice(Log& log) : log_(log) {}
  [[nodiscard]] std::string_view name() const override { return "recording"; }
  LayerId load(const Layer& layer) override {
    layers_.push_back(layer);
    return LayerId{layers_.size() - 1};
  }
  void unload(LayerId) override {}
  Ticket submit(Call call) override {
    const Layer& layer = layers_.at(static_cast<std::size_t>(call.layer));
    check_call(layer.shape(), layer.served(), call);
    log_.events.push_back("submit " + layer.name + " " + std::to_string(call.bits));
    log_.acts.push_back(call.acts);
    Completion done;
    done.y = {call.format, call.acts.tokens, layer.m, {}};
    for (std::uint32_t i = 0; i < call.acts.tokens * layer.m; ++i)
      done.y.bits.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(i) + 0.5F));
    done.stats.emplace().cycles = 100;
    queue_.push_back(std::move(done));
    return Ticket{};
  }
  std::optional<Completion> poll() override {
    if (queue_.empty()) return std::nullopt;
    log_.events.emplace_back("poll");
    Completion done = std::move(queue_.front());
    queue_.pop_front();
    return done;
  }

 private:
  Log& log_;
  std::vector<Layer> layers_;
  std::deque<Completion> queue_;
};

struct Fixture {
  ScratchFolder folder;
  FloatModel model = read_model(write_bytes(folder.path("m.bin"), SmallModel(3).file()));
  Log log;

  LoadedModel loaded(const NeededPrecisions& needed) {
    return {model, needed, quantizing_maker(Mode::bcq, 32, {}),
            std::make_unique<RecordingDevice>(log), [](LinearId) {}};
  }
};

constexpr LinearId kQ{LinearKind::q, 0};
constexpr LinearId kK{LinearKind::k, 0};

}  // namespace

TEST_CASE("independent products are all queued before the first is waited for") {
  Fixture f;
  LoadedModel loaded = f.loaded({{kQ, {2, 3}}, {kK, {4}}});
  const std::vector<float> x(2 * SmallModel::kDim, 1);
  std::vector<float> q(2 * SmallModel::kDim);
  std::vector<float> k(2 * SmallModel::kKvDim);
  LinearUsage usage{};
  loaded.multiply(std::array{LinearProduct{kQ, x, q}, LinearProduct{kK, x, k}}, std::array{3U, 4U},
                  2, usage);
  CHECK(f.log.events ==
        std::vector<std::string>{"submit layers.0.wq 3", "submit layers.0.wk 4", "poll", "poll"});
  CHECK(q.front() == 0.5F);
  CHECK(q.back() == 2 * SmallModel::kDim - 0.5F);
  CHECK(k.back() == 2 * SmallModel::kKvDim - 0.5F);
  CHECK(usage[0].calls == 1);
  CHECK(usage[0].cycles == 100);
  CHECK(usage[2].calls == 0);
  CHECK(total_cycles(usage) == 200);
}

TEST_CASE("a device gets activations rounded to binary16, ties to even") {
  Fixture f;
  LoadedModel loaded = f.loaded({{kK, {2}}});
  std::vector<float> x(SmallModel::kDim, 0);
  x[0] = 1 + 0x1p-11F;      // halfway between 1 and 1 + 2^-10: even is 1
  x[1] = 1 + 3 * 0x1p-11F;  // halfway: even is 1 + 2^-9
  x[2] = -65519;            // rounds down to the largest finite value
  x[3] = 0x1p-24F;          // the smallest subnormal
  std::vector<float> y(SmallModel::kKvDim);
  LinearUsage usage{};
  const LinearProduct product{kK, x, y};
  loaded.multiply(std::span(&product, 1), std::array{2U}, 1, usage);
  const std::vector<Half>& found = f.log.acts.front().x;
  CHECK(found[0].bits == 0x3C00);
  CHECK(found[1].bits == 0x3C02);
  CHECK(found[2].bits == 0xFBFF);
  CHECK(found[3].bits == 0x0001);
}

TEST_CASE("activations beyond binary16 are refused by index and layer, but not by float layers") {
  Fixture f;
  LoadedModel loaded = f.loaded({{kK, {2, kFloatBits}}});
  std::vector<float> y(SmallModel::kKvDim);
  LinearUsage usage{};
  for (const float bad : {65520.0F, -1e30F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x(2 * SmallModel::kDim, 1);
    x[SmallModel::kDim + 7] = bad;
    std::vector<float> two(2 * SmallModel::kKvDim);
    const LinearProduct product{kK, x, two};
    const Error error =
        error_of([&] { loaded.multiply(std::span(&product, 1), std::array{2U}, 2, usage); });
    CHECK(error.code() == ErrorCode::model_value);
    CHECK(error.parts().place == "activation 7 of layer layers.0.wk");
  }
  const std::vector<float> x(SmallModel::kDim, 65520);
  const LinearProduct product{kK, x, y};
  usage = {};
  loaded.multiply(std::span(&product, 1), std::array{kFloatBits}, 1, usage);
  CHECK(usage[1].calls == 1);
  CHECK_FALSE(usage[1].cycles.has_value());
  CHECK_FALSE(total_cycles(usage).has_value());
}

TEST_CASE("a text is written with the precisions of the plan, the prompt with the first") {
  Fixture f;
  const PrecisionPlan plan(f.model, {{0, 2}, {2, 5}}, {{"classifier", 3}});
  LoadedModel loaded = f.loaded(plan.needed());
  PlannedLayers linear(loaded, plan);
  Sampler sampler({.temperature = 0});
  const std::vector<Token> prompt = {1, 261, 262};
  std::vector<Token> told;
  const Generation generation =
      generate(f.model, {}, linear, sampler, prompt, 4, [&](const Generation& so_far) {
        told.push_back(so_far.tokens.back());
        CHECK(so_far.tokens.size() == told.size());
        CHECK(so_far.prefill.tokens == prompt.size());
        CHECK(so_far.decode.tokens == told.size() - 1);
        CHECK(total_cycles(so_far.decode.linear).value_or(0) ==
              100 * (told.size() - 1) * f.model.linears().size());
      });
  CHECK(generation.tokens == told);
  CHECK(generation.tokens.size() == 4);
  CHECK(generation.prefill.tokens == 3);
  CHECK(generation.decode.tokens == 3);
  std::string precisions;  // of layer 0's q, and of the classifier, call by call
  for (const std::string& event : f.log.events)
    if (event.find("layers.0.wq") != std::string::npos ||
        event.find("classifier") != std::string::npos)
      precisions += event.back();
  CHECK(precisions == "23235353");
  CHECK(f.log.acts.front().tokens == 3);  // the prompt in one call
  const std::size_t q = 0;
  const std::size_t classifier = 7;
  CHECK(generation.prefill.linear.at(q).calls == SmallModel::kBlocks);
  CHECK(generation.decode.linear.at(q).calls == 3 * SmallModel::kBlocks);
  CHECK(generation.decode.linear.at(classifier).cycles == 300);
}

TEST_CASE("a prompt longer than one call is divided, and the text is the same") {
  Fixture f;
  const PrecisionPlan plan(f.model, {{0, kFloatBits}});
  LoadedModel loaded(f.model, plan.needed(), {}, nullptr, [](LinearId) {});
  PlannedLayers linear(loaded, plan);
  std::vector<Token> prompt = {1};
  for (Token i = 0; i < kTokensAtOnce + 5; ++i) prompt.push_back(3 + i);
  Sampler sampler({.temperature = 0});
  const Generation divided = generate(f.model, {}, linear, sampler, prompt, 3, [](auto&) {});
  Transformer whole(f.model);
  const std::vector<float> logits = whole.forward(prompt, linear, LogitsOf::last_token);
  CHECK(divided.tokens.front() == sampler.pick(logits));
  CHECK(divided.prefill.linear.at(0).calls == 2 * SmallModel::kBlocks);
}

TEST_CASE("layers of a file serve the model, and what does not fit is refused") {
  Fixture f;
  NeededPrecisions needed;
  std::vector<Layer> layers;
  for (const LinearId id : f.model.linears()) {
    needed[id] = {2};
    layers.push_back(quantizing_maker(Mode::codebook, 0, {})(f.model.linear(id), {2}));
  }
  const auto path = f.folder.path("w.safetensors");
  write_layers(path, layers);
  std::vector<std::string> checked;
  const auto maker = [&](const FloatModel& model) {
    return reading_maker(path, model, needed, [&](const LayerShape& layer, unsigned bits) {
      CHECK(layer.mode == Mode::codebook);
      checked.push_back(layer.name + " " + std::to_string(bits));
    });
  };
  needed[kK] = {2, kFloatBits};
  const LayerMaker make = maker(f.model);
  CHECK(checked.size() == layers.size());
  CHECK(checked.front() == "layers.0.wq 2");
  const Layer read = make(f.model.linear(kQ), {2});
  CHECK(read.planes == layers.front().planes);

  needed[kQ] = {2, 3};
  CHECK(error_of([&] { maker(f.model); }).code() == ErrorCode::call_precision);
  needed[kQ] = {2};

  FloatModel other = f.model;
  other.blocks[0].linears[0].weights.m += 1;
  const Error shape = error_of([&] { maker(other); });
  CHECK(shape.code() == ErrorCode::layer_shape);
  CHECK(shape.parts().found == "24 x 24");
  CHECK(shape.parts().expected == "25 x 24 as in the model");

  write_layers(path, std::span(layers).subspan(2));
  const Error missing = error_of([&] { maker(f.model); });
  CHECK(missing.code() == ErrorCode::layer_name);
  CHECK(missing.parts().found == "no layer layers.0.wq, layers.0.wk");
  needed[kQ] = needed[kK] = {kFloatBits};
  CHECK_NOTHROW(maker(f.model));
}
