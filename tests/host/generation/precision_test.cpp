// SPDX-License-Identifier: Apache-2.0
#include "host/generation/precision.hpp"

#include <catch2/catch.hpp>

#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

// Two blocks; layers are called b0.q, ..., b1.down, head.
FloatModel named_model() {
  FloatModel model;
  model.blocks.resize(2);
  for (std::size_t kind = 0; kind < kBlockLinears; ++kind) {
    const std::string name(kLinearKindNames.at(kind));
    model.blocks[0].linears.at(kind).name = "b0." + name;
    model.blocks[1].linears.at(kind).name = "b1." + name;
  }
  model.classifier.name = "head";
  return model;
}

constexpr LinearId kQ1{LinearKind::q, 1};
constexpr LinearId kDown0{LinearKind::down, 0};
constexpr LinearId kHead{LinearKind::classifier, 0};

void check_refused(const std::function<void()>& parse, const std::string& found) {
  const Error error = error_of(parse);
  CHECK(error.code() == ErrorCode::usage);
  CHECK(error.parts().place == "--option");
  CHECK(error.parts().found == quotation(found));
}

}  // namespace

TEST_CASE("precisions are 1 to 8, and 16") {
  CHECK(parse_precision("--option", "8") == 8);
  CHECK(parse_precisions("--option", "3,16,1") == std::vector<unsigned>{3, 16, 1});
  for (const char* bad : {"", "0", "9", "15", "17", "+3", "3 ", "x", "4294967299"}) {
    check_refused([&] { parse_precision("--option", bad); }, bad);
    check_refused([&] { parse_precisions("--option", bad); }, bad);
  }
  CHECK(parse_precisions("--option", "2-4,8,16") == std::vector<unsigned>{2, 3, 4, 8, 16});
  CHECK(parse_precisions("--option", "7-8,3-3") == std::vector<unsigned>{7, 8, 3});
  for (const char* bad : {"2,", ",2", "2,2", "2;3", "2,,3", "4-2", "2-", "-2", "2-4-5", "2-4,3",
                          "2-9", "8-16", "0-2", "2 - 4"})
    check_refused([&] { parse_precisions("--option", bad); }, bad);
}

TEST_CASE("a schedule begins at token 0 and ascends") {
  CHECK(parse_schedule("--option", "0:2") == std::vector<ScheduleStep>{{0, 2}});
  CHECK(parse_schedule("--option", "0:2,20:4,60:16") ==
        std::vector<ScheduleStep>{{0, 2}, {20, 4}, {60, 16}});
  for (const char* bad : {"", "2", "0:", ":2", "1:2", "0:2,0:3", "0:2,5:3,5:4", "0:2,5:3,4:4",
                          "0:9", "0:2,", "0:2:3", "-1:2", "0 :2", "0:2,4294967296:3"})
    check_refused([&] { parse_schedule("--option", bad); }, bad);
}

TEST_CASE("a rule is a pattern and a precision") {
  CHECK(parse_layer_rules("--option", "head=8,b*.q=16,a=b=2") ==
        std::vector<LayerRule>{{"head", 8}, {"b*.q", 16}, {"a=b", 2}});
  for (const char* bad : {"", "head", "=3", "head=", "head=9", "head=3,", "head=3,,q=2"})
    check_refused([&] { parse_layer_rules("--option", bad); }, bad);
}

TEST_CASE("a plan has the schedule's precision but where a rule holds, the last one") {
  const FloatModel model = named_model();
  const PrecisionPlan plan(model, {{0, 2}, {5, 4}, {9, 16}},
                           {{"*.down", 8}, {"b[0].????", 3}, {"head", 16}});
  CHECK(plan.bits(kQ1, 0) == 2);
  CHECK(plan.bits(kQ1, 4) == 2);
  CHECK(plan.bits(kQ1, 5) == 4);
  CHECK(plan.bits(kQ1, 8) == 4);
  CHECK(plan.bits(kQ1, 1000000) == 16);
  CHECK(plan.bits(kDown0, 7) == 3);
  CHECK(plan.bits({LinearKind::down, 1}, 7) == 8);
  CHECK(plan.bits(kHead, 0) == 16);
  const NeededPrecisions needed = plan.needed();
  CHECK(needed.size() == 15);
  CHECK(needed.at(kQ1) == std::set<unsigned>{2, 4, 16});
  CHECK(needed.at(kDown0) == std::set<unsigned>{3});
}

TEST_CASE("a rule that fits no layer is refused with the nearest names") {
  const FloatModel model = named_model();
  const Error error = error_of([&] { const PrecisionPlan plan(model, {{0, 2}}, {{"haed", 3}}); });
  CHECK(error.code() == ErrorCode::layer_name);
  CHECK(error.parts().place == "pattern \"haed\"");
  CHECK(error.parts().expected.find("nearest: head") != std::string::npos);
}
