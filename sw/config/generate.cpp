// SPDX-License-Identifier: Apache-2.0
// bl_generate: everything that is derived from the configuration, register and descriptor sources.
#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "sw/config/emit.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    "Usage: bl_generate --source DIR [outputs]\n"
    "  --source DIR                      the folder sw/config with the JSON sources\n"
    "  --cpp-dir DIR                     write the C++ headers\n"
    "  --config NAME|FILE --sv-dir DIR   write the SystemVerilog packages of a configuration\n"
    "  --docs DIR                        rewrite the generated tables of the pages in DIR\n"
    "  --check-docs DIR                  fail when a generated table there is not fresh\n";

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return text.str();
}

// An unchanged file keeps its time stamp, so that nothing behind it is built again.
void write_file(const fs::path& path, const std::string& text) {
  if (fs::exists(path) && read_file(path) == text) return;
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

// All sources, parsed and checked.
struct Sources {
  explicit Sources(const fs::path& folder)
      : schema_text(read_file(folder / "schema.json")),
        schema(parse_schema(schema_text)),
        registers(parse_registers(read_file(folder / "registers.json"))),
        descriptor(parse_descriptor(read_file(folder / "descriptor.json"))) {
    for (const auto& entry : fs::directory_iterator(folder / "named")) {
      const std::string text = read_file(entry.path());
      configurations.push_back({entry.path().stem().string(), text,
                                check_configuration(schema, text, entry.path().string())});
    }
    std::sort(configurations.begin(), configurations.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  [[nodiscard]] CheckedConfiguration find(const std::string& name_or_path) const {
    std::vector<NamedText> named;
    for (const NamedConfiguration& configuration : configurations)
      named.push_back({configuration.name, configuration.text});
    return find_configuration(schema, named, name_or_path);
  }

  std::string schema_text;
  Schema schema;
  std::vector<Register> registers;
  DescriptorTables descriptor;
  std::vector<NamedConfiguration> configurations;
};

void write_cpp(const Sources& sources, const fs::path& folder) {
  write_file(folder / "config.hpp", cpp_config(sources.schema));
  write_file(folder / "sources.hpp", cpp_sources(sources.schema_text, sources.configurations));
  write_file(folder / "registers.hpp", cpp_registers(sources.registers));
  write_file(folder / "descriptor.hpp", cpp_descriptor(sources.descriptor));
}

void write_sv(const Sources& sources, const std::string& config, const fs::path& folder) {
  write_file(folder / "bl_cfg_pkg.sv", sv_config(sources.schema, sources.find(config)));
  write_file(folder / "bl_reg_pkg.sv", sv_registers(sources.registers));
  write_file(folder / "bl_desc_pkg.sv", sv_descriptor(sources.descriptor));
}

struct GeneratedTable {
  std::string page;
  std::string name;
  std::string text;
};

std::vector<GeneratedTable> doc_tables(const Sources& sources) {
  return {{"configuration.md", "hardware keys", doc_keys(sources.schema.hardware)},
          {"configuration.md", "system keys", doc_keys(sources.schema.system)},
          {"configuration.md", "named configurations",
           doc_named(sources.schema, sources.configurations)},
          {"registers.md", "registers", doc_registers(sources.registers)},
          {"descriptor.md", "descriptor", doc_record(sources.descriptor.descriptor)},
          {"descriptor.md", "completion", doc_record(sources.descriptor.completion)},
          {"descriptor.md", "status codes", doc_status(sources.descriptor.status_codes)},
          {"errors.md", "error codes", doc_errors()}};
}

// The pages of `folder` by path, with fresh tables.
std::map<fs::path, std::string> fresh_pages(const Sources& sources, const fs::path& folder) {
  std::map<fs::path, std::string> pages;
  for (const GeneratedTable& table : doc_tables(sources)) {
    const fs::path path = folder / table.page;
    if (!pages.contains(path)) pages[path] = read_file(path);
    pages[path] = replace_generated(pages[path], table.name, table.text);
  }
  return pages;
}

void write_docs(const Sources& sources, const fs::path& folder) {
  for (const auto& [path, text] : fresh_pages(sources, folder)) write_file(path, text);
}

void check_docs(const Sources& sources, const fs::path& folder) {
  for (const auto& [path, text] : fresh_pages(sources, folder))
    if (read_file(path) != text)
      throw std::runtime_error(path.string() + " has a stale table; run: make docs");
}

using Options = std::map<std::string, std::string>;

Options parse_options(const std::vector<std::string>& arguments) {
  const std::vector<std::string> known = {"--source", "--cpp-dir", "--config",
                                          "--sv-dir", "--docs",    "--check-docs"};
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (std::find(known.begin(), known.end(), arguments[i]) == known.end())
      throw Error(ErrorCode::usage,
                  {"command line", "\"" + arguments[i] + "\"", "an option of bl_generate",
                   fmt::format("Did you mean {}?", nearest_list(arguments[i], known))});
    if (i + 1 == arguments.size())
      throw Error(ErrorCode::usage, {arguments[i], "no value", "a value behind the option", ""});
    options[arguments[i]] = arguments[i + 1];
  }
  return options;
}

void generate(const Options& options) {
  const auto value = [&options](const std::string& option) {
    const auto found = options.find(option);
    if (found == options.end())
      throw Error(ErrorCode::usage, {"command line", "no " + option, option, kUsage});
    return found->second;
  };
  const Sources sources(value("--source"));
  if (options.contains("--cpp-dir")) write_cpp(sources, value("--cpp-dir"));
  if (options.contains("--sv-dir")) write_sv(sources, value("--config"), value("--sv-dir"));
  if (options.contains("--docs")) write_docs(sources, value("--docs"));
  if (options.contains("--check-docs")) check_docs(sources, value("--check-docs"));
}

}  // namespace
}  // namespace bitloom

int main(int argc, char** argv) {
  try {
    bitloom::generate(bitloom::parse_options({argv + 1, argv + argc}));
    return EXIT_SUCCESS;
  } catch (const bitloom::Error& error) {
    std::cerr << format_error("bl_generate", error) << '\n';
  } catch (const std::exception& error) {
    std::cerr << "bl_generate: " << error.what() << '\n';
  }
  return 2;
}
