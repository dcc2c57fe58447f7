// SPDX-License-Identifier: Apache-2.0
#include "sw/io/llama2c.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "sw/error/error.hpp"
#include "sw/io/little_endian.hpp"

namespace bitloom {
namespace {

constexpr std::size_t kHeaderBytes = 28;
// Far above every published model, and low enough that no size below overflows 64 bits.
constexpr std::int64_t kMaxExtent = 1 << 20;
constexpr std::int64_t kMaxLayers = 1 << 10;

// The header's sizes as they are checked and narrowed: in [1, limit].
std::uint32_t checked(const InputFile& file, const char* name, std::int64_t value,
                      std::int64_t limit) {
  if (value < 1 || value > limit)
    throw Error(ErrorCode::llama2c_header,
                {file.path().string() + ", " + name, std::to_string(value),
                 "1 to " + std::to_string(limit), "Give a llama2.c model of format version 0."});
  return static_cast<std::uint32_t>(value);
}

Llama2cShape read_shape(const InputFile& file) {
  if (file.size() < kHeaderBytes)
    throw Error(ErrorCode::llama2c_header,
                {file.path().string(), std::to_string(file.size()) + " bytes",
                 "at least the 28 bytes of the header", "Give a llama2.c model."});
  const std::vector<std::uint8_t> bytes = file.read(0, kHeaderBytes);
  const auto field = [&bytes](std::size_t index) -> std::int64_t {
    return static_cast<std::int32_t>(little_endian_word<std::uint32_t>(bytes, index));
  };
  Llama2cShape shape;
  shape.dim = checked(file, "dim", field(0), kMaxExtent);
  shape.hidden_dim = checked(file, "hidden_dim", field(1), kMaxExtent);
  shape.n_layers = checked(file, "n_layers", field(2), kMaxLayers);
  shape.n_heads = checked(file, "n_heads", field(3), kMaxExtent);
  shape.n_kv_heads = checked(file, "n_kv_heads", field(4), kMaxExtent);
  // A negative vocabulary size says that the classifier has weights of its own.
  shape.shared_classifier = field(5) > 0;
  shape.vocab_size = checked(file, "vocab_size", std::abs(field(5)), kMaxExtent);
  shape.seq_len = checked(file, "seq_len", field(6), kMaxExtent);
  if (shape.dim % shape.n_heads != 0 || (shape.dim / shape.n_heads) % 2 != 0 ||
      shape.n_heads % shape.n_kv_heads != 0)
    throw Error(ErrorCode::llama2c_header,
                {file.path().string(),
                 "dim " + std::to_string(shape.dim) + ", " + std::to_string(shape.n_heads) +
                     " heads, " + std::to_string(shape.n_kv_heads) + " key/value heads",
                 "heads that divide dim evenly, and key/value heads that divide the heads",
                 "Give a llama2.c model."});
  return shape;
}

// Lists tensors in file order and keeps the offset at which the next one starts.
class Catalogue {
 public:
  void add(std::string name, std::uint32_t rows, std::uint32_t columns) {
    tensors_.push_back({std::move(name), rows, columns, offset_});
    skip(std::uint64_t{rows} * columns);
  }

  // One tensor per layer, one behind the other.
  void add_layers(std::uint32_t layers, const std::string& name, std::uint32_t rows,
                  std::uint32_t columns) {
    for (std::uint32_t i = 0; i < layers; ++i)
      add("layers." + std::to_string(i) + "." + name, rows, columns);
  }

  void skip(std::uint64_t values) { offset_ += 4 * values; }

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::vector<Llama2cTensor>& tensors() { return tensors_; }

 private:
  std::uint64_t offset_ = kHeaderBytes;
  std::vector<Llama2cTensor> tensors_;
};

Catalogue catalogue_of(const Llama2cShape& s) {
  const std::uint32_t head = s.dim / s.n_heads;
  const std::uint32_t kv_dim = s.n_kv_heads * head;
  Catalogue c;
  c.add("token_embedding", s.vocab_size, s.dim);
  c.add_layers(s.n_layers, "attention_norm", 1, s.dim);
  c.add_layers(s.n_layers, "wq", s.dim, s.dim);
  c.add_layers(s.n_layers, "wk", kv_dim, s.dim);
  c.add_layers(s.n_layers, "wv", kv_dim, s.dim);
  c.add_layers(s.n_layers, "wo", s.dim, s.dim);
  c.add_layers(s.n_layers, "ffn_norm", 1, s.dim);
  c.add_layers(s.n_layers, "w1", s.hidden_dim, s.dim);
  c.add_layers(s.n_layers, "w2", s.dim, s.hidden_dim);
  c.add_layers(s.n_layers, "w3", s.hidden_dim, s.dim);
  c.add("final_norm", 1, s.dim);
  c.skip(std::uint64_t{s.seq_len} * head);  // the two rotary tables of [seq_len, head / 2]
  if (s.shared_classifier)
    c.tensors().push_back({"classifier", s.vocab_size, s.dim, c.tensors().front().offset});
  else
    c.add("classifier", s.vocab_size, s.dim);
  return c;
}

}  // namespace

Llama2cFile::Llama2cFile(const std::filesystem::path& path)
    : file_(path), shape_(read_shape(file_)) {
  Catalogue catalogue = catalogue_of(shape_);
  if (file_.size() != catalogue.offset())
    throw Error(ErrorCode::llama2c_size,
                {path.string(), std::to_string(file_.size()) + " bytes",
                 std::to_string(catalogue.offset()) + " bytes for the sizes in its header",
                 "Download or export the model again."});
  tensors_ = std::move(catalogue.tensors());
}

const Llama2cTensor& Llama2cFile::tensor(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const Llama2cTensor& t) { return t.name == name; });
  if (found != tensors_.end()) return *found;
  std::vector<std::string> names;
  for (const Llama2cTensor& t : tensors_) names.push_back(t.name);
  throw Error(ErrorCode::layer_name, {file_.path().string(), "no tensor " + quotation(name),
                                      "one of its tensors, nearest: " + nearest_list(name, names),
                                      "Choose one of those."});
}

std::vector<float> Llama2cFile::read(const Llama2cTensor& tensor) const {
  std::vector<float> values(std::size_t{tensor.rows} * tensor.columns);
  read_values(tensor.offset, values);
  return values;
}

void Llama2cFile::read_row(const Llama2cTensor& tensor, std::uint32_t row,
                           std::span<float> out) const {
  read_values(tensor.offset + std::uint64_t{4} * row * tensor.columns, out.first(tensor.columns));
}

void Llama2cFile::read_values(std::uint64_t offset, std::span<float> out) const {
  const std::vector<std::uint8_t> bytes = file_.read(offset, out.size() * 4);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = std::bit_cast<float>(little_endian_word<std::uint32_t>(bytes, i));
}

}  // namespace bitloom
