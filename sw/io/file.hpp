// SPDX-License-Identifier: Apache-2.0
// Files as the readers and writers of this folder need them: bounded reads at an offset, and a
// replacement that is seen whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitloom {

/// A regular file open for reading. All failures throw Error io_read.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Bytes of the file when it was opened.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Bytes [offset, offset + length). The caller has checked the range against size(), so nothing
  /// is allocated for bytes that do not exist.
  [[nodiscard]] std::vector<std::uint8_t> read(std::uint64_t offset, std::size_t length) const;

  /// All bytes, of a file whose size() the caller finds bearable.
  [[nodiscard]] std::string text() const;

 private:
  void read_into(void* place, std::uint64_t offset, std::size_t length) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Removes what killed processes left beside `path`, or in it if it is a folder: the files that
/// OutputFile writes before it renames them. What cannot be removed stays.
void remove_stale_temporaries(const std::filesystem::path& path);

/// A file that appears under its name only when it is complete: it is written beside it, synced,
/// and renamed by commit(). Without commit() nothing is left behind. All failures throw Error
/// output_path.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Appends behind what write() has written before.
  void write(std::span<const std::uint8_t> bytes);
  void write(std::string_view text);
  /// Writes at any place; what lies between is 0 until it is written.
  void write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::uint64_t end_ = 0;  ///< of what write() has written
};

}  // namespace bitloom
