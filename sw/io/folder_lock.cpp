// SPDX-License-Identifier: Apache-2.0
#include "sw/io/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "sw/error/error.hpp"

namespace bitloom {

FolderLock::FolderLock(std::filesystem::path folder) : folder_(std::move(folder)) {
  // A holder that ends removes the folder: what was opened before that is not the folder any more.
  while (!try_lock()) ::close(std::exchange(descriptor_, -1));
}

FolderLock::~FolderLock() {
  if (is_in_place()) ::rmdir(folder_.c_str());  // fails when something is in it
  ::close(descriptor_);
}

// Opens and locks what has the folder's name, and says whether it still has it.
bool FolderLock::try_lock() {
  const auto fail = [this](ErrorCode code, const std::string& found, const char* expected,
                           const char* advice) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw Error(code, {folder_.string(), found, expected, advice});
  };
  if (::mkdir(folder_.c_str(), 0777) != 0 && errno != EEXIST)
    fail(ErrorCode::output_path, std::generic_category().message(errno),
         "a folder that can be made", "Choose another output path.");
  descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor_ < 0) {
    const int why = errno;
    // Removed since, unless it is a link to nothing.
    if (why == ENOENT && !std::filesystem::is_symlink(folder_)) return false;
    fail(ErrorCode::output_path, std::generic_category().message(why),
         "a folder that can be opened", "Choose another output path.");
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    fail(ErrorCode::output_busy, "another process that works in it", "none",
         "Wait until it ends, or choose another output path.");
  return is_in_place();
}

bool FolderLock::is_in_place() const {
  struct stat held {};
  struct stat named {};
  return ::fstat(descriptor_, &held) == 0 && ::stat(folder_.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

}  // namespace bitloom
