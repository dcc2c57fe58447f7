// SPDX-License-Identifier: Apache-2.0
// Inference against the textbook in binary64 (tests/support/small_model.cpp), which shares nothing
// with it but the model file.
#include "sw/transformer/transformer.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "sw/transformer/checkpoint_model.hpp"
#include "sw/transformer/float_layers.hpp"
#include "tests/support/small_model.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

constexpr std::size_t kVocab = SmallModel::kVocab;
const std::vector<Token> kText = {1, 261, 5, 5, 269, 0, 77, 130, 261, 13, 200, 259};

struct Fixture {
  explicit Fixture(const SmallModel& small)
      : model(read_model(write_bytes(folder.path("m.bin"), small.file()))),
        linear(model, model.linears()) {}

  [[nodiscard]] std::vector<float> all_logits(const std::vector<Token>& text) {
    Transformer transformer(model);
    return transformer.forward(text, linear, LogitsOf::all_tokens);
  }

  ScratchFolder folder;
  FloatModel model;
  FloatLayers linear;
};

void check_close(const std::vector<float>& found,
                 const std::vector<std::vector<double>>& expected) {
  REQUIRE(found.size() == expected.size() * kVocab);
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    largest = std::max(largest, std::abs(found[i] - expected[i / kVocab][i % kVocab]));
  CHECK(largest < 2e-4);  // of logits with a spread of several units
}

// Row r of a head in the other order of rotary pairs.
std::uint32_t permuted_row(std::uint32_t row, std::uint32_t head_dim) {
  const std::uint32_t within = row % head_dim;
  const std::uint32_t half = head_dim / 2;
  return row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
}

}  // namespace

TEST_CASE("logits are those of the textbook, at every position") {
  const SmallModel small(7);
  check_close(Fixture(small).all_logits(kText), small.logits(kText));
}

TEST_CASE("a text in one call, in pieces or token by token has the same bits") {
  const SmallModel small(8);
  Fixture fixture(small);
  const std::vector<float> at_once = fixture.all_logits(kText);
  const std::vector<float> last(at_once.end() - kVocab, at_once.end());
  for (const std::size_t piece : {1U, 5U, 11U}) {
    Transformer transformer(fixture.model);
    std::vector<float> logits;
    for (std::size_t i = 0; i < kText.size(); i += piece)
      logits = transformer.forward(std::span(kText).subspan(i, std::min(piece, kText.size() - i)),
                                   fixture.linear, LogitsOf::last_token);
    CHECK(logits == last);
    CHECK(transformer.position() == kText.size());
  }
}

TEST_CASE("another text begins afresh") {
  const SmallModel small(9);
  Fixture fixture(small);
  Transformer transformer(fixture.model);
  const auto first = transformer.forward(kText, fixture.linear, LogitsOf::all_tokens);
  transformer.restart();
  CHECK(transformer.position() == 0);
  CHECK(transformer.forward(kText, fixture.linear, LogitsOf::all_tokens) == first);
}

TEST_CASE("pairs of halves are adjacent pairs with the rows of q and k permuted") {
  const SmallModel small(10);
  Fixture fixture(small);
  FloatModel halves = fixture.model;
  halves.shape.rotary_pairs = RotaryPairs::halves;
  for (DecoderBlock& block : halves.blocks)
    for (const LinearKind kind : {LinearKind::q, LinearKind::k}) {
      FloatMatrix& matrix = block.linears.at(static_cast<std::size_t>(kind)).weights;
      matrix.read_row = [read = matrix.read_row](std::uint32_t row, std::span<float> out) {
        read(permuted_row(row, SmallModel::kHeadDim), out);
      };
    }
  FloatLayers linear(halves, halves.linears());
  Transformer transformer(halves);
  check_close(transformer.forward(kText, linear, LogitsOf::all_tokens), small.logits(kText));
}

TEST_CASE("rotation and epsilon of the shape are used") {
  const SmallModel small(11);
  Fixture fixture(small);
  const std::vector<float> usual = fixture.all_logits(kText);
  const std::vector<double> rotation = fixture.model.shape.rotation;
  fixture.model.shape.rotation[1] /= 2;
  CHECK(fixture.all_logits(kText) != usual);
  fixture.model.shape.rotation = rotation;
  fixture.model.shape.norm_epsilon = 1e-2F;
  CHECK(fixture.all_logits(kText) != usual);
}

TEST_CASE("a text ends with the context") {
  const SmallModel small(12);
  Fixture fixture(small);
  Transformer transformer(fixture.model);
  const std::vector<Token> full(SmallModel::kContext, 5);
  CHECK_NOTHROW(transformer.forward(full, fixture.linear, LogitsOf::last_token));
  CHECK_THROWS_AS(
      transformer.forward(std::span(full).first(1), fixture.linear, LogitsOf::last_token),
      std::invalid_argument);
}

TEST_CASE("values that are not finite are refused where they show") {
  SmallModel small(13);
  small.final_norm[3] = std::numeric_limits<float>::infinity();
  CHECK(error_of([&] { static_cast<void>(Fixture(small).all_logits(kText)); }).code() ==
        ErrorCode::model_value);
  small = SmallModel(13);
  small.w2[1][5] = std::numeric_limits<float>::quiet_NaN();
  const Error error = error_of([&] { const Fixture refused(small); });
  CHECK(error.code() == ErrorCode::quant_value);
}

TEST_CASE("large products on several threads are those of one") {
  // Above the size from which threads are used; the textbook is a plain sum in binary64.
  constexpr std::uint32_t kM = 2050;
  constexpr std::uint32_t kK = 2051;
  std::vector<float> w(std::size_t{kM} * kK);
  for (std::size_t i = 0; i < w.size(); ++i)
    w[i] = static_cast<float>(static_cast<int>(i * 7919 % 255) - 127) / 128;
  std::vector<float> x(kK);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(i % 7) - 3);
  FloatModel model;
  model.classifier = {"classifier", matrix_of(w, kM, kK)};
  const LinearId id{LinearKind::classifier, 0};
  FloatLayers linear(model, std::span(&id, 1));
  std::vector<float> y(kM);
  const LinearProduct product{id, x, y};
  linear.multiply(std::span(&product, 1), 1);
  for (std::uint32_t row = 0; row < kM; ++row) {
    const double expected = std::inner_product(
        x.begin(), x.end(), w.begin() + static_cast<std::ptrdiff_t>(std::size_t{row} * kK), 0.0);
    REQUIRE(y[row] == expected);  // all partial sums are multiples of 2^-7 below 2^17
  }
}
