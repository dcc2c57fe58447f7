// SPDX-License-Identifier: Apache-2.0
// The safetensors container (github.com/huggingface/safetensors): an 8-byte little-endian header
// length, a JSON header, and the tensors' bytes. Nothing in a file is believed before it is
// checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sw/io/file.hpp"

namespace bitloom {

/// The element types of the container; the numbers index the table of names and sizes.
enum class Dtype : std::uint8_t {
  boolean,
  u8,
  i8,
  f8_e4m3,
  f8_e5m2,
  u16,
  i16,
  f16,
  bf16,
  u32,
  i32,
  f32,
  u64,
  i64,
  f64
};

/// The name in the header, for example "BF16".
std::string_view dtype_name(Dtype dtype);
/// Bytes per element.
std::size_t dtype_bytes(Dtype dtype);

using Shape = std::vector<std::uint64_t>;

/// "[2, 4096]", for messages.
std::string shape_text(const Shape& shape);

struct TensorInfo {
  Dtype dtype{};
  Shape shape;
  std::uint64_t begin = 0;  ///< first byte, counted from the first byte behind the header
  std::uint64_t end = 0;    ///< one past the last byte
};

/// The longest header that is read, which is also the container's own limit.
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// A file whose header has been read and proved consistent: every tensor has a known type, as many
/// bytes as its shape says, and lies inside the file; tensors do not overlap and leave no gap.
class SafetensorsFile {
 public:
  /// Throws Error io_read, or the st_ code of the first thing that is wrong.
  explicit SafetensorsFile(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }

  /// The little-endian bytes of a tensor of tensors().
  [[nodiscard]] std::vector<std::uint8_t> read(const TensorInfo& tensor) const;
  /// Bytes [offset, offset + length) of a tensor of tensors(), which has as many. May be called
  /// from several threads.
  [[nodiscard]] std::vector<std::uint8_t> read(const TensorInfo& tensor, std::uint64_t offset,
                                               std::size_t length) const;

 private:
  InputFile file_;
  std::uint64_t data_offset_ = 0;  ///< of the first byte behind the header
  std::map<std::string, std::string> metadata_;
  std::map<std::string, TensorInfo> tensors_;
};

/// A tensor that is to be written.
struct TensorSpec {
  std::string name;
  Dtype dtype{};
  Shape shape;
};

/// Bytes [offset, offset + length) of a tensor that is to be written. Larger ones never stand in
/// memory as a whole.
using ReadPart = std::function<std::vector<std::uint8_t>(std::uint64_t offset, std::size_t length)>;

/// Bytes of a tensor, or nothing when the number does not fit 64 bits.
std::optional<std::uint64_t> tensor_bytes(Dtype dtype, const Shape& shape);

/// Replaces a file by one whose tensors come one at a time, so that they never stand in memory
/// together. Wider element types lie first, so that each tensor is aligned.
class SafetensorsWriter {
 public:
  /// Writes the header; names differ and tensor_bytes() of each is a number. Throws Error
  /// output_path, as the other members do.
  SafetensorsWriter(const std::filesystem::path& path,
                    const std::map<std::string, std::string>& metadata,
                    std::vector<TensorSpec> tensors);

  /// The little-endian bytes of one of the tensors, each once, in any order.
  void write(const std::string& name, std::span<const std::uint8_t> bytes);
  /// The same, part by part; passes on what `read` throws.
  void write(const std::string& name, const ReadPart& read);
  /// Puts the file in place. All tensors have been written.
  void commit();

 private:
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };

  OutputFile file_;
  std::map<std::string, Range> left_;  ///< not written yet
};

struct NamedTensor {
  std::string name;
  Dtype dtype{};
  Shape shape;
  std::vector<std::uint8_t> bytes;  ///< little-endian
};

/// Replaces `path` by a file of these tensors (distinct names, as many bytes as their shapes say)
/// as SafetensorsWriter does. Throws Error output_path.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, std::string>& metadata,
                       const std::vector<NamedTensor>& tensors);

}  // namespace bitloom
