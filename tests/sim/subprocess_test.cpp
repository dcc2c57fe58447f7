// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/subprocess.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <system_error>

namespace bitloom::sim {
namespace {

using namespace std::chrono_literals;

Subprocess start(const std::vector<std::string>& arguments) {
  return {arguments, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
}

TEST_CASE("A child's end is told by status or signal, once") {
  Subprocess good = start({"true"});
  CHECK(good.wait() == "exit status 0");
  CHECK(good.wait(0ms) == "ended before");
  CHECK(good.wait() == "ended before");
  Subprocess bad = start({"sh", "-c", "exit 7"});
  CHECK(bad.wait(5s) == "exit status 7");
}

TEST_CASE("A child that does not end within the limit is killed") {
  Subprocess slow = start({"sleep", "60"});
  CHECK(slow.wait(20ms) == "signal 9");
  CHECK(slow.wait(0ms) == "ended before");
}

TEST_CASE("A command that does not exist is an error of the start") {
  CHECK_THROWS_AS(start({"/nonexistent/command"}), std::system_error);
}

}  // namespace
}  // namespace bitloom::sim
