// SPDX-License-Identifier: Apache-2.0
// A folder that one process at a time works in.
#pragma once

#include <filesystem>

namespace bitloom {

/// Holds `folder` until it is destroyed or its process ends, however that happens: the lock is the
/// kernel's (flock), so nothing that a killed process leaves behind blocks the next one. It keeps
/// those away that ask for it in the same way. File systems that cannot lock keep nobody away.
class FolderLock {
 public:
  /// Makes the folder if there is nothing of its name. Throws Error output_busy when another
  /// process holds it, and output_path when it can be neither made nor opened.
  explicit FolderLock(std::filesystem::path folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// Removes the folder if it is empty.
  ~FolderLock();

 private:
  [[nodiscard]] bool try_lock();
  [[nodiscard]] bool is_in_place() const;

  std::filesystem::path folder_;
  int descriptor_ = -1;
};

}  // namespace bitloom
