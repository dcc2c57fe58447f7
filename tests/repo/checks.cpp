// SPDX-License-Identifier: Apache-2.0
#include "tests/repo/checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace bitloom::repo {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLine = 100;
constexpr std::string_view kLicense = "SPDX-License-Identifier: Apache-2.0";

constexpr std::array<std::string_view, 7> kFolders = {"docs", "host", "kernels", "rtl",
                                                      "sim",  "sw",   "tests"};
constexpr std::array<std::string_view, 10> kFiles = {
    "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "CONTRIBUTING.md", "LICENSE",
    "Makefile",     "README.md",      ".clang-format",     ".clang-tidy",     ".editorconfig"};

template <class Range>
bool contains(const Range& range, std::string_view value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

std::string extension(const std::string& path) { return fs::path(path).extension().string(); }

std::string file_name(const std::string& path) { return fs::path(path).filename().string(); }

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool is_code(const std::string& path) {
  static const std::set<std::string> extensions = {".cpp", ".hpp", ".cu",  ".cuh",   ".sv", ".svh",
                                                   ".sh",  ".py",  ".tcl", ".cmake", ".awk"};
  return extensions.contains(extension(path)) || path.starts_with(".ci/") || path == "Makefile" ||
         file_name(path) == "CMakeLists.txt";
}

bool is_text(const std::string& path) {
  static const std::set<std::string> extensions = {".md", ".json", ".def", ".f", ".txt"};
  return is_code(path) || extensions.contains(extension(path));
}

std::string place(const std::string& path, std::size_t line) {
  return path + ":" + std::to_string(line + 1);
}

// The folders directly below `parent` ("rtl/") that hold a file.
std::set<std::string> folders_below(const Tree& tree, const std::string& parent) {
  std::set<std::string> folders;
  for (const auto& [path, text] : tree) {
    if (!path.starts_with(parent)) continue;
    const auto end = path.find('/', parent.size());
    if (end != std::string::npos) folders.insert(path.substr(parent.size(), end - parent.size()));
  }
  return folders;
}

bool has_file_below(const Tree& tree, const std::string& folder) {
  const auto next = tree.lower_bound(folder);
  return next != tree.end() && next->first.starts_with(folder);
}

}  // namespace

Tree read_tree(const fs::path& root) {
  Tree tree;
  const auto read = [&](const fs::path& path) {
    const std::string name = path.lexically_relative(root).generic_string();
    if (!is_text(name) && path.parent_path() != root) return;
    std::ifstream in(path, std::ios::binary);
    tree[name] = {std::istreambuf_iterator<char>(in), {}};
  };
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != ".gitignore") read(entry.path());
    if (!entry.is_directory() || name == ".git" || name == "runs" || name.starts_with("build"))
      continue;
    for (const auto& inner : fs::recursive_directory_iterator(entry.path()))
      if (inner.is_regular_file()) read(inner.path());
  }
  return tree;
}

Problems missing_license(const Tree& tree) {
  Problems problems;
  for (const auto& [path, text] : tree) {
    if (!is_code(path)) continue;
    const std::vector<std::string> lines = lines_of(text);
    const std::size_t first = !lines.empty() && lines[0].starts_with("#!") ? 1 : 0;
    if (lines.size() <= first || lines[first].find(kLicense) == std::string::npos)
      problems.push_back(path + ": no license line");
  }
  return problems;
}

Problems foreign_characters(const Tree& tree) {
  Problems problems;
  for (const auto& [path, text] : tree) {
    if (!is_text(path)) continue;
    const bool tabs = path == "Makefile";
    const std::vector<std::string> lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool clean = std::all_of(lines[i].begin(), lines[i].end(), [tabs](char c) {
        return (c >= ' ' && c <= '~') || (tabs && c == '\t');
      });
      if (!clean) problems.push_back(place(path, i) + ": a character that is not printable ASCII");
    }
  }
  return problems;
}

Problems long_lines(const Tree& tree) {
  Problems problems;
  for (const auto& [path, text] : tree) {
    if (!is_code(path)) continue;
    const std::vector<std::string> lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (lines[i].size() > kMaxLine)
        problems.push_back(fmt::format("{}: {} characters, more than {}", place(path, i),
                                       lines[i].size(), kMaxLine));
  }
  return problems;
}

Problems versioned_names(const Tree& tree) {
  static const std::regex versioned(R"((_v[0-9]+|_old|_new|_copy|_final)(\.|/|$))");
  Problems problems;
  for (const auto& [path, text] : tree)
    if (std::regex_search(path, versioned)) problems.push_back(path + ": a version in a name");
  return problems;
}

Problems foreign_top_level(const Tree& tree) {
  std::set<std::string> foreign;
  for (const auto& [path, text] : tree) {
    const auto slash = path.find('/');
    const std::string top = path.substr(0, slash);
    const bool known = slash == std::string::npos ? contains(kFiles, top)
                                                  : contains(kFolders, top) || top == ".ci";
    if (!known) foreign.insert(top);
  }
  Problems problems;
  for (const std::string& name : foreign) problems.push_back(name + ": not part of the layout");
  return problems;
}

Problems file_list(const Tree& tree) {
  const std::string list = "rtl/files.f";
  Problems problems;
  std::set<std::string> listed;
  for (const std::string& line : lines_of(tree.contains(list) ? tree.at(list) : "")) {
    if (line.empty() || line.starts_with("//")) continue;
    const std::string path = "rtl/" + line;
    if (!listed.insert(path).second)
      problems.push_back(fmt::format("{}: {} stands twice", list, line));
    if (!tree.contains(path)) problems.push_back(fmt::format("{}: {} does not exist", list, line));
  }
  for (const auto& [path, text] : tree) {
    const bool apart = path.starts_with("rtl/synth/") || path.starts_with("rtl/rival/");
    if (path.starts_with("rtl/") && extension(path) == ".sv" && !apart && !listed.contains(path))
      problems.push_back(fmt::format("{}: {} is missing", list, path.substr(4)));
  }
  return problems;
}

Problems incomplete_units(const Tree& tree) {
  static const std::set<std::string> not_units = {"include", "synth", "rival"};
  Problems problems;
  for (const std::string& unit : folders_below(tree, "rtl/")) {
    if (not_units.contains(unit)) continue;
    const std::string page = fmt::format("docs/units/{}.md", unit);
    const std::string tests = fmt::format("tests/rtl/{}/", unit);
    if (!tree.contains(page)) problems.push_back(fmt::format("rtl/{}: no page {}", unit, page));
    if (!has_file_below(tree, tests))
      problems.push_back(fmt::format("rtl/{}: no tests in {}", unit, tests));
  }
  return problems;
}

namespace {

// A source without its comments: those of C++ or of a shell. A mark inside a word, such as that of
// "http://", begins none.
std::string without_comments(const std::string& path, const std::string& text) {
  static const std::regex cpp(R"((^|\s)//[^\n]*)");
  static const std::regex shell(R"((^|\s)#[^\n]*)");
  const bool is_cpp = extension(path) == ".cpp" || extension(path) == ".hpp";
  return std::regex_replace(text, is_cpp ? cpp : shell, " ");
}

}  // namespace

Problems untested_errors(const Tree& tree,
                         const std::vector<std::pair<std::string, std::string>>& codes) {
  std::string tests;
  for (const auto& [path, text] : tree)
    if (path.starts_with("tests/") && is_code(path)) tests += without_comments(path, text);
  Problems problems;
  for (const auto& [name, text] : codes) {
    const std::regex mention(fmt::format(R"(\b(ErrorCode::{}|{})\b)", name, text));
    if (!std::regex_search(tests, mention)) problems.push_back(text + ": no test names it");
  }
  return problems;
}

Problems unmarked_examples(const Tree& tree) {
  const std::vector<std::string> lines =
      lines_of(tree.contains("README.md") ? tree.at("README.md") : "");
  Problems problems;
  bool inside = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with("```")) continue;
    inside = !inside;
    if (!inside || lines[i] != "```sh") continue;
    const std::string before = i == 0 ? "" : lines[i - 1];
    if (before != "<!-- run -->" && !before.starts_with("<!-- not run: "))
      problems.push_back(place("README.md", i) + ": a shell example without a marker");
  }
  return problems;
}

namespace {

// A comment that begins here or ends a line, of C++, SystemVerilog, a shell, make or CMake.
Problems dead_pages(const Tree& tree, const std::string& path, const std::string& text) {
  static const std::regex page(R"((?:^|\s)(?://|#).*?\b(docs/[A-Za-z0-9_/.-]+\.md)\b)");
  Problems problems;
  const std::vector<std::string> lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (std::smatch match; std::regex_search(lines[i], match, page) && !tree.contains(match[1]))
      problems.push_back(place(path, i) + ": no " + match[1].str());
  return problems;
}

Problems dead_links_of_page(const Tree& tree, const std::string& path, const std::string& text) {
  static const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  Problems problems;
  for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it) {
    const fs::path target = (fs::path(path).parent_path() / it->str(1)).lexically_normal();
    const std::string name = target.generic_string();
    if (!tree.contains(name) && !has_file_below(tree, name + (name.ends_with('/') ? "" : "/")))
      problems.push_back(fmt::format("{}: no {}", path, name));
  }
  return problems;
}

}  // namespace

Problems dead_links(const Tree& tree) {
  Problems problems;
  for (const auto& [path, text] : tree) {
    Problems found;
    if (extension(path) == ".md") found = dead_links_of_page(tree, path, text);
    if (is_code(path) || extension(path) == ".def") found = dead_pages(tree, path, text);
    problems.insert(problems.end(), found.begin(), found.end());
  }
  return problems;
}

}  // namespace bitloom::repo
