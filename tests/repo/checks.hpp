// SPDX-License-Identifier: Apache-2.0
// Rules that the repository keeps, as pure functions from its files to the problems found: empty
// means that the rule is kept. So each rule is tested on a small broken tree as well.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitloom::repo {

/// Texts by path from the root, with '/' as separator.
using Tree = std::map<std::string, std::string>;
using Problems = std::vector<std::string>;

/// The text files of the repository in `root`; build folders and run results are not part of it.
Tree read_tree(const std::filesystem::path& root);

/// The first line of every source file, or the second behind "#!", names the license.
Problems missing_license(const Tree& tree);

/// Sources and pages hold printable ASCII only; tabs only in a Makefile.
Problems foreign_characters(const Tree& tree);

/// Source lines have at most 100 characters; tables (.def, .json) and prose are free.
Problems long_lines(const Tree& tree);

/// Names say what a thing is, not how often it was written: no _v2, _old, _new.
Problems versioned_names(const Tree& tree);

/// The top level holds the folders and files of the layout and nothing else.
Problems foreign_top_level(const Tree& tree);

/// rtl/files.f lists every SystemVerilog module and package of rtl/ once, and nothing else.
Problems file_list(const Tree& tree);

/// Every unit of rtl/ has its page docs/units/<unit>.md and its tests in tests/rtl/<unit>/.
Problems incomplete_units(const Tree& tree);

/// Every error code is named by a test, as its text or as its enumerator.
Problems untested_errors(const Tree& tree,
                         const std::vector<std::pair<std::string, std::string>>& codes);

/// Every shell example of the README says that a test runs it ("<!-- run -->") or why none does
/// ("<!-- not run: reason -->") on the line before it.
Problems unmarked_examples(const Tree& tree);

/// Every relative link of a Markdown page, and every page docs/... that a comment of a source
/// names, is a file of the tree.
Problems dead_links(const Tree& tree);

}  // namespace bitloom::repo
