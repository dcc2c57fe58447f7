// SPDX-License-Identifier: Apache-2.0
#include "host/checkpoints/select.hpp"

#include <catch2/catch.hpp>

#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;
using Indices = std::vector<std::size_t>;

const std::vector<std::string> kNames = {"layers.0.wq", "layers.0.w2", "layers.10.wq",
                                         "classifier"};

TEST_CASE("layers are chosen by the patterns of a shell") {
  CHECK(select_layers(kNames, "*") == Indices{0, 1, 2, 3});
  CHECK(select_layers(kNames, "layers.0.wq") == Indices{0});
  CHECK(select_layers(kNames, "layers.*.wq") == Indices{0, 2});
  CHECK(select_layers(kNames, "layers.?.w[q2]") == Indices{0, 1});
  CHECK(select_layers(kNames, "*.wq*") == Indices{0, 2});
  CHECK(select_layers({"abcbc"}, "a*bc") == Indices{0});
}

TEST_CASE("a pattern that matches nothing is refused with the nearest names") {
  for (const char* pattern :
       {"", "layers.0.w", "layers.0.wq2", "*.wk", "wq", "Layers.*", "lay[e"}) {
    const Error error = error_of([&] { select_layers(kNames, pattern); });
    CHECK(error.code() == ErrorCode::layer_name);
    CHECK(error.parts().place == "pattern " + quotation(pattern));
    CHECK(error.parts().found == "no match among 4 layers");
  }
  CHECK(error_of([] { select_layers(kNames, "clasifier"); })
            .parts()
            .expected.find("nearest: classifier") != std::string::npos);
}

TEST_CASE("a pattern of many stars takes no time that grows with their number") {
  const std::string name = std::string(10000, 'a') + "b";
  CHECK_THROWS_AS(select_layers({name}, "*a*a*a*a*a*a*a*a*c"), Error);
}

}  // namespace
