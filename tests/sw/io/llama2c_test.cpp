// SPDX-License-Identifier: Apache-2.0
#include "sw/io/llama2c.hpp"

#include <bit>
#include <catch2/catch.hpp>

#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

struct Sizes {
  std::int32_t dim = 4;
  std::int32_t hidden_dim = 6;
  std::int32_t n_layers = 2;
  std::int32_t n_heads = 2;
  std::int32_t n_kv_heads = 1;
  std::int32_t vocab_size = 3;
  std::int32_t seq_len = 5;
};

// A model whose float32 values count up from 0; the count is worked out by hand for Sizes{}.
std::string model(const Sizes& sizes, std::size_t values) {
  std::string bytes;
  for (const std::int32_t field : {sizes.dim, sizes.hidden_dim, sizes.n_layers, sizes.n_heads,
                                   sizes.n_kv_heads, sizes.vocab_size, sizes.seq_len})
    bytes += raw(field);
  for (std::size_t i = 0; i < values; ++i)
    bytes += raw(std::bit_cast<std::uint32_t>(static_cast<float>(i)));
  return bytes;
}

// Embedding 3x4; per layer: norm 4, wq 16, wk 8, wv 8, wo 16, norm 4, w1 24, w2 24, w3 24; final
// norm 4; rotary 5 x 2 (two tables of 5 x 1).
constexpr std::size_t kValues = 12 + 2 * (4 + 16 + 8 + 8 + 16 + 4 + 24 + 24 + 24) + 4 + 10;

ErrorCode code_of_reading(const std::string& bytes) {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("m.bin"), bytes);
  return error_of([&] { const Llama2cFile file(path); }).code();
}

}  // namespace

TEST_CASE("the tensors of a model lie where the format puts them") {
  const ScratchFolder folder;
  const Llama2cFile file(write_bytes(folder.path("m.bin"), model({}, kValues)));
  CHECK(file.shape().shared_classifier);
  const auto check = [&](const char* name, std::uint32_t rows, std::uint32_t columns, float first) {
    CAPTURE(name);
    const Llama2cTensor& tensor = file.tensor(name);
    CHECK(tensor.rows == rows);
    CHECK(tensor.columns == columns);
    const std::vector<float> values = file.read(tensor);
    REQUIRE(values.size() == std::size_t{rows} * columns);
    CHECK(values.front() == first);
    CHECK(values.back() == first + static_cast<float>(values.size() - 1));
  };
  check("token_embedding", 3, 4, 0);
  check("classifier", 3, 4, 0);
  check("layers.1.attention_norm", 1, 4, 12 + 4);
  check("layers.0.wq", 4, 4, 20);
  check("layers.1.wq", 4, 4, 36);
  check("layers.0.wk", 2, 4, 52);
  check("layers.1.wv", 2, 4, 68 + 8);
  check("layers.0.wo", 4, 4, 84);
  check("layers.0.ffn_norm", 1, 4, 116);
  check("layers.1.w1", 6, 4, 124 + 24);
  check("layers.0.w2", 4, 6, 172);
  check("layers.1.w3", 6, 4, 220 + 24);
  check("final_norm", 1, 4, 268);
}

TEST_CASE("a negative vocabulary size means a classifier behind the rotary tables") {
  Sizes sizes;
  sizes.vocab_size = -3;
  const ScratchFolder folder;
  const Llama2cFile file(write_bytes(folder.path("m.bin"), model(sizes, kValues + 12)));
  CHECK_FALSE(file.shape().shared_classifier);
  CHECK(file.read(file.tensor("classifier")).front() == 282);
  CHECK(code_of_reading(model(sizes, kValues)) == ErrorCode::llama2c_size);
}

TEST_CASE("a model of another size than its header asks for is refused") {
  CHECK(code_of_reading(model({}, kValues - 1)) == ErrorCode::llama2c_size);
  CHECK(code_of_reading(model({}, kValues + 1)) == ErrorCode::llama2c_size);
  CHECK(code_of_reading(model({}, kValues) + "x") == ErrorCode::llama2c_size);
}

TEST_CASE("a model header that is truncated or out of range is refused") {
  CHECK(code_of_reading("") == ErrorCode::llama2c_header);
  CHECK(code_of_reading(std::string(27, '\1')) == ErrorCode::llama2c_header);
  for (std::int32_t Sizes::*field :
       {&Sizes::dim, &Sizes::hidden_dim, &Sizes::n_layers, &Sizes::n_heads, &Sizes::n_kv_heads,
        &Sizes::vocab_size, &Sizes::seq_len})
    for (const std::int32_t bad : {0, 0x7FFFFFFF, -0x7FFFFFFF - 1}) {
      Sizes sizes;
      sizes.*field = bad;
      CHECK(code_of_reading(model(sizes, kValues)) == ErrorCode::llama2c_header);
    }
  Sizes heads;
  heads.n_heads = 3;  // does not divide dim
  CHECK(code_of_reading(model(heads, kValues)) == ErrorCode::llama2c_header);
  heads.n_heads = 4;  // one value per head: rotary embeddings need pairs
  CHECK(code_of_reading(model(heads, kValues)) == ErrorCode::llama2c_header);
  heads.n_heads = 2;
  heads.n_kv_heads = 3;
  CHECK(code_of_reading(model(heads, kValues)) == ErrorCode::llama2c_header);
}

TEST_CASE("an unknown tensor of a model is refused with the nearest names") {
  const ScratchFolder folder;
  const Llama2cFile file(write_bytes(folder.path("m.bin"), model({}, kValues)));
  const Error error = error_of([&] { (void)file.tensor("layers.0.wqq"); });
  CHECK(error.code() == ErrorCode::layer_name);
  CHECK(error.parts().expected.find("layers.0.wq") != std::string::npos);
}
