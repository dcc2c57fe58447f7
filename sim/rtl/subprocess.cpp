// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/subprocess.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

namespace bitloom::sim {
namespace {

constexpr const char* kEndedBefore = "ended before";

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  reset();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Subprocess::Subprocess(const std::vector<std::string>& arguments, int in, int out, int err) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::array<int, 3> standard = {in, out, err};
  for (int target = 0; target < 3; ++target)
    posix_spawn_file_actions_adddup2(&actions, standard.at(static_cast<std::size_t>(target)),
                                     target);
  const int error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "cannot start " + arguments.front());
}

Subprocess::~Subprocess() {
  if (pid_ < 0) return;
  kill();
  wait_for(pid_);
}

std::string Subprocess::wait() {
  if (pid_ < 0) return kEndedBefore;
  const int status = wait_for(std::exchange(pid_, -1));
  return describe_status(status);
}

std::string Subprocess::wait(std::chrono::milliseconds limit) {
  if (pid_ < 0) return kEndedBefore;
  constexpr std::chrono::milliseconds kStep{5};
  for (auto waited = std::chrono::milliseconds::zero(); waited < limit; waited += kStep) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return describe_status(status);
    }
    std::this_thread::sleep_for(kStep);
  }
  kill();
  return wait();
}

void Subprocess::kill() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

bool run_logged(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor out(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  Subprocess process(arguments, nothing.get(), out.get(), out.get());
  return process.wait() == "exit status 0";
}

std::string last_lines(const std::string& text, std::size_t count) {
  std::size_t start = text.find_last_not_of('\n');
  if (start == std::string::npos) return "";
  const std::size_t end = start + 1;
  while (start > 0 && (text[start] != '\n' || --count > 0)) --start;
  return text.substr(start == 0 ? 0 : start + 1, end - (start == 0 ? 0 : start + 1));
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace bitloom::sim
