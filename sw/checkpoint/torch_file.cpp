// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/torch_file.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "sw/checkpoint/pickle.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

// A pickle is far below: 100 bytes for each tensor. The interpreter needs some 50 times its length.
constexpr std::uint64_t kMaxPickleBytes = 8U << 20U;
constexpr std::string_view kPickleSuffix = "/data.pkl";
// torch.save aligns the bytes of storages so, which lets torch.load map them.
constexpr std::uint64_t kAlignment = 64;

struct ZipClose {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct EntryClose {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
struct SourceFree {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Archive = std::unique_ptr<zip_t, ZipClose>;
using Entry = std::unique_ptr<zip_file_t, EntryClose>;
using Source = std::unique_ptr<zip_source_t, SourceFree>;

struct ZipError {
  zip_error_t value{};
  ZipError() { zip_error_init(&value); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError() { zip_error_fini(&value); }
  [[nodiscard]] std::string text() { return zip_error_strerror(&value); }
};

[[noreturn]] void fail_zip(const std::string& place, std::string found, std::string expected) {
  throw Error(ErrorCode::checkpoint_zip, {place, std::move(found), std::move(expected),
                                          "Download or save the checkpoint again."});
}

// ---- reading ----

class ZipReader {
 public:
  explicit ZipReader(const std::filesystem::path& path)
      : path_(path),
        file_bytes_(InputFile(path).size()) {  // whose errors are clearer than libzip's
    ZipError error;
    Source source(zip_source_file_create(path.c_str(), 0, -1, &error.value));
    if (source) archive_.reset(zip_open_from_source(source.get(), ZIP_RDONLY, &error.value));
    if (!archive_) fail_zip(path.string(), error.text(), "a zip archive as torch.save writes it");
    static_cast<void>(source.release());  // the archive owns it now
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      names.emplace_back(name == nullptr ? "" : name);
    }
    return names;
  }

  // Bytes of an entry, which must lie in the archive as they are: a compressed one could grow
  // without bound.
  [[nodiscard]] std::uint64_t size(const std::string& name) const {
    zip_stat_t status{};
    if (zip_stat(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW, &status) != 0)
      fail_zip(path_.string(), "no entry " + quotation(name), "an entry for every storage");
    constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    if ((status.valid & kNeeded) != kNeeded || status.comp_method != ZIP_CM_STORE)
      fail_zip(place(name), "a compressed entry", "entries without compression");
    if (status.size > file_bytes_)
      fail_zip(place(name), fmt::format("{} bytes", status.size),
               fmt::format("at most the {} bytes of the file", file_bytes_));
    return status.size;
  }

  // Bytes [offset, offset + length) of an entry of at least that size(). Parts that follow each
  // other are read in one go, and when they reach from the entry's begin to its end, its checksum
  // is compared.
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name, std::uint64_t offset,
                                               std::size_t length) const {
    const std::lock_guard lock(mutex_);
    Reading reading = std::exchange(reading_, {});  // it ends with a failure
    if (!reading.entry || reading.name != name || reading.position != offset)
      reading = open_at(name, offset);
    const auto fail = [&] {
      fail_zip(place(name), quotation(zip_file_strerror(reading.entry.get())),
               "all of its bytes, undamaged");
    };
    std::vector<std::uint8_t> bytes(length);
    std::size_t done = 0;
    while (done < length) {
      const zip_int64_t count = zip_fread(reading.entry.get(), bytes.data() + done, length - done);
      if (count <= 0) fail();
      done += static_cast<std::size_t>(count);
    }
    reading.position += length;
    // The checksum is compared by the read that finds the end.
    std::uint8_t beyond = 0;
    if (reading.position == size(name) && zip_fread(reading.entry.get(), &beyond, 1) != 0) fail();
    reading_ = std::move(reading);
    return bytes;
  }

 private:
  // An entry, read so far.
  struct Reading {
    std::string name;
    Entry entry;
    std::uint64_t position = 0;
  };

  [[nodiscard]] Reading open_at(const std::string& name, std::uint64_t offset) const {
    Reading reading{name, Entry(zip_fopen(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW)), offset};
    if (!reading.entry)
      fail_zip(place(name), zip_strerror(archive_.get()), "an entry that can be read");
    if (offset != 0 &&
        zip_fseek(reading.entry.get(), static_cast<zip_int64_t>(offset), SEEK_SET) != 0)
      fail_zip(place(name), quotation(zip_file_strerror(reading.entry.get())),
               "a place in it that can be reached");
    return reading;
  }

  [[nodiscard]] std::string place(const std::string& name) const {
    return path_.string() + ", entry " + quotation(name);
  }

  std::filesystem::path path_;
  std::uint64_t file_bytes_ = 0;
  Archive archive_;
  mutable Reading reading_;   // the last one; behind the archive, so that it goes before
  mutable std::mutex mutex_;  // an archive serves one thread at a time
};

bool is_row_major(const PickledTensor& tensor) {
  const Shape stride = torch_strides(tensor.shape);
  for (std::size_t axis = 0; axis < stride.size(); ++axis)
    if (tensor.shape[axis] != 1 && tensor.stride[axis] != stride[axis]) return false;
  return true;
}

class TorchStore : public TensorStore {
 public:
  explicit TorchStore(const std::filesystem::path& path) : zip_(path) {
    path_ = path;
    const std::string root = find_root();
    check_byte_order(root);
    for (auto& [name, tensor] : read_pickle(root)) add(root, name, tensor);
  }

  using TensorStore::read;
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name, std::uint64_t offset,
                                               std::size_t length) const override {
    const Place& place = places_.at(name);
    return zip_.read(place.entry, place.offset + offset, length);
  }

 private:
  struct Place {
    std::string entry;
    std::uint64_t offset = 0;  // bytes
  };

  // The folder in the archive: that of data.pkl.
  [[nodiscard]] std::string find_root() const {
    for (const std::string& name : zip_.names())
      if (name.ends_with(kPickleSuffix) && name.find('/') == name.size() - kPickleSuffix.size())
        return name.substr(0, name.size() - kPickleSuffix.size());
    fail_zip(path_.string(), "no data.pkl", "an archive as torch.save writes it");
  }

  void check_byte_order(const std::string& root) const {
    const std::vector<std::string> names = zip_.names();
    const std::string entry = root + "/byteorder";
    if (std::find(names.begin(), names.end(), entry) == names.end()) return;
    const std::vector<std::uint8_t> text =
        zip_.read(entry, 0, std::min<std::uint64_t>(zip_.size(entry), 16));
    if (std::string(text.begin(), text.end()) != "little")
      fail_zip(path_.string() + ", " + entry, quotation(std::string(text.begin(), text.end())),
               "little");
  }

  [[nodiscard]] std::map<std::string, PickledTensor> read_pickle(const std::string& root) const {
    const std::string entry = root + std::string(kPickleSuffix);
    const std::uint64_t size = zip_.size(entry);
    if (size > kMaxPickleBytes)
      fail_zip(path_.string() + ", " + entry, fmt::format("{} bytes", size),
               fmt::format("at most {} bytes", kMaxPickleBytes));
    return read_state_dict(zip_.read(entry, 0, size), path_.string() + ", " + entry);
  }

  void add(const std::string& root, const std::string& name, const PickledTensor& tensor) {
    const std::string entry = root + "/data/" + tensor.storage;
    const auto fail = [&](std::string found, std::string expected) {
      throw Error(ErrorCode::checkpoint_tensor,
                  {path_.string() + ", tensor " + quotation(name), std::move(found),
                   std::move(expected), "Save the checkpoint again."});
    };
    const std::optional<std::uint64_t> bytes = tensor_bytes(tensor.dtype, tensor.shape);
    const std::uint64_t element = dtype_bytes(tensor.dtype);
    const std::uint64_t stored = zip_.size(entry);
    if (stored % element != 0 || stored / element != tensor.storage_elements)
      fail(fmt::format("{} bytes in {}", stored, entry),
           fmt::format("{} elements of {} bytes", tensor.storage_elements, element));
    if (!bytes || tensor.offset > stored / element || *bytes > stored - tensor.offset * element)
      fail(fmt::format("shape {} from element {} on", shape_text(tensor.shape), tensor.offset),
           fmt::format("a tensor inside the {} elements of its storage", tensor.storage_elements));
    if (!is_row_major(tensor))
      fail(fmt::format("strides {} for shape {}", shape_text(tensor.stride),
                       shape_text(tensor.shape)),
           "a row-major tensor");
    tensors_.emplace(name, StoredTensor{tensor.dtype, tensor.shape});
    places_.emplace(name, Place{entry, tensor.offset * element});
  }

  ZipReader zip_;
  std::map<std::string, Place> places_;
};

// ---- writing ----

// The archive's file as libzip writes it: in an OutputFile, so that it is seen whole or not at all.
// Exceptions do not pass through the library; the first waits here.
struct OutputSink {
  explicit OutputSink(const std::filesystem::path& path) : file(path) {}

  OutputFile file;
  std::uint64_t position = 0;
  std::uint64_t size = 0;
  std::exception_ptr failure;
  zip_error_t error{};

  template <class Action>
  zip_int64_t guarded(const Action& action) {
    try {
      return action();
    } catch (...) {
      if (!failure) failure = std::current_exception();
      zip_error_set(&error, ZIP_ER_WRITE, 0);
      return -1;
    }
  }

  zip_int64_t write(const void* data, zip_uint64_t length) {
    return guarded([&] {
      file.write_at(position, {static_cast<const std::uint8_t*>(data), length});
      position += length;
      size = std::max(size, position);
      return static_cast<zip_int64_t>(length);
    });
  }

  zip_int64_t seek(void* data, zip_uint64_t length) {
    const zip_int64_t target = zip_source_seek_compute_offset(position, size, data, length, &error);
    if (target < 0) return -1;
    position = static_cast<std::uint64_t>(target);
    return 0;
  }
};

zip_int64_t sink_callback(void* state, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  auto& sink = *static_cast<OutputSink*>(state);
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(
          ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
          ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE,
          ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_COMMIT_WRITE,
          ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_REMOVE, -1);
    case ZIP_SOURCE_STAT:
      zip_stat_init(static_cast<zip_stat_t*>(data));
      return 0;
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(&sink.error, data, length);
    case ZIP_SOURCE_WRITE:
      return sink.write(data, length);
    case ZIP_SOURCE_SEEK_WRITE:
      return sink.seek(data, length);
    case ZIP_SOURCE_TELL_WRITE:
      return static_cast<zip_int64_t>(sink.position);
    default:
      return 0;
  }
}

// Bytes of an entry, part by part as the library comes to write them.
struct EntryBytes {
  std::uint64_t size = 0;
  ReadPart read_part;
  OutputSink* sink = nullptr;
  std::uint64_t position = 0;

  zip_int64_t read(void* data, zip_uint64_t length) {
    return sink->guarded([&] {
      const std::size_t count = std::min<std::uint64_t>(length, size - position);
      const std::vector<std::uint8_t> part = read_part(position, count);
      std::memcpy(data, part.data(), count);
      position += count;
      return static_cast<zip_int64_t>(count);
    });
  }

  zip_int64_t stat(zip_stat_t& status) const {
    zip_stat_init(&status);
    status.size = size;
    status.valid = ZIP_STAT_SIZE;
    return 0;
  }
};

zip_int64_t entry_callback(void* state, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  auto& entry = *static_cast<EntryBytes*>(state);
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    case ZIP_SOURCE_OPEN:
      entry.position = 0;
      return 0;
    case ZIP_SOURCE_READ:
      return entry.read(data, length);
    case ZIP_SOURCE_STAT:
      return entry.stat(*static_cast<zip_stat_t*>(data));
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(&entry.sink->error, data, length);
    default:
      return 0;
  }
}

class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path) : path_(path), sink_(path) {
    ZipError error;
    Source source(zip_source_function_create(sink_callback, &sink_, &error.value));
    if (source)
      archive_.reset(zip_open_from_source(source.get(), ZIP_CREATE | ZIP_TRUNCATE, &error.value));
    if (!archive_) fail(error.text());
    static_cast<void>(source.release());  // the archive owns it now
  }

  void add(const std::string& name, std::uint64_t size, ReadPart read) {
    zip_t* const archive = archive_.get();
    entries_.push_back(std::make_unique<EntryBytes>(EntryBytes{size, std::move(read), &sink_}));
    Source source(zip_source_function(archive, entry_callback, entries_.back().get()));
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source.get(), ZIP_FL_ENC_UTF_8);
    if (index < 0) fail(zip_strerror(archive));
    static_cast<void>(source.release());  // the archive owns it now
    const auto at = static_cast<zip_uint64_t>(index);
    // Equal contents make equal files: no entry carries the time.
    constexpr zip_uint16_t kMidnight = 0;
    constexpr zip_uint16_t kFirstOf1980 = 1U << 5U | 1U;
    const std::vector<std::uint8_t> padding = padding_of(name);
    const bool set =
        zip_set_file_compression(archive, at, ZIP_CM_STORE, 0) == 0 &&
        zip_file_set_dostime(archive, at, kMidnight, kFirstOf1980, 0) == 0 &&
        zip_file_extra_field_set(archive, at, kPaddingId, 0, padding.data(),
                                 static_cast<zip_uint16_t>(padding.size()), ZIP_FL_LOCAL) == 0;
    if (!set) fail(zip_strerror(archive));
    end_ += kLocalHeader + name.size() + kExtraHeader + padding.size() + size;
  }

  void commit() {
    if (zip_close(archive_.get()) != 0) {
      if (sink_.failure) std::rethrow_exception(sink_.failure);
      fail(zip_strerror(archive_.get()));
    }
    static_cast<void>(archive_.release());  // zip_close has freed it
    sink_.file.commit();
  }

 private:
  static constexpr std::uint64_t kLocalHeader = 30;
  static constexpr std::uint64_t kExtraHeader = 4;
  static constexpr zip_uint16_t kPaddingId = 0x4246;  // "FB", as torch.save pads

  [[noreturn]] void fail(const std::string& found) const {
    throw Error(ErrorCode::output_path,
                {path_.string(), found, "a path that can be written", "Choose another path."});
  }

  // An extra field before the entry's bytes, so that these are aligned.
  [[nodiscard]] std::vector<std::uint8_t> padding_of(const std::string& name) const {
    const std::uint64_t begin = end_ + kLocalHeader + name.size() + kExtraHeader;
    std::vector<std::uint8_t> padding((kAlignment - begin % kAlignment) % kAlignment, 'Z');
    return padding;
  }

  std::filesystem::path path_;
  OutputSink sink_;
  std::vector<std::unique_ptr<EntryBytes>> entries_;
  Archive archive_;  // last, so that it goes before what it refers to
  std::uint64_t end_ = 0;
};

// Parts of bytes that are all there, and outlive the reader.
template <class Bytes>
ReadPart parts_of(const Bytes& bytes) {
  return [&bytes](std::uint64_t offset, std::size_t length) {
    const auto begin = std::begin(bytes) + static_cast<std::ptrdiff_t>(offset);
    return std::vector<std::uint8_t>(begin, begin + static_cast<std::ptrdiff_t>(length));
  };
}

}  // namespace

std::unique_ptr<TensorStore> open_torch_store(const std::filesystem::path& path) {
  return std::make_unique<TorchStore>(path);
}

void write_torch_file(const std::filesystem::path& path, std::span<const TensorSpec> tensors,
                      const std::function<std::vector<std::uint8_t>(
                          std::size_t index, std::uint64_t offset, std::size_t length)>& read) {
  constexpr std::string_view kByteOrder = "little";
  constexpr std::string_view kVersion = "3\n";
  const std::string root = "pytorch_model";
  const std::vector<std::uint8_t> pickle = write_state_dict(tensors);
  ZipWriter zip(path);
  zip.add(root + std::string(kPickleSuffix), pickle.size(), parts_of(pickle));
  zip.add(root + "/byteorder", kByteOrder.size(), parts_of(kByteOrder));
  for (std::size_t i = 0; i < tensors.size(); ++i)
    zip.add(
        fmt::format("{}/data/{}", root, i),
        tensor_bytes(tensors[i].dtype, tensors[i].shape).value(),
        [&read, i](std::uint64_t offset, std::size_t length) { return read(i, offset, length); });
  zip.add(root + "/version", kVersion.size(), parts_of(kVersion));
  zip.commit();
}

}  // namespace bitloom
