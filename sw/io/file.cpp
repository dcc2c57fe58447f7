// SPDX-License-Identifier: Apache-2.0
#include "sw/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "sw/error/error.hpp"

namespace bitloom {
namespace {

std::string reason(int error_number) { return std::generic_category().message(error_number); }

[[noreturn]] void fail_read(const std::filesystem::path& path, const std::string& found) {
  throw Error(ErrorCode::io_read,
              {path.string(), found, "a readable regular file", "Check the path."});
}

constexpr std::string_view kTemporaryMark = ".tmp-";

// Whether the process that wrote NAME.tmp-PID-NUMBER is gone.
bool is_stale_temporary(const std::string& name) {
  const std::size_t mark = name.rfind(kTemporaryMark);
  if (mark == std::string::npos) return false;
  const char* begin = name.data() + mark + kTemporaryMark.size();
  pid_t process = 0;
  const auto [end, failure] = std::from_chars(begin, name.data() + name.size(), process);
  return failure == std::errc() && process > 0 && *end == '-' && ::kill(process, 0) != 0 &&
         errno == ESRCH;
}

// A name beside `path` that no other writer of this machine uses at the same time.
std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter = 0;
  std::filesystem::path name = path;
  name +=
      std::string(kTemporaryMark) + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  return name;
}

// Makes a rename durable. A file system that cannot sync a directory has nothing to make durable.
void sync_directory_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK a pipe under this name would hang the open.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_read(path_, reason(errno));
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    fail_read(path_, "something that is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::vector<std::uint8_t> InputFile::read(std::uint64_t offset, std::size_t length) const {
  std::vector<std::uint8_t> bytes(length);
  read_into(bytes.data(), offset, length);
  return bytes;
}

std::string InputFile::text() const {
  std::string text(size_, '\0');
  read_into(text.data(), 0, text.size());
  return text;
}

void InputFile::read_into(void* place, std::uint64_t offset, std::size_t length) const {
  auto* const bytes = static_cast<std::uint8_t*>(place);
  std::size_t done = 0;
  while (done < length) {
    const ssize_t count =
        ::pread(descriptor_, bytes + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_read(path_, reason(errno));
    if (count == 0) fail_read(path_, "a file that shrank while it was read");
    done += static_cast<std::size_t>(count);
  }
}

void remove_stale_temporaries(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto sweep = [&ignored](const std::filesystem::path& folder, const std::string& prefix) {
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(prefix) && is_stale_temporary(name))
        std::filesystem::remove(entry.path(), ignored);
    }
  };
  const std::filesystem::path parent = path.parent_path();
  sweep(parent.empty() ? "." : parent, path.filename().string() + std::string(kTemporaryMark));
  if (std::filesystem::is_directory(path, ignored)) sweep(path, "");
}

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_beside(path_)) {
  // The rename of commit() would replace a device or pipe by a file.
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path_, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw Error(ErrorCode::output_path,
                {path_.string(), "something that is not a regular file",
                 "a path that can be written", "Choose another output path."});
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("create");
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void OutputFile::fail(const char* what) const {
  throw Error(ErrorCode::output_path,
              {path_.string(), reason(errno) + " (" + what + ")", "a path that can be written",
               "Choose another output path."});
}

void OutputFile::write(std::span<const std::uint8_t> bytes) {
  write_at(end_, bytes);
  end_ += bytes.size();
}

void OutputFile::write(std::string_view text) {
  write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void OutputFile::commit() {
  if (::fsync(descriptor_) != 0) fail("sync");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename");
  ::close(std::exchange(descriptor_, -1));
  sync_directory_of(path_);
}

}  // namespace bitloom
