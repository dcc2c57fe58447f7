// SPDX-License-Identifier: Apache-2.0
// GGUF files put together byte by byte.
#include "sw/checkpoint/gguf.hpp"

#include <catch2/catch.hpp>
#include <utility>

#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kText = 8;
constexpr std::uint32_t kArray = 9;
constexpr std::uint32_t kU64 = 10;

std::string text(const std::string& value) { return raw(std::uint64_t{value.size()}) + value; }

std::string number(const std::string& key, std::uint32_t value) {
  return text(key) + raw(kU32) + raw(value);
}

std::string tensor(const std::string& name, const Shape& fastest_first, std::uint32_t type,
                   std::uint64_t offset) {
  std::string bytes = text(name) + raw(static_cast<std::uint32_t>(fastest_first.size()));
  for (const std::uint64_t extent : fastest_first) bytes += raw(extent);
  return bytes + raw(type) + raw(offset);
}

struct Gguf {
  std::uint32_t version = 3;
  std::vector<std::string> values = {
      text("general.architecture") + raw(kText) + text("llama"),
      number("llama.block_count", 1),
      number("llama.embedding_length", 4),
      number("llama.feed_forward_length", 6),
      number("llama.attention.head_count", 2),
      number("llama.attention.head_count_kv", 1),
      text("tokenizer.ggml.tokens") + raw(kArray) + raw(kText) + raw(std::uint64_t{2}) + text("a") +
          text("bc"),
      text("tokenizer.ggml.scores") + raw(kArray) + raw(std::uint32_t{6}) + raw(std::uint64_t{2}) +
          std::string(8, '\0'),
      text("general.parameter_count") + raw(kU64) + raw(std::uint64_t{9}),
      text("general.bool") + raw(std::uint32_t{7}) + std::string(1, '\1')};
  std::vector<std::string> tensors = {tensor("token_embd.weight", {4, 3}, 0, 0),
                                      tensor("half", {2}, 1, 64), tensor("brain", {1, 2}, 30, 96)};
  std::string data = [] {
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += static_cast<char>(i);
    return bytes;
  }();

  [[nodiscard]] std::string bytes() const {
    std::string result = "GGUF" + raw(version) + raw(std::uint64_t{tensors.size()}) +
                         raw(std::uint64_t{values.size()});
    for (const std::string& value : values) result += value;
    for (const std::string& info : tensors) result += info;
    result.resize((result.size() + 31) / 32 * 32, '\0');
    return result + data;
  }
};

Error open_error(const Gguf& gguf) {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("m.gguf"), gguf.bytes());
  return error_of([&path] { open_gguf(path); });
}

TEST_CASE("Tensors and sizes of a GGUF file are read") {
  const ScratchFolder folder;
  for (const std::uint32_t version : {2U, 3U}) {
    Gguf gguf;
    gguf.version = version;
    const auto path = write_bytes(folder.path("m.gguf"), gguf.bytes());
    CHECK(is_gguf(path));
    const GgufModel model = open_gguf(path);
    CHECK(model.config.architecture == Architecture::llama);
    CHECK(model.config.blocks == 1);
    CHECK(model.config.kv_heads == 1);
    CHECK(model.config.head_size == 2);
    CHECK(model.config.vocabulary == 3);
    CHECK(model.config.tied);
    CHECK(model.store->tensors().at("token_embd.weight").shape == Shape{3, 4});
    CHECK(model.store->tensors().at("half").dtype == Dtype::f16);
    CHECK(model.store->read("half") == std::vector<std::uint8_t>{64, 65, 66, 67});
    CHECK(model.store->read("brain", 1, 2) == std::vector<std::uint8_t>{97, 98});
  }
}

TEST_CASE("Quantized tensors are refused by their names and types, all at once") {
  Gguf gguf;
  gguf.tensors[1] = tensor("half", {32}, 2, 64);
  gguf.tensors[2] = tensor("brain", {256}, 12, 64);
  const Error error = open_error(gguf);
  CHECK(error.code() == ErrorCode::checkpoint_tensor);
  CHECK(error.parts().found == "half of Q4_0, brain of Q4_K");
}

TEST_CASE("Malformed GGUF files are refused") {
  const auto refused = [](const auto& change) {
    Gguf gguf;
    change(gguf);
    return open_error(gguf).code();
  };
  const auto gguf_error = ErrorCode::checkpoint_gguf;
  CHECK(refused([](Gguf& g) { g.version = 1; }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.version = 0x03000000; }) == gguf_error);  // big-endian
  CHECK(refused([](Gguf& g) { g.values[1] = text("a") + raw(13U) + raw(0U); }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.values[1] = raw(~std::uint64_t{0}) + "a"; }) == gguf_error);
  CHECK(refused([](Gguf& g) {
          g.values[6] = text("a") + raw(kArray) + raw(kArray) + raw(std::uint64_t{1});
        }) == gguf_error);
  CHECK(refused([](Gguf& g) {
          g.values[6] = text("a") + raw(kArray) + raw(kU64) + raw(std::uint64_t{1} << 61U);
        }) == gguf_error);
  CHECK(refused([](Gguf& g) {
          g.values[6] = text("a") + raw(kArray) + raw(kText) + raw(std::uint64_t{1} << 61U);
        }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.values[1] = number("general.alignment", 0); }) == gguf_error);
  CHECK(refused([](Gguf& g) {
          g.tensors[1] = tensor("half", {1, 1, 1, 1, 1}, 0, 0);
        }) == gguf_error);
  CHECK(refused([](Gguf& g) {
          g.tensors[1] = tensor("half", {1ULL << 40U, 1ULL << 40U}, 0, 0);
        }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.tensors[1] = g.tensors[2]; }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.tensors[1] = tensor("half", {2}, 1, 97); }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.tensors[1] = tensor("half", {2}, 1, ~0ULL); }) == gguf_error);
  CHECK(refused([](Gguf& g) { g.values.erase(g.values.begin()); }) == ErrorCode::checkpoint_config);
  CHECK(refused([](Gguf& g) { g.values.erase(g.values.begin() + 1); }) ==
        ErrorCode::checkpoint_config);
  CHECK(refused([](Gguf& g) { g.values[1] = number("llama.block_count", 4097); }) ==
        ErrorCode::checkpoint_config);
  CHECK(refused([](Gguf& g) {
          g.values[0] = text("general.architecture") + raw(kText) + text("x");
        }) == ErrorCode::checkpoint_architecture);
}

TEST_CASE("Truncated GGUF files are refused") {
  const ScratchFolder folder;
  const std::string good = Gguf().bytes();
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto path = write_bytes(folder.path("m.gguf"), good.substr(0, length));
    CHECK_NOTHROW(error_of([&path] { open_gguf(path); }));
  }
}

}  // namespace
}  // namespace bitloom
