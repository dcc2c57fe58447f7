// SPDX-License-Identifier: Apache-2.0
// A real trained model, found under BITLOOM_DATA. Without it the test is reported as skipped.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "sw/io/llama2c.hpp"
#include "sw/io/sha256.hpp"
#include "tests/support/test_data.hpp"

namespace {

using namespace bitloom;

std::filesystem::path model_path() { return test_data("stories260K/stories260K.bin"); }

}  // namespace

TEST_CASE("stories260K has the shapes of its header and the bytes of its release") {
  const std::filesystem::path path = model_path();
  const InputFile bytes(path);
  REQUIRE(sha256_hex(bytes.read(0, bytes.size())) ==
          "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696");
  const Llama2cFile model(path);
  CHECK(model.shape().dim == 64);
  CHECK(model.shape().hidden_dim == 172);
  CHECK(model.shape().n_layers == 5);
  CHECK(model.shape().n_heads == 8);
  CHECK(model.shape().n_kv_heads == 4);
  CHECK(model.shape().vocab_size == 512);
  CHECK(model.shape().seq_len == 512);
  CHECK(model.shape().shared_classifier);
  CHECK(model.tensor("layers.4.wk").rows == 32);
  CHECK(model.tensor("layers.4.w2").columns == 172);
}

TEST_CASE("every tensor of stories260K holds the values of a trained network") {
  const Llama2cFile model(model_path());
  for (const Llama2cTensor& tensor : model.tensors()) {
    CAPTURE(tensor.name);
    const std::vector<float> values = model.read(tensor);
    const double square = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    const double rms = std::sqrt(square / static_cast<double>(values.size()));
    // A wrong offset would mix norms (around 1) with weights (well below 1), or read beyond both.
    const bool is_norm = tensor.rows == 1;
    CHECK(rms > (is_norm ? 0.3 : 0.01));
    CHECK(rms < (is_norm ? 10.0 : 0.5));
  }
}
