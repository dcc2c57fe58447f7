// SPDX-License-Identifier: Apache-2.0
#include "sw/io/moments_file.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "sw/io/safetensors.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

// A file of one tensor whose bytes are words of 32 bits.
std::filesystem::path file_of(const ScratchFolder& folder, const std::string& name,
                              const Shape& shape, const std::vector<std::uint32_t>& words,
                              Dtype dtype = Dtype::f32) {
  std::vector<std::uint8_t> bytes;
  for (const std::uint32_t word : words)
    for (const char c : raw(word)) bytes.push_back(static_cast<std::uint8_t>(c));
  auto path = folder.path("m.safetensors");
  write_safetensors(path, {}, {{name, dtype, shape, bytes}});
  return path;
}

}  // namespace

TEST_CASE("moments are written as F32 [K] with their origin, and read back") {
  const ScratchFolder folder;
  const auto path = folder.path("moments.safetensors");
  write_moments(path, {"model.bin", 1234}, {{"layers.0.wq", {0, 0.5, 1e30}}, {"a", {1.0 / 3}}});
  const SafetensorsFile file(path);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"bitloom.model", "model.bin"},
                                                              {"bitloom.tokens", "1234"}});
  const TensorInfo& tensor = file.tensors().at("layers.0.wq.moments");
  CHECK(tensor.dtype == Dtype::f32);
  CHECK(tensor.shape == Shape{3});
  CHECK(file.read(tensor) ==
        std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 0x3F, 0xCA, 0xF2, 0x49, 0x71});
  CHECK(read_moments(path, "layers.0.wq", 3) == std::vector<double>{0, 0.5, 1e30F});
  CHECK(read_moments(path, "a", 1) == std::vector<double>{1.0F / 3.0F});
}

TEST_CASE("a mean square beyond binary32 is refused with its place, and nothing is written") {
  const ScratchFolder folder;
  for (const double value : {1e39, std::numeric_limits<double>::quiet_NaN()}) {
    const Error error = error_of([&] {
      write_moments(folder.path("m.safetensors"), {"m", 1}, {{"n", {1, value}}});
    });
    CHECK(error.code() == ErrorCode::model_value);
    CHECK(error.parts().place == "input column 1 of layer n");
  }
  CHECK(folder.entries().empty());
}

TEST_CASE("moments that a file lacks are refused with the nearest names") {
  const ScratchFolder folder;
  const auto path = file_of(folder, "layers.0.wq.moments", {1}, {0});
  const Error error = error_of([&] { read_moments(path, "layers.0.wk", 1); });
  CHECK(error.code() == ErrorCode::layer_name);
  CHECK(error.parts().found == "no moments of layer \"layers.0.wk\"");
  CHECK(error.parts().expected.find("nearest: layers.0.wq") != std::string::npos);
  const auto none = file_of(folder, "layers.0.wq", {1}, {0});
  CHECK(error_of([&] { read_moments(none, "layers.0.wq", 1); }).code() == ErrorCode::layer_name);
}

TEST_CASE("moments of another type or shape are refused") {
  const ScratchFolder folder;
  const auto refused = [&](const Shape& shape, const std::vector<std::uint32_t>& words,
                           Dtype dtype) {
    const auto path = file_of(folder, "n.moments", shape, words, dtype);
    const Error error = error_of([&] { read_moments(path, "n", 2); });
    CHECK(error.code() == ErrorCode::moments_tensor);
    CHECK(error.parts().expected.find("F32 [2]") == 0);
    return error.parts().found;
  };
  CHECK(refused({3}, {0, 0, 0}, Dtype::f32) == "F32 [3]");
  CHECK(refused({1, 2}, {0, 0}, Dtype::f32) == "F32 [1, 2]");
  CHECK(refused({2}, {0, 0}, Dtype::i32) == "I32 [2]");
  CHECK(refused({2}, {0}, Dtype::f16) == "F16 [2]");
}

TEST_CASE("moments that are negative or not finite are refused with their place") {
  const ScratchFolder folder;
  // -0 is 0; then -1, infinity and a NaN.
  CHECK(read_moments(file_of(folder, "n.moments", {2}, {0, 0x80000000}), "n", 2) ==
        std::vector<double>{0, 0});
  for (const std::uint32_t bad : {0xBF800000U, 0x7F800000U, 0x7FC00000U}) {
    const auto path = file_of(folder, "n.moments", {2}, {0, bad});
    const Error error = error_of([&] { read_moments(path, "n", 2); });
    CHECK(error.code() == ErrorCode::moments_value);
    CHECK(error.parts().place.find("n.moments, value 1") != std::string::npos);
  }
}
