// SPDX-License-Identifier: Apache-2.0
// The table of model layers against published totals.
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <set>

#include "host/models/models.hpp"
#include "sw/error/error.hpp"

namespace {

using namespace bitloom;

TEST_CASE("The weights of one block add up to the published number of every model") {
  const std::map<std::string, std::uint64_t> expected = {
      {"llama7b", 202375168},   {"llama13b", 317194240},   {"llama70b", 855638016},
      {"llama3-8b", 218103808}, {"llama3-70b", 855638016}, {"mistral-7b", 218103808},
      {"gemma2-9b", 198180864}, {"phi4", 340787200},       {"qwen3-32b", 487587840},
      {"opt-125m", 7077888},    {"opt-1.3b", 50331648},    {"opt-2.7b", 78643200},
      {"opt-6.7b", 201326592},  {"opt-13b", 314572800},    {"opt-30b", 616562688},
      {"opt-66b", 1019215872},  {"opt-175b", 1811939328}};
  REQUIRE(models().size() == expected.size());
  for (const ModelShape& model : models()) {
    std::uint64_t weights = 0;
    for (const ModelLayer& layer : model.layers)
      if (layer.count == model.blocks) weights += std::uint64_t{layer.m} * layer.k;
    CAPTURE(model.name);
    CHECK(weights == expected.at(model.name));
    CHECK(model.layers.back().name == model.name + ".lm_head");
    CHECK(model.layers.back().count == 1);
  }
}

TEST_CASE("Shapes are out x in") {
  const auto check = [](const char* name, std::uint32_t m, std::uint32_t k) {
    CAPTURE(name);
    CHECK(find_layer(name).m == m);
    CHECK(find_layer(name).k == k);
  };
  check("llama7b.q_proj", 4096, 4096);
  check("llama7b.down_proj", 4096, 11008);
  check("llama3-8b.k_proj", 1024, 4096);
  check("llama3-8b.down_proj", 4096, 14336);
  check("gemma2-9b.o_proj", 3584, 4096);
  check("phi4.qkv_proj", 7680, 5120);
  check("phi4.gate_up_proj", 35840, 5120);
  check("qwen3-32b.q_proj", 8192, 5120);
  check("opt-13b.fc1", 20480, 5120);
  check("opt-175b.fc2", 12288, 49152);
  check("llama3-70b.lm_head", 128256, 8192);
}

TEST_CASE("Names are distinct and an unknown one is refused with its nearest") {
  std::set<std::string> names;
  for (const ModelShape& model : models())
    for (const ModelLayer& layer : model.layers) CHECK(names.insert(layer.name).second);
  try {
    find_layer("llama7b.gate");
    FAIL("an unknown layer was found");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::layer_name);
    CHECK(error.parts().advice.find("llama7b.gate_proj") != std::string::npos);
  }
}

}  // namespace
