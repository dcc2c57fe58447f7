// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/worker_build.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
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

namespace bitloom::sim {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = BITLOOM_SOURCE_DIR;
constexpr const char* kCompiler = "clang++";

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  // Length first, so that two inputs cannot trade characters.
  void add(std::string_view text) {
    const std::string length = std::to_string(text.size()) + ":";
    EVP_DigestUpdate(context_.get(), length.data(), length.size());
    EVP_DigestUpdate(context_.get(), text.data(), text.size());
  }
  std::string hex() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    return fmt::format("{:02x}", fmt::join(digest, ""));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// The list itself and what it names; comments start with "//".
std::vector<fs::path> design_files(const fs::path& list) {
  std::vector<fs::path> files = {list};
  std::istringstream lines(read_text(list));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && !line.starts_with("//")) files.push_back(list.parent_path() / line);
  return files;
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  std::string text;
  std::array<char, 256> chunk{};
  while (pipe && std::fgets(chunk.data(), chunk.size(), pipe.get()) != nullptr)
    text += chunk.data();
  return text;
}

// The processor, for the executable is compiled for the machine that it runs on.
std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  std::string text;
  for (std::string line; std::getline(in, line) && !line.empty();)
    if (line.starts_with("model name") || line.starts_with("flags")) text += line + "\n";
  return text;
}

std::string worker_hash(const HardwareConfig& hardware, const fs::path& list) {
  Sha256 hash;
  hash.add(hardware_json(hardware));
  std::vector<fs::path> files = design_files(list);
  for (const char* folder :
       {"rtl/include", "sim/mem", "sim/protocol", "sim/tb", "sim/trace", "sim/worker"})
    for (const fs::path& file : files_of(kSource / folder)) files.push_back(file);
  files.emplace_back(BITLOOM_GENERATE);
  for (const fs::path& file : files) {
    hash.add(file.filename().string());
    hash.add(read_text(file));
  }
  hash.add(output_of("verilator_bin --version 2>&1"));
  hash.add(output_of(std::string(kCompiler) + " --version 2>&1"));
  hash.add(processor());
  return hash.hex();
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

void build(const HardwareConfig& hardware, const WorkerOptions& options, const fs::path& list,
           const std::string& hash, const fs::path& folder, const fs::path& executable) {
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
      (kSource / "sim/worker").string(),
      "-B",
      objects.string(),
      "-G",
      "Ninja",
      "-DCMAKE_CXX_COMPILER=" + std::string(kCompiler),
      "-DBITLOOM_CONFIG_JSON=" + config.string(),
      "-DBITLOOM_GENERATE=" + std::string(BITLOOM_GENERATE),
      "-DBITLOOM_RTL_LIST=" + list.string(),
      "-DBITLOOM_WORKER_HASH=" + hash,
      "-DBITLOOM_OBSERVE=" + std::string(options.observe ? "ON" : "OFF")};
  if (!run_logged(configure, log) || !run_logged({"cmake", "--build", objects.string()}, log))
    throw_failed(log);
  // Renamed last: an executable that is in its place is complete.
  fs::rename(objects / "bl_worker", executable);
  fs::remove_all(objects);
}

}  // namespace

WorkerExecutable ensure_worker(const HardwareConfig& hardware, const WorkerOptions& options) {
  const fs::path root =
      options.directory.empty() ? fs::path(BITLOOM_BINARY_DIR) / "worker" : options.directory;
  const fs::path list =
      fs::absolute(options.rtl_list.empty() ? kSource / "rtl/files.f" : options.rtl_list);
  const std::string hash = worker_hash(hardware, list);
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
      build(hardware, options, list, hash, folder, executable);
    }
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::rtl_build,
                {folder.string(), error.what(), "a folder that the worker can be built in",
                 "Check permissions and space."});
  }
  return {executable, hash};
}

}  // namespace bitloom::sim
