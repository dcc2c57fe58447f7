// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/layer_names.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

namespace bitloom {
namespace {

TEST_CASE("Digits in names are ordered as numbers") {
  std::vector<std::string> names = {"l.10.q", "l.2.q", "l.2.k", "l.2", "l", "l.02.q", "m.1", "l.x"};
  std::sort(names.begin(), names.end(), natural_order);
  CHECK(names ==
        std::vector<std::string>{"l", "l.2", "l.2.k", "l.02.q", "l.2.q", "l.10.q", "l.x", "m.1"});
}

TEST_CASE("A layer's name says where its block is") {
  const auto parts = split_block_name("model.decoder.layers.31.self_attn.q_proj");
  REQUIRE(parts);
  CHECK(parts->model == "model.decoder");
  CHECK(parts->blocks == "layers");
  CHECK(parts->index == "31");
  CHECK(parts->module == "self_attn.q_proj");
  for (const char* name : {"lm_head", "layers.0.wq", "0.a", "model.layers.0", "model.layers.0.",
                           ".layers.0.q", "", ".", "a.b.c"})
    CHECK_FALSE(split_block_name(name));
}

}  // namespace
}  // namespace bitloom
