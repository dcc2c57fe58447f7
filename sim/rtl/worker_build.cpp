// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/worker_build.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <vector>

#include "gen/sources.hpp"
#include "sim/rtl/subprocess.hpp"
#include "sw/config/config.hpp"
#include "sw/error/error.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCompiler = "clang++";

// Adds a text with its length in front, so that two inputs cannot trade characters.
void add(Sha256& hash, std::string_view text) {
  const auto update = [&](std::string_view part) {
    hash.update({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()});
  };
  update(std::to_string(text.size()) + ":");
  update(text);
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

fs::path source_of(const WorkerOptions& options) {
  return options.source.empty() ? fs::path(BITLOOM_SOURCE_DIR) : options.source;
}

fs::path design_list(const WorkerOptions& options) {
  return fs::absolute(options.rtl_list.empty() ? source_of(options) / "rtl/files.f"
                                               : options.rtl_list);
}

// The list itself and what it names; comments start with "//".
std::vector<fs::path> design_files(const fs::path& list) {
  std::vector<fs::path> files = {list};
  std::istringstream lines(read_text(list));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && !line.starts_with("//")) files.push_back(list.parent_path() / line);
  return files;
}

// What `tool --version` prints. Throws Error rtl_build when there is no such tool.
std::string version_of(const std::string& tool) {
  std::FILE* const pipe = ::popen((tool + " --version 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 256> chunk{};
  while (pipe != nullptr && std::fgets(chunk.data(), chunk.size(), pipe) != nullptr)
    text += chunk.data();
  if (pipe != nullptr && ::pclose(pipe) == 0) return text;
  throw Error(ErrorCode::rtl_build,
              {"tools of the simulation worker", "no " + tool + " that runs",
               "cmake, ninja, verilator_bin and " + std::string(kCompiler) + " in PATH",
               "Run make sim, which installs them, or see docs/dependencies.md."});
}

// The processor, for the executable is compiled for the machine that it runs on.
std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  std::string text;
  for (std::string line; std::getline(in, line) && !line.empty();)
    if (line.starts_with("model name") || line.starts_with("flags")) text += line + "\n";
  return text;
}

// bl_generate takes complete files only. The system part does not reach the packages: any will do.
void write_config(const HardwareConfig& hardware, const fs::path& path) {
  const auto complete = nlohmann::json::parse(kNamedConfigurations[0].text);
  const nlohmann::json config = {{"hardware", nlohmann::json::parse(hardware_json(hardware))},
                                 {"system", complete.at("system")}};
  std::ofstream out(path);
  out << config.dump(2) << '\n';
}

[[noreturn]] void throw_failed(const fs::path& log) {
  throw Error(ErrorCode::rtl_build,
              {log.string(),
               "a failed build of the simulation worker, which ended with:\n" +
                   last_lines(read_text(log), 15) + "\n",
               "", "Read the log; it holds the commands' whole output."});
}

void build(const HardwareConfig& hardware, const WorkerOptions& options, const std::string& hash,
           const fs::path& folder, const fs::path& executable) {
  for (const char* tool : {"cmake", "ninja"}) version_of(tool);
  const std::string name = executable.filename().string();
  const fs::path config = folder / "config.json";
  const fs::path log = folder / (name + ".log");
  const fs::path objects = folder / (name + ".build");
  fs::remove(log);
  fs::remove_all(objects);  // what an interrupted build left behind
  write_config(hardware, config);
  const std::vector<std::string> configure = {
      "cmake",
      "-S",
      (source_of(options) / "sim/worker").string(),
      "-B",
      objects.string(),
      "-G",
      "Ninja",
      "-DCMAKE_CXX_COMPILER=" + std::string(kCompiler),
      "-DBITLOOM_CONFIG_JSON=" + config.string(),
      "-DBITLOOM_GENERATE=" + std::string(BITLOOM_GENERATE),
      "-DBITLOOM_RTL_LIST=" + design_list(options).string(),
      "-DBITLOOM_WORKER_HASH=" + hash,
      "-DBITLOOM_COVERAGE=" BITLOOM_COVERAGE,
      "-DBITLOOM_OBSERVE=" + std::string(options.observe ? "ON" : "OFF")};
  if (!run_logged(configure, log) || !run_logged({"cmake", "--build", objects.string()}, log))
    throw_failed(log);
  // Renamed last: an executable that is in its place is complete.
  fs::rename(objects / "bl_worker", executable);
  fs::remove_all(objects);
}

}  // namespace

std::string worker_hash(const HardwareConfig& hardware, const WorkerOptions& options) {
  Sha256 hash;
  add(hash, hardware_json(hardware));
  std::vector<fs::path> files = design_files(design_list(options));
  // sw/config: the generator reads the tables when it runs.
  for (const char* folder : {"rtl/include", "sim/mem", "sim/model", "sim/protocol", "sim/tb",
                             "sim/trace", "sim/worker", "sw/config"})
    for (const fs::path& file : files_of(source_of(options) / folder)) files.push_back(file);
  files.emplace_back(BITLOOM_GENERATE);
  for (const fs::path& file : files) {
    add(hash, file.filename().string());
    add(hash, read_text(file));
  }
  add(hash, "coverage " BITLOOM_COVERAGE);
  add(hash, version_of("verilator_bin"));
  add(hash, version_of(kCompiler));
  add(hash, processor());
  return hash.hex();
}

WorkerExecutable ensure_worker(const HardwareConfig& hardware, const WorkerOptions& options) {
  const std::string hash = worker_hash(hardware, options);
  const fs::path root =
      options.directory.empty() ? fs::path(BITLOOM_BINARY_DIR) / "worker" : options.directory;
  const fs::path folder = fs::absolute(root) / hash;
  const fs::path executable = folder / (options.observe ? "bl_worker_observe" : "bl_worker");
  try {
    fs::create_directories(folder);
    const FileDescriptor lock(
        ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.get() < 0 || ::flock(lock.get(), LOCK_EX) != 0)
      throw std::system_error(errno, std::generic_category(), "cannot lock " + folder.string());
    if (!fs::exists(executable)) {
      if (options.notice)
        options.notice(fmt::format("building the simulator {}", executable.string()));
      build(hardware, options, hash, folder, executable);
    }
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::rtl_build,
                {folder.string(), error.what(), "a folder that the worker can be built in",
                 "Check permissions and space."});
  }
  return {executable, hash};
}

}  // namespace bitloom::sim
