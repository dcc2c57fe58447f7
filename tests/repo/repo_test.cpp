// SPDX-License-Identifier: Apache-2.0
// The repository keeps its rules. CTest runs this in the root of the tree.
#include <catch2/catch.hpp>

#include "sw/error/error.hpp"
#include "tests/repo/checks.hpp"

namespace bitloom::repo {
namespace {

const Tree& tree() {
  static const Tree files = read_tree(std::filesystem::current_path());
  return files;
}

// One problem per line; empty when the rule is kept.
std::string report(const Problems& problems) {
  std::string text;
  for (const std::string& problem : problems) text += problem + "\n";
  return text;
}

// Enumerators and texts of all codes.
std::vector<std::pair<std::string, std::string>> codes() {
  return {
#define BL_ERROR(name, text, meaning) {#name, text},
#include "sw/error/codes.def"
#undef BL_ERROR
  };
}

TEST_CASE("The tree is found") {
  CHECK(tree().contains("sw/error/codes.def"));
  CHECK(tree().contains("tests/repo/repo_test.cpp"));
  CHECK(tree().contains(".ci/run"));
}

TEST_CASE("Every source file names its license") {
  CHECK_THAT(report(missing_license(tree())), Catch::Equals(""));
}

TEST_CASE("Every text is printable ASCII") {
  CHECK_THAT(report(foreign_characters(tree())), Catch::Equals(""));
}

TEST_CASE("No source line is too long") {
  CHECK_THAT(report(long_lines(tree())), Catch::Equals(""));
}

TEST_CASE("No file carries a version in its name") {
  CHECK_THAT(report(versioned_names(tree())), Catch::Equals(""));
}

TEST_CASE("The top level is that of the layout") {
  CHECK_THAT(report(foreign_top_level(tree())), Catch::Equals(""));
}

TEST_CASE("rtl/files.f lists the design") {
  CHECK_THAT(report(file_list(tree())), Catch::Equals(""));
}

TEST_CASE("Every unit has a page and tests") {
  CHECK_THAT(report(incomplete_units(tree())), Catch::Equals(""));
}

TEST_CASE("Every error code has a test") {
  CHECK_THAT(report(untested_errors(tree(), codes())), Catch::Equals(""));
}

TEST_CASE("Every example of the README is run, or says why not") {
  CHECK(tree().contains("README.md"));
  CHECK_THAT(report(unmarked_examples(tree())), Catch::Equals(""));
}

TEST_CASE("Every link between pages leads somewhere") {
  CHECK_THAT(report(dead_links(tree())), Catch::Equals(""));
}

}  // namespace
}  // namespace bitloom::repo
