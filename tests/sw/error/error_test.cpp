// SPDX-License-Identifier: Apache-2.0
#include "sw/error/error.hpp"

#include <catch2/catch.hpp>
#include <regex>
#include <set>

namespace bitloom {
namespace {

TEST_CASE("Every error code has its own text of the documented form and a sentence") {
  const std::regex form("BL-[A-Z0-9]+-[a-z0-9-]+");
  std::set<std::string_view> texts;
  for (const ErrorCode code : all_error_codes()) {
    const std::string text(code_text(code));
    INFO(text);
    CHECK(std::regex_match(text, form));
    CHECK(texts.insert(code_text(code)).second);
    CHECK(code_meaning(code).ends_with('.'));
  }
}

TEST_CASE("A message is one line with code, place, found, expected and advice") {
  const Error error(ErrorCode::usage, {"--bits", "9", "1 .. 8", "Choose a smaller precision."});
  CHECK(format_error("bitloom", error) ==
        "bitloom: error BL-USE-usage: --bits: found 9; expected 1 .. 8. "
        "Choose a smaller precision.");
}

TEST_CASE("A message without expectation or advice has no empty phrases") {
  CHECK(std::string(Error(ErrorCode::usage, {"place", "this", "", ""}).what()) ==
        "place: found this.");
}

TEST_CASE("An error keeps its parts for callers that present them differently") {
  const Error error(ErrorCode::usage, {"a", "b", "c", "d"});
  CHECK(error.parts().place == "a");
  CHECK(error.parts().found == "b");
  CHECK(error.parts().expected == "c");
  CHECK(error.parts().advice == "d");
}

TEST_CASE("The nearest names come by edit distance, best first") {
  const std::vector<std::string> names = {"server", "edge", "tiny", "tiny-mb8"};
  CHECK(nearest_names("egde", names, 1) == std::vector<std::string>{"edge"});
  CHECK(nearest_names("tiny-mb", names, 2) == std::vector<std::string>{"tiny-mb8", "tiny"});
  CHECK(nearest_names("tiny", {}, 3).empty());
  CHECK(nearest_list("tiny-mb", names, 2) == "tiny-mb8, tiny");
  CHECK(nearest_list("tiny", {}).empty());
}

TEST_CASE("Equally near names come in alphabetical order") {
  CHECK(nearest_names("x", {"c", "a", "b"}) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("What a file holds is quoted on one line of bounded length") {
  CHECK(quotation("model.q_proj") == "\"model.q_proj\"");
  CHECK(quotation("") == "\"\"");
  CHECK(quotation("a\nb\x1b[2J\xff") == R"("a\x0ab\x1b[2J\xff")");
  CHECK(quotation(std::string(80, 'x')) == '"' + std::string(80, 'x') + '"');
  CHECK(quotation(std::string(1000, 'x')) == '"' + std::string(80, 'x') + "...\"");
}

}  // namespace
}  // namespace bitloom
