// SPDX-License-Identifier: Apache-2.0
// Child processes: started without a shell, never left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace bitloom::sim {

/// A file descriptor that is closed when its owner goes.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  void reset();

 private:
  int fd_;
};

/// A running child; the destructor kills it if it has not ended.
class Subprocess {
 public:
  /// Starts arguments[0], looked up in PATH unless it holds a slash, with the given descriptors as
  /// stdin, stdout and stderr. Throws std::system_error when it cannot be started.
  Subprocess(const std::vector<std::string>& arguments, int in, int out, int err);
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;
  ~Subprocess();

  /// Waits for the end and says how it came, for example "exit status 1" or "signal 9"; "ended
  /// before" when it was waited for already.
  std::string wait();
  /// The same, but kills the child when it has not ended within the limit.
  std::string wait(std::chrono::milliseconds limit);

 private:
  // Private, and only while there is a child: kill(-1) would end every process of the user.
  void kill() const;

  pid_t pid_ = -1;
};

/// Runs a command to its end, its output appended to `log`; true when it exits with status 0.
bool run_logged(const std::vector<std::string>& arguments, const std::filesystem::path& log);

/// The last lines of a text, at most `count`.
std::string last_lines(const std::string& text, std::size_t count);

/// A file's content; empty when it cannot be read.
std::string read_text(const std::filesystem::path& path);

}  // namespace bitloom::sim
