// SPDX-License-Identifier: Apache-2.0
#include "host/cli/result_file.hpp"

#include <catch2/catch.hpp>
#include <iostream>
#include <sstream>
#include <thread>

#include "host/cli/run_directory.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

// What is written to standard error meanwhile.
class Noted {
 public:
  Noted() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  ~Noted() { std::cerr.rdbuf(before_); }

  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

struct Fixture {
  ScratchFolder folder;
  TextOutcome outcome;
  ResultFile file{folder.path(""), [this] {
                    return std::to_string(static_cast<int>(outcome.state)) + outcome.error;
                  }};

  [[nodiscard]] std::string written() const { return read_bytes(folder.path("result.json")); }
  // No file can have its name any more.
  void obstruct() const {
    std::filesystem::remove(folder.path("result.json"));
    std::filesystem::create_directory(folder.path("result.json"));
  }
};

const std::string kComplete = "0";
const std::string kInterrupted = "2";

}  // namespace

TEST_CASE("a result is interrupted from the first on, and complete at the end") {
  Fixture f;
  write_bytes(f.folder.path("result.json"), kComplete);
  complete(f.outcome, f.file, [&] { CHECK(f.written() == kInterrupted); });
  CHECK(f.written() == kComplete);
  CHECK_THROWS_AS(complete(f.outcome, f.file, [] { throw std::runtime_error("why"); }),
                  std::runtime_error);
  CHECK(f.written() == "1why");
}

TEST_CASE("a result that cannot be written meanwhile is noted once, and fails at the end") {
  Fixture f;
  const Noted noted;
  bool done = false;
  const Error error = error_of([&] {
    complete(f.outcome, f.file, [&] {
      f.obstruct();
      f.file.update();
      std::this_thread::sleep_for(std::chrono::milliseconds(1050));
      f.file.update();
      done = true;
    });
  });
  CHECK(done);
  CHECK(error.code() == ErrorCode::output_path);
  const std::string text = noted.text();
  CHECK(text.starts_with("bitloom: note: not written meanwhile: "));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("what killed runs left half written in a directory is removed by the next") {
  const ScratchFolder folder;
  // No process has a number that high.
  write_bytes(folder.path("result.json.tmp-1073741824-0"), "half");
  write_bytes(folder.path("kept"), "");
  prepare_directory(folder.path(""));
  CHECK(folder.entries().size() == 1);
}
