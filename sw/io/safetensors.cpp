// SPDX-License-Identifier: Apache-2.0
#include "sw/io/safetensors.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "sw/error/error.hpp"
#include "sw/io/little_endian.hpp"

namespace bitloom {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
// Of a tensor that is written part by part.
constexpr std::uint64_t kPartBytes = std::uint64_t{1} << 20;
constexpr const char* kMetadataKey = "__metadata__";
// Deepest legal nesting: the object of all tensors, one tensor, its shape.
constexpr int kMaxDepth = 3;

struct DtypeRow {
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array kDtypes = {DtypeRow{"BOOL", 1},    DtypeRow{"U8", 1},      DtypeRow{"I8", 1},
                                DtypeRow{"F8_E4M3", 1}, DtypeRow{"F8_E5M2", 1}, DtypeRow{"U16", 2},
                                DtypeRow{"I16", 2},     DtypeRow{"F16", 2},     DtypeRow{"BF16", 2},
                                DtypeRow{"U32", 4},     DtypeRow{"I32", 4},     DtypeRow{"F32", 4},
                                DtypeRow{"U64", 8},     DtypeRow{"I64", 8},     DtypeRow{"F64", 8}};

// What every check below needs to say where it failed.
struct Place {
  const std::filesystem::path& path;
  std::string tensor;

  [[noreturn]] void fail(ErrorCode code, std::string found, std::string expected) const {
    const std::string where = tensor.empty() ? "" : ", tensor " + quotation(tensor);
    throw Error(code, {path.string() + where, std::move(found), std::move(expected),
                       "Write the file again with a safetensors library."});
  }
};

std::uint64_t header_length(const InputFile& file) {
  const Place place{file.path(), ""};
  if (file.size() < kLengthBytes)
    place.fail(ErrorCode::st_truncated, std::to_string(file.size()) + " bytes",
               "at least the 8 bytes of the header length");
  const auto length = little_endian_word<std::uint64_t>(file.read(0, kLengthBytes), 0);
  if (length > kMaxHeaderBytes)
    place.fail(ErrorCode::st_header_length, "a header length of " + std::to_string(length),
               "at most " + std::to_string(kMaxHeaderBytes));
  if (length > file.size() - kLengthBytes)
    place.fail(
        ErrorCode::st_truncated,
        std::to_string(file.size()) + " bytes with a header length of " + std::to_string(length),
        "a file that holds its header");
  return length;
}

// Refuses repeated keys, which a JSON tree would silently merge, and deep nesting. A pass of its
// own: the tree parser's callback costs time quadratic in the number of tensors.
class KeyWatch : public json::json_sax_t {
 public:
  explicit KeyWatch(const Place& place) : place_(place) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(json::number_integer_t) override { return true; }
  bool number_unsigned(json::number_unsigned_t) override { return true; }
  bool number_float(json::number_float_t, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(json::binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    enter();
    keys_.at(depth_).clear();
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    enter();
    return true;
  }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    if (!keys_.at(depth_).insert(name).second)
      place_.fail(ErrorCode::st_duplicate, "the name " + quotation(name) + " twice",
                  "each name once");
    return true;
  }
  // The tree parser reports it with its reason.
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  void enter() {
    if (++depth_ > kMaxDepth)
      place_.fail(ErrorCode::st_header, "JSON nested too deeply", "an object of tensors");
  }
  bool leave() {
    --depth_;
    return true;
  }

  const Place& place_;
  std::size_t depth_ = 0;
  std::array<std::set<std::string>, kMaxDepth + 1> keys_;
};

json parse_header(const InputFile& file, std::uint64_t length) {
  const Place place{file.path(), ""};
  const std::vector<std::uint8_t> text = file.read(kLengthBytes, length);
  // The JSON library skips a byte order mark and stops at a NUL.
  if (text.empty() || text.front() != '{' || std::find(text.begin(), text.end(), 0) != text.end())
    place.fail(ErrorCode::st_header, "a header that is not plain JSON text", "a JSON object");
  KeyWatch watch(place);
  json::sax_parse(text.begin(), text.end(), &watch);
  try {
    json header = json::parse(text.begin(), text.end());
    if (header.is_object()) return header;
  } catch (const json::exception& error) {
    place.fail(ErrorCode::st_header, quotation(error.what()), "a JSON object");
  }
  place.fail(ErrorCode::st_header, "JSON that is not an object", "an object of tensors");
}

std::map<std::string, std::string> parse_metadata(const json& value, const Place& place) {
  if (!value.is_object())
    place.fail(ErrorCode::st_header, "metadata that is not an object", "an object of strings");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string())
      place.fail(ErrorCode::st_header, "metadata " + quotation(key) + " that is not a string",
                 "a string");
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

const json& member(const json& tensor, const char* key, const Place& place) {
  if (!tensor.is_object() || !tensor.contains(key))
    place.fail(ErrorCode::st_header, std::string("no ") + key,
               "an object with dtype, shape and data_offsets");
  return tensor.at(key);
}

std::vector<std::uint64_t> unsigned_list(const json& value, const char* key, const Place& place) {
  const bool well_formed =
      value.is_array() &&
      std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_number_unsigned(); });
  if (!well_formed)
    place.fail(ErrorCode::st_header, std::string("another ") + key, "a list of whole numbers");
  return value.get<std::vector<std::uint64_t>>();
}

Dtype parse_dtype(const json& value, const Place& place) {
  const std::string name = value.is_string() ? value.get<std::string>() : value.dump();
  for (std::size_t i = 0; i < kDtypes.size(); ++i)
    if (kDtypes[i].name == name) return static_cast<Dtype>(i);
  place.fail(ErrorCode::st_dtype, "dtype " + quotation(name), "a dtype of the safetensors format");
}

TensorInfo parse_tensor(const json& value, std::uint64_t data_bytes, const Place& place) {
  TensorInfo tensor;
  tensor.dtype = parse_dtype(member(value, "dtype", place), place);
  tensor.shape = unsigned_list(member(value, "shape", place), "shape", place);
  const auto offsets = unsigned_list(member(value, "data_offsets", place), "data_offsets", place);
  if (offsets.size() != 2)
    place.fail(ErrorCode::st_header, std::to_string(offsets.size()) + " data_offsets", "two");
  tensor.begin = offsets[0];
  tensor.end = offsets[1];
  if (tensor.begin > tensor.end || tensor.end > data_bytes)
    place.fail(ErrorCode::st_bounds,
               "bytes " + std::to_string(tensor.begin) + " to " + std::to_string(tensor.end),
               "a range inside the file's " + std::to_string(data_bytes) + " bytes of data");
  const std::optional<std::uint64_t> bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (bytes != tensor.end - tensor.begin)
    place.fail(ErrorCode::st_size, std::to_string(tensor.end - tensor.begin) + " bytes of data",
               (bytes ? std::to_string(*bytes) : "more than 2^64") + " bytes for shape " +
                   shape_text(tensor.shape));
  return tensor;
}

// Tensors in the order of their bytes must follow each other exactly, from first byte to last.
void check_coverage(const std::map<std::string, TensorInfo>& tensors, std::uint64_t data_bytes,
                    const std::filesystem::path& path) {
  using Entry = std::pair<const std::string, TensorInfo>;
  std::vector<const Entry*> order;
  order.reserve(tensors.size());
  for (const Entry& entry : tensors) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t covered = 0;
  for (const Entry* entry : order) {
    const Place place{path, entry->first};
    const std::string found = "a first byte at " + std::to_string(entry->second.begin);
    const std::string expected = "one at " + std::to_string(covered);
    if (entry->second.begin < covered) place.fail(ErrorCode::st_overlap, found, expected);
    if (entry->second.begin > covered) place.fail(ErrorCode::st_gap, found, expected);
    covered = entry->second.end;
  }
  if (covered != data_bytes)
    Place{path, ""}.fail(ErrorCode::st_gap,
                         std::to_string(data_bytes - covered) + " bytes behind the last tensor",
                         "tensors up to the end of the file");
}

}  // namespace

std::string_view dtype_name(Dtype dtype) {
  return kDtypes.at(static_cast<std::size_t>(dtype)).name;
}

std::size_t dtype_bytes(Dtype dtype) { return kDtypes.at(static_cast<std::size_t>(dtype)).bytes; }

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const std::uint64_t extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  const std::uint64_t length = header_length(file_);
  data_offset_ = kLengthBytes + length;
  const std::uint64_t data_bytes = file_.size() - data_offset_;
  const json header = parse_header(file_, length);
  for (const auto& [name, value] : header.items()) {
    const Place place{path, name};
    if (name == kMetadataKey)
      metadata_ = parse_metadata(value, place);
    else
      tensors_.emplace(name, parse_tensor(value, data_bytes, place));
  }
  check_coverage(tensors_, data_bytes, path);
}

std::vector<std::uint8_t> SafetensorsFile::read(const TensorInfo& tensor) const {
  return read(tensor, 0, tensor.end - tensor.begin);
}

std::vector<std::uint8_t> SafetensorsFile::read(const TensorInfo& tensor, std::uint64_t offset,
                                                std::size_t length) const {
  return file_.read(data_offset_ + tensor.begin + offset, length);
}

std::optional<std::uint64_t> tensor_bytes(Dtype dtype, const Shape& shape) {
  std::uint64_t bytes = dtype_bytes(dtype);
  for (const std::uint64_t extent : shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  return bytes;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const std::map<std::string, std::string>& metadata,
                                     std::vector<TensorSpec> tensors)
    : file_(path) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return dtype_bytes(a.dtype) > dtype_bytes(b.dtype);
  });
  json header = json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t begin = 0;
  for (const TensorSpec& tensor : tensors) {
    const std::uint64_t bytes = tensor_bytes(tensor.dtype, tensor.shape).value();
    header[tensor.name] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, begin + bytes}}};
    left_[tensor.name] = {begin, bytes};
    begin += bytes;
  }
  std::string text = header.dump();
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  std::vector<std::uint8_t> prefix;
  append_word(prefix, std::uint64_t{text.size()});
  prefix.insert(prefix.end(), text.begin(), text.end());
  for (auto& [name, range] : left_) range.offset += prefix.size();
  file_.write(prefix);
}

void SafetensorsWriter::write(const std::string& name, std::span<const std::uint8_t> bytes) {
  const auto range = left_.find(name);
  if (range == left_.end() || range->second.bytes != bytes.size())
    throw std::logic_error("tensor " + name + " is not one that is left to write");
  file_.write_at(range->second.offset, bytes);
  left_.erase(range);
}

void SafetensorsWriter::write(const std::string& name, const ReadPart& read) {
  const auto range = left_.find(name);
  if (range == left_.end())
    throw std::logic_error("tensor " + name + " is not one that is left to write");
  const auto [begin, bytes] = range->second;
  for (std::uint64_t offset = 0; offset < bytes; offset += kPartBytes)
    file_.write_at(begin + offset, read(offset, std::min(kPartBytes, bytes - offset)));
  left_.erase(range);
}

void SafetensorsWriter::commit() {
  if (!left_.empty()) throw std::logic_error("tensor " + left_.begin()->first + " is not written");
  file_.commit();
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, std::string>& metadata,
                       const std::vector<NamedTensor>& tensors) {
  std::vector<TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors)
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  SafetensorsWriter writer(path, metadata, std::move(specs));
  for (const NamedTensor& tensor : tensors) writer.write(tensor.name, tensor.bytes);
  writer.commit();
}

}  // namespace bitloom
