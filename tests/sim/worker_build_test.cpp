// SPDX-License-Identifier: Apache-2.0
// What names a worker in the cache, and what a build needs.
#include "sim/rtl/worker_build.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "sw/config/config.hpp"
#include "sw/error/error.hpp"

namespace bitloom::sim {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(fs::temp_directory_path() / (name + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

TEST_CASE("The key of a worker follows every input: design, testbench, tables and hardware") {
  const Folder copy("tree");
  fs::create_directories(copy.path() / "sw");
  for (const char* folder : {"rtl", "sim", "sw/config"})
    fs::copy(fs::path(BITLOOM_SOURCE_DIR) / folder, copy.path() / folder,
             fs::copy_options::recursive);
  WorkerOptions options;
  options.source = copy.path();
  const HardwareConfig hardware = load_config("tiny").hardware;
  const std::string key = worker_hash(hardware, options);
  CHECK(worker_hash(hardware, WorkerOptions{}) == key);

  for (const char* name :
       {"sw/config/registers.json", "sw/config/descriptor.json", "sw/config/schema.json",
        "rtl/files.f", "rtl/top/bl_top.sv", "rtl/include/bl_assert.svh", "sim/mem/memory.hpp",
        "sim/model/model.hpp", "sim/protocol/protocol.cpp", "sim/tb/host_driver.cpp",
        "sim/tb/bl_axi_checker.sv", "sim/trace/bl_trace.sv", "sim/worker/CMakeLists.txt"}) {
    CAPTURE(name);
    const std::string text = text_of(copy.path() / name);
    REQUIRE_FALSE(text.empty());
    write(copy.path() / name, text + "\n");
    CHECK(worker_hash(hardware, options) != key);
    write(copy.path() / name, text);
  }
  CHECK(worker_hash(hardware, options) == key);
  CHECK(worker_hash(load_config("edge").hardware, options) != key);
}

// Where the shell finds a tool.
fs::path place_of(const std::string& tool) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      ::popen(("command -v " + tool).c_str(), "r"), ::pclose);
  char line[4096] = "";
  REQUIRE((pipe && std::fgets(line, sizeof line, pipe.get()) != nullptr));
  return std::string(line, std::string(line).find('\n'));
}

class SearchPath {
 public:
  explicit SearchPath(const fs::path& folder) : before_(std::getenv("PATH")) {
    ::setenv("PATH", folder.c_str(), 1);
  }
  SearchPath(const SearchPath&) = delete;
  SearchPath& operator=(const SearchPath&) = delete;
  ~SearchPath() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST_CASE("A missing tool is named, and so is the way to get it") {
  const std::string missing = GENERATE("cmake", "ninja", "clang++", "verilator_bin");
  const Folder tools("tools");
  const Folder cache("cache");
  for (const char* tool : {"cmake", "ninja", "clang++", "verilator_bin"})
    if (tool != missing) fs::create_symlink(place_of(tool), tools.path() / tool);
  WorkerOptions options;
  options.directory = cache.path();
  const SearchPath only(tools.path());
  try {
    ensure_worker(load_config("tiny").hardware, options);
    FAIL("built without " << missing);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::rtl_build);
    CHECK_THAT(error.parts().found, Contains("no " + missing));
    CHECK_THAT(error.parts().advice, Contains("make sim"));
  }
}

TEST_CASE("A cache folder that cannot be made is an error that names it") {
  const Folder folder("file");
  write(folder.path() / "file", "");
  WorkerOptions options;
  options.directory = folder.path() / "file" / "cache";
  try {
    ensure_worker(load_config("tiny").hardware, options);
    FAIL("built below a file");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::rtl_build);
    CHECK_THAT(error.parts().place, Contains(options.directory.string()));
    CHECK_THAT(error.parts().advice, Contains("permissions"));
  }
}

}  // namespace
}  // namespace bitloom::sim
