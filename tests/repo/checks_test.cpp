// SPDX-License-Identifier: Apache-2.0
// Each rule of the repository on a small tree that keeps it and on one that does not.
#include "tests/repo/checks.hpp"

#include <catch2/catch.hpp>

namespace bitloom::repo {
namespace {

const std::string kHead = "// SPDX-License-Identifier: Apache-2.0\n";

TEST_CASE("A source without a license line is found") {
  CHECK(missing_license({{"sw/a.cpp", kHead + "int a;\n"}}).empty());
  CHECK(
      missing_license({{".ci/run", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"}}).empty());
  CHECK(missing_license({{"docs/a.md", "Prose.\n"}}).empty());
  CHECK(missing_license({{"sw/a.cpp", "int a;\n" + kHead}}) ==
        Problems{"sw/a.cpp: no license line"});
  CHECK(missing_license({{"sw/a.cpp", ""}}).size() == 1);
}

TEST_CASE("A character beyond ASCII and a tab are found") {
  CHECK(foreign_characters({{"Makefile", "all:\n\ttrue\n"}, {"docs/a.md", "plain\n"}}).empty());
  CHECK(foreign_characters({{"docs/a.md", "plain\ncaf\xc3\xa9\n"}}) ==
        Problems{"docs/a.md:2: a character that is not printable ASCII"});
  CHECK(foreign_characters({{"rtl/pe/a.sv", "\tmodule a;\n"}}).size() == 1);
}

TEST_CASE("A long source line is found") {
  CHECK(long_lines({{"sw/a.cpp", std::string(100, 'x') + "\n"}}).empty());
  CHECK(long_lines({{"docs/a.md", std::string(101, 'x') + "\n"}}).empty());
  CHECK(long_lines({{"sw/a.cpp", "\n" + std::string(101, 'x') + "\n"}}) ==
        Problems{"sw/a.cpp:2: 101 characters, more than 100"});
}

TEST_CASE("A version in a file or folder name is found") {
  CHECK(versioned_names({{"sw/newton/old_faithful.cpp", ""}}).empty());
  CHECK(versioned_names({{"sw/a_v2.cpp", ""}}).size() == 1);
  CHECK(versioned_names({{"sw/layout_old/a.cpp", ""}}).size() == 1);
  CHECK(versioned_names({{"sw/layout_new.cpp", ""}}).size() == 1);
}

TEST_CASE("A stranger at the top level is found once") {
  CHECK(foreign_top_level({{"README.md", ""}, {"sw/a.cpp", ""}, {".ci/run", ""}}).empty());
  CHECK(foreign_top_level({{"scratch.txt", ""}, {"tools/a", ""}, {"tools/b", ""}}) ==
        Problems{"scratch.txt: not part of the layout", "tools: not part of the layout"});
}

TEST_CASE("A file list that differs from the folder is found") {
  CHECK(file_list({{"rtl/files.f", "// list\npe/a.sv\n"},
                   {"rtl/pe/a.sv", ""},
                   {"rtl/include/a.svh", ""},
                   {"rtl/synth/wrapper.sv", ""}})
            .empty());
  CHECK(file_list({{"rtl/files.f", ""}, {"rtl/pe/a.sv", ""}}) ==
        Problems{"rtl/files.f: pe/a.sv is missing"});
  CHECK(file_list({{"rtl/files.f", "pe/a.sv\n"}}) ==
        Problems{"rtl/files.f: pe/a.sv does not exist"});
  CHECK(file_list({{"rtl/files.f", "pe/a.sv\npe/a.sv\n"}, {"rtl/pe/a.sv", ""}}) ==
        Problems{"rtl/files.f: pe/a.sv stands twice"});
}

TEST_CASE("A unit without page or tests is found") {
  Tree tree = {{"rtl/files.f", ""},
               {"rtl/pe/a.sv", ""},
               {"rtl/include/a.svh", ""},
               {"docs/units/pe.md", ""},
               {"tests/rtl/pe/a_test.cpp", ""}};
  CHECK(incomplete_units(tree).empty());
  tree.erase("docs/units/pe.md");
  CHECK(incomplete_units(tree) == Problems{"rtl/pe: no page docs/units/pe.md"});
  tree.erase("tests/rtl/pe/a_test.cpp");
  CHECK(incomplete_units(tree).size() == 2);
}

TEST_CASE("An error code that no test names is found") {
  const std::vector<std::pair<std::string, std::string>> codes = {{"usage", "BL-USE-usage"}};
  CHECK(untested_errors({{"tests/a.cpp", "ErrorCode::usage)"}}, codes).empty());
  CHECK(untested_errors({{"tests/a.sh", "grep 'BL-USE-usage'"}}, codes).empty());
  CHECK(untested_errors({{"tests/a.cpp", "ErrorCode::usages"}, {"sw/a.cpp", "ErrorCode::usage"}},
                        codes) == Problems{"BL-USE-usage: no test names it"});
  CHECK(untested_errors({{"tests/a.cpp", "f();  // as ErrorCode::usage\n// BL-USE-usage\n"},
                         {"tests/a.sh", "# BL-USE-usage\nfalse # BL-USE-usage\n"}},
                        codes)
            .size() == 1);
  CHECK(untested_errors({{"tests/a.cpp", "get(\"http://a\", ErrorCode::usage)"}}, codes).empty());
}

TEST_CASE("A shell example without a marker is found") {
  CHECK(unmarked_examples({{"README.md",
                            "<!-- run -->\n```sh\nmake list\n```\n```\nout\n```\n"
                            "<!-- not run: too long -->\n```sh\nmake test\n```\n"}})
            .empty());
  CHECK(unmarked_examples({{"README.md", "Try:\n```sh\nmake list\n```\n"}}) ==
        Problems{"README.md:2: a shell example without a marker"});
}

TEST_CASE("A link to a page that does not exist is found") {
  const Tree tree = {{"docs/a.md",
                      "[b](b.md#part) [top](../README.md) [folder](units)"
                      " [web](https://example.org/x)"},
                     {"docs/b.md", "[gone](c.md)"},
                     {"docs/units/pe.md", ""},
                     {"README.md", ""}};
  CHECK(dead_links(tree) == Problems{"docs/b.md: no docs/c.md"});
}

TEST_CASE("A comment that names a page that does not exist is found") {
  const Tree tree = {{"docs/units/pe.md", ""},
                     {"rtl/pe/a.sv", "x;  // see docs/units/pe.md.\n/// (docs/units/pa.md)\n"},
                     {"tests/a.cpp", "f(\"docs/no.md\");\n"},
                     {"tests/a.sh", "# docs/none.md says why\ncat docs/no.md\n"}};
  CHECK(dead_links(tree) ==
        Problems{"rtl/pe/a.sv:2: no docs/units/pa.md", "tests/a.sh:1: no docs/none.md"});
}

}  // namespace
}  // namespace bitloom::repo
