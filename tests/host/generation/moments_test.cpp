// SPDX-License-Identifier: Apache-2.0
#include "host/generation/moments.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "sw/transformer/checkpoint_model.hpp"
#include "sw/transformer/float_layers.hpp"
#include "tests/support/small_model.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

const std::vector<Window> kWindows = {{1, 5, 261, 77, 269, 13}, {1, 262}, {1, 9, 9, 40}};

struct Fixture {
  ScratchFolder folder;
  SmallModel small{41};
  FloatModel model = read_model(write_bytes(folder.path("m.bin"), small.file()));
  FloatLayers linear{model, model.linears()};

  LayerMoments measure() {
    return measure_moments(model, linear, kWindows,
                           [this](std::uint64_t tokens) { told.push_back(tokens); });
  }

  std::vector<std::uint64_t> told;
};

}  // namespace

TEST_CASE("moments are the mean squares of what the textbook puts into each layer") {
  Fixture f;
  const LayerMoments moments = f.measure();
  CHECK(moments.size() == f.model.linears().size());
  LayerMoments sums;
  double tokens = 0;
  const SmallModel::Watch add = [&](const std::string& layer, const std::vector<double>& x) {
    std::vector<double>& sum = sums[layer];
    sum.resize(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) sum[i] += x[i] * x[i];
  };
  for (const Window& window : kWindows) {
    static_cast<void>(f.small.logits({window.begin(), window.end() - 1}, add));
    tokens += static_cast<double>(window.size() - 1);
  }
  REQUIRE(sums.size() == moments.size());
  for (const auto& [layer, columns] : sums) {
    CAPTURE(layer);
    REQUIRE(moments.contains(layer));
    REQUIRE(moments.at(layer).size() == columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i)
      CHECK(moments.at(layer)[i] == Approx(columns[i] / tokens).epsilon(1e-4));
  }
  CHECK(f.told == std::vector<std::uint64_t>{5, 6, 9});
}

TEST_CASE("what a recorder passes on is what the layers give") {
  Fixture f;
  MomentRecorder recorder(f.linear);
  const std::vector<Token> text = {1, 5, 9};
  Transformer direct(f.model);
  Transformer recorded(f.model);
  CHECK(direct.forward(text, f.linear, LogitsOf::all_tokens) ==
        recorded.forward(text, recorder, LogitsOf::all_tokens));
}
