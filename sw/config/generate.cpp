// SPDX-License-Identifier: Apache-2.0
// bl_generate: everything that is derived from the configuration, register and descriptor sources.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "sw/config/emit.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    "Usage: bl_generate --source DIR [--config NAME|FILE --sv-dir DIR] [--cpp-dir DIR]\n"
    "  --source DIR         the folder sw/config with the JSON sources\n"
    "  --cpp-dir DIR        write the C++ headers there\n"
    "  --config NAME|FILE   the configuration of the SystemVerilog packages\n"
    "  --sv-dir DIR         write the SystemVerilog packages there\n";

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in)
    throw Error(ErrorCode::config_json,
                {path.string(), "a file that cannot be read", "a readable file", ""});
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
    for (const auto& entry : fs::directory_iterator(folder / "named"))
      configurations.push_back(load(entry.path()));
    std::sort(configurations.begin(), configurations.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  [[nodiscard]] NamedConfiguration load(const fs::path& path) const {
    std::string text = read_file(path);
    ConfigValues values = check_configuration(schema, text, path.string());
    return {path.stem().string(), std::move(text), std::move(values)};
  }

  [[nodiscard]] NamedConfiguration find(const std::string& name_or_path) const {
    for (const NamedConfiguration& configuration : configurations)
      if (configuration.name == name_or_path) return configuration;
    return load(name_or_path);
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

int generate(const std::vector<std::string>& arguments) {
  std::map<std::string, std::string> options;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2)
    options[arguments[i]] = arguments[i + 1];
  const Sources sources(options.at("--source"));
  if (options.contains("--cpp-dir")) write_cpp(sources, options["--cpp-dir"]);
  if (options.contains("--sv-dir")) write_sv(sources, options.at("--config"), options["--sv-dir"]);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace bitloom

int main(int argc, char** argv) {
  try {
    return bitloom::generate({argv + 1, argv + argc});
  } catch (const bitloom::Error& error) {
    std::cerr << format_error("bl_generate", error) << '\n';
  } catch (const std::exception& error) {
    std::cerr << "bl_generate: " << error.what() << '\n' << bitloom::kUsage;
  }
  return 2;
}
