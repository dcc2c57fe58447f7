// SPDX-License-Identifier: Apache-2.0
#include "sw/io/layer_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "sw/contract/half.hpp"
#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/io/little_endian.hpp"
#include "sw/io/safetensors.hpp"

namespace bitloom {
namespace {

constexpr const char* kFormatKey = "bitloom.format";
constexpr const char* kFormat = "1";
constexpr std::string_view kPlanesSuffix = ".planes";

SafetensorsFile open_file(const std::filesystem::path& path) {
  SafetensorsFile file(path);
  const auto found = file.metadata().find(kFormatKey);
  if (found == file.metadata().end() || found->second != kFormat)
    throw Error(ErrorCode::file_format,
                {path.string() + ", metadata " + kFormatKey,
                 found == file.metadata().end() ? "none" : quotation(found->second), "\"1\"",
                 "Give an interchange file as docs/formats.md describes it."});
  return file;
}

template <typename Value>
std::optional<Value> parse_number(std::string_view text) {
  Value value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool canonical = error == std::errc{} && std::to_string(value) == text;
  return canonical ? std::optional(value) : std::nullopt;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<Half> halves_of(std::span<const std::uint8_t> bytes) {
  std::vector<Half> values(bytes.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = Half{little_endian_word<std::uint16_t>(bytes, i)};
  return values;
}

std::vector<std::uint8_t> bytes_of(std::span<const Half> values) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size() * 2);
  for (const Half value : values) append_word(bytes, value.bits);
  return bytes;
}

// Row-major index as text, "[3, 17]".
std::string index_text(std::size_t flat, const Shape& shape) {
  Shape index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return shape_text(index);
}

// Clears the plane bits at k >= K, which the format ignores.
void clear_padding(Layer& layer) {
  const unsigned used = layer.k % 8;
  if (used == 0) return;
  for (std::size_t last = layer.row_bytes() - 1; last < layer.planes.size();
       last += layer.row_bytes())
    layer.planes[last] &= static_cast<std::uint8_t>((1U << used) - 1);
}

class LayerReader {
 public:
  LayerReader(const SafetensorsFile& file, const std::string& name) : file_(file) {
    layer_.name = name;
  }

  Layer read() && {
    read_metadata();
    read_planes();
    for (const char* kind : {"alpha", "beta", "codebook"}) read_tables(kind);
    if (layer_.precisions.empty())
      fail(ErrorCode::layer_tensor, "", "no " + table_kind() + " tensor", "at least one precision");
    for (const auto& [bits, tables] : layer_.precisions)
      if (tables.alpha.empty() && tables.codebook.empty())
        fail(ErrorCode::layer_tensor, ".beta." + std::to_string(bits), "offsets without scales",
             layer_.name + ".alpha." + std::to_string(bits) + " beside it");
    return std::move(layer_);
  }

 private:
  [[noreturn]] void fail(ErrorCode code, const std::string& suffix, std::string found,
                         std::string expected) const {
    throw Error(code,
                {file_.path().string() + ", " + quotation(layer_.name + suffix), std::move(found),
                 std::move(expected), "Write the layer again as docs/formats.md says."});
  }

  [[nodiscard]] std::string table_kind() const {
    return layer_.mode == Mode::bcq ? "alpha" : "codebook";
  }

  [[nodiscard]] std::string metadata(const std::string& suffix) const {
    const auto found = file_.metadata().find(layer_.name + suffix);
    if (found == file_.metadata().end())
      fail(ErrorCode::layer_metadata, suffix, "no such metadata", "an entry for every layer");
    return found->second;
  }

  std::uint32_t number(const std::string& suffix, const std::string& expected,
                       bool (*allowed)(std::uint32_t)) const {
    const std::string text = metadata(suffix);
    const auto value = parse_number<std::uint32_t>(text);
    if (!value || !allowed(*value))
      fail(ErrorCode::layer_metadata, suffix, quotation(text), expected);
    return *value;
  }

  void read_metadata() {
    const std::string mode = metadata(".mode");
    if (mode != "bcq" && mode != "codebook")
      fail(ErrorCode::layer_metadata, ".mode", quotation(mode), "bcq or codebook");
    layer_.mode = mode == "bcq" ? Mode::bcq : Mode::codebook;
    layer_.group_size = number(".group_size", "32, 64, 128, 256 or 0", [](std::uint32_t g) {
      return g == 0 || g == 32 || g == 64 || g == 128 || g == 256;
    });
    layer_.k = number(".in_features", "1 to " + std::to_string(kMaxColumns),
                      [](std::uint32_t k) { return k >= 1 && k <= kMaxColumns; });
  }

  void read_planes() {
    const std::string suffix(kPlanesSuffix);
    const TensorInfo& info = file_.tensors().at(layer_.name + suffix);
    check_dtype(info, Dtype::u8, suffix);
    constexpr std::uint64_t kMaxRows = std::numeric_limits<std::uint32_t>::max();
    const bool fits = info.shape.size() == 3 && info.shape[0] >= 1 && info.shape[0] <= kMaxBits &&
                      info.shape[1] >= 1 && info.shape[1] <= kMaxRows &&
                      info.shape[2] == layer_.row_bytes();
    if (!fits)
      fail(ErrorCode::layer_shape, suffix, "shape " + shape_text(info.shape),
           "[1 to 8, M, " + std::to_string(layer_.row_bytes()) + "]");
    layer_.plane_count = static_cast<std::uint32_t>(info.shape[0]);
    layer_.m = static_cast<std::uint32_t>(info.shape[1]);
    layer_.planes = file_.read(info);
    clear_padding(layer_);
  }

  // Reads all tables of one kind, "alpha", "beta" or "codebook": the tensors N.<kind>.<digits>.
  void read_tables(const std::string& kind) {
    const std::string prefix = layer_.name + "." + kind + ".";
    const auto& tensors = file_.tensors();
    for (auto entry = tensors.lower_bound(prefix);
         entry != tensors.end() && entry->first.starts_with(prefix); ++entry) {
      const std::string precision = entry->first.substr(prefix.size());
      if (!all_digits(precision)) continue;
      const std::string suffix = entry->first.substr(layer_.name.size());
      const unsigned bits = table_bits(precision, suffix);
      if ((kind == "codebook") != (layer_.mode == Mode::codebook))
        fail(ErrorCode::layer_tensor, suffix, "tables of another mode",
             "only " + table_kind() + " tensors and their offsets");
      table_of(bits, kind) = read_halves(entry->second, table_shape(bits, kind), suffix);
    }
  }

  [[nodiscard]] unsigned table_bits(const std::string& precision, const std::string& suffix) const {
    const auto bits = parse_number<unsigned>(precision);
    if (!bits || *bits < 1 || *bits > layer_.plane_count)
      fail(ErrorCode::layer_tensor, suffix, "precision " + quotation(precision),
           "1 to the " + std::to_string(layer_.plane_count) + " planes of the layer");
    return *bits;
  }

  std::vector<Half>& table_of(unsigned bits, const std::string& kind) {
    PrecisionTables& tables = layer_.precisions[bits];
    if (kind == "alpha") return tables.alpha;
    return kind == "beta" ? tables.beta : tables.codebook;
  }

  [[nodiscard]] Shape table_shape(unsigned bits, const std::string& kind) const {
    if (kind == "alpha") return {layer_.m, layer_.groups(), bits};
    if (kind == "beta") return {layer_.m, layer_.groups()};
    return {layer_.m, std::uint64_t{1} << bits};
  }

  void check_dtype(const TensorInfo& info, Dtype expected, const std::string& suffix) const {
    if (info.dtype != expected)
      fail(ErrorCode::layer_dtype, suffix, std::string(dtype_name(info.dtype)),
           std::string(dtype_name(expected)));
  }

  [[nodiscard]] std::vector<Half> read_halves(const TensorInfo& info, const Shape& shape,
                                              const std::string& suffix) const {
    check_dtype(info, Dtype::f16, suffix);
    if (info.shape != shape)
      fail(ErrorCode::layer_shape, suffix, "shape " + shape_text(info.shape), shape_text(shape));
    std::vector<Half> values = halves_of(file_.read(info));
    const auto bad = std::find_if_not(values.begin(), values.end(), contract::is_finite);
    if (bad != values.end())
      fail(
          ErrorCode::layer_not_finite, suffix,
          "NaN or infinity at " + index_text(static_cast<std::size_t>(bad - values.begin()), shape),
          "finite values");
    return values;
  }

  const SafetensorsFile& file_;
  Layer layer_;
};

std::vector<std::string> layer_names(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const auto& [tensor, info] : file.tensors())
    if (tensor.ends_with(kPlanesSuffix))
      names.push_back(tensor.substr(0, tensor.size() - kPlanesSuffix.size()));
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void fail_unknown(const std::filesystem::path& path, const std::string& name,
                               const std::vector<std::string>& names) {
  throw Error(ErrorCode::layer_name, {path.string(), "no layer " + quotation(name),
                                      "one of its " + std::to_string(names.size()) +
                                          " layers, nearest: " + nearest_list(name, names),
                                      "Choose one of those."});
}

void append_tensors(const Layer& layer, std::vector<NamedTensor>& tensors) {
  Layer masked = layer;
  clear_padding(masked);
  tensors.push_back({layer.name + std::string(kPlanesSuffix),
                     Dtype::u8,
                     {layer.plane_count, layer.m, layer.row_bytes()},
                     std::move(masked.planes)});
  const auto append = [&](const std::string& kind, unsigned bits, Shape shape,
                          const std::vector<Half>& values) {
    if (values.empty()) return;
    tensors.push_back({layer.name + "." + kind + "." + std::to_string(bits), Dtype::f16,
                       std::move(shape), bytes_of(values)});
  };
  for (const auto& [bits, tables] : layer.precisions) {
    append("alpha", bits, {layer.m, layer.groups(), bits}, tables.alpha);
    append("beta", bits, {layer.m, layer.groups()}, tables.beta);
    append("codebook", bits, {layer.m, std::uint64_t{1} << bits}, tables.codebook);
  }
}

// The tensor `name` of rank 2 with extents of at least 1, or an error with one of the given codes.
const TensorInfo& matrix(const SafetensorsFile& file, const std::string& name, ErrorCode missing,
                         ErrorCode wrong_shape) {
  const auto found = file.tensors().find(name);
  const std::string place = file.path().string() + ", tensor " + name;
  const std::string advice = "Write the file as docs/formats.md says.";
  if (found == file.tensors().end())
    throw Error(missing, {place, "no such tensor", "a tensor of that name", advice});
  const Shape& shape = found->second.shape;
  constexpr std::uint64_t kLimit = std::numeric_limits<std::uint32_t>::max();
  const bool fits = shape.size() == 2 && shape[0] >= 1 && shape[0] <= kLimit && shape[1] >= 1 &&
                    shape[1] <= kLimit;
  if (!fits)
    throw Error(wrong_shape, {place, "shape " + shape_text(shape), "[tokens, columns]", advice});
  return found->second;
}

double element(std::span<const std::uint8_t> bytes, Dtype dtype, std::size_t i) {
  if (dtype == Dtype::f64)
    return std::bit_cast<double>(little_endian_word<std::uint64_t>(bytes, i));
  const std::uint32_t word =
      dtype == Dtype::f32 ? little_endian_word<std::uint32_t>(bytes, i)
                          : std::uint32_t{little_endian_word<std::uint16_t>(bytes, i)} << 16U;
  return std::bit_cast<float>(word);
}

std::vector<Half> rounded_halves(std::span<const std::uint8_t> bytes, const TensorInfo& info,
                                 const std::string& place) {
  std::vector<Half> values(bytes.size() / dtype_bytes(info.dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = element(bytes, info.dtype, i);
    values[i] = half_from_double(value);
    if (std::isfinite(value) && !contract::is_finite(values[i]))
      throw Error(
          ErrorCode::acts_overflow,
          {place + " at " + index_text(i, info.shape), std::to_string(value),
           "a magnitude below 65520, which rounds to a finite binary16", "Scale the activations."});
  }
  return values;
}

}  // namespace

std::vector<std::string> list_layers(const std::filesystem::path& path) {
  return layer_names(open_file(path));
}

Layer read_layer(const std::filesystem::path& path, const std::string& name) {
  const SafetensorsFile file = open_file(path);
  const std::vector<std::string> names = layer_names(file);
  if (!std::binary_search(names.begin(), names.end(), name)) fail_unknown(path, name, names);
  return LayerReader(file, name).read();
}

void write_layers(const std::filesystem::path& path, std::span<const Layer> layers) {
  std::map<std::string, std::string> metadata = {{kFormatKey, kFormat}};
  std::vector<NamedTensor> tensors;
  for (const Layer& layer : layers) {
    metadata[layer.name + ".group_size"] = std::to_string(layer.group_size);
    metadata[layer.name + ".in_features"] = std::to_string(layer.k);
    metadata[layer.name + ".mode"] = layer.mode == Mode::bcq ? "bcq" : "codebook";
    append_tensors(layer, tensors);
  }
  write_safetensors(path, metadata, std::move(tensors));
}

Activations read_activations(const std::filesystem::path& path) {
  const SafetensorsFile file = open_file(path);
  const TensorInfo& info = matrix(file, "x", ErrorCode::acts_tensor, ErrorCode::acts_shape);
  const std::string place = path.string() + ", tensor x";
  if (info.shape[1] > kMaxColumns)
    throw Error(ErrorCode::acts_shape, {place, "shape " + shape_text(info.shape),
                                        "at most 2^20 columns", "Split the layer."});
  constexpr std::array kTaken = {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64};
  if (std::find(kTaken.begin(), kTaken.end(), info.dtype) == kTaken.end())
    throw Error(ErrorCode::acts_dtype, {place, std::string(dtype_name(info.dtype)),
                                        "F16, BF16, F32 or F64", "Convert the activations."});
  const std::vector<std::uint8_t> bytes = file.read(info);
  return {static_cast<std::uint32_t>(info.shape[0]), static_cast<std::uint32_t>(info.shape[1]),
          info.dtype == Dtype::f16 ? halves_of(bytes) : rounded_halves(bytes, info, place)};
}

void write_activations(const std::filesystem::path& path, const Activations& acts) {
  write_safetensors(path, {{kFormatKey, kFormat}},
                    {{"x", Dtype::f16, {acts.tokens, acts.k}, bytes_of(acts.x)}});
}

Outputs read_outputs(const std::filesystem::path& path) {
  const SafetensorsFile file = open_file(path);
  const TensorInfo& info = matrix(file, "y", ErrorCode::outputs_tensor, ErrorCode::outputs_tensor);
  if (info.dtype != Dtype::f32 && info.dtype != Dtype::f16)
    throw Error(ErrorCode::outputs_tensor,
                {path.string() + ", tensor y", std::string(dtype_name(info.dtype)), "F32 or F16",
                 "Write the outputs in one of these."});
  Outputs outputs;
  outputs.format = info.dtype == Dtype::f32 ? OutputFormat::binary32 : OutputFormat::binary16;
  outputs.tokens = static_cast<std::uint32_t>(info.shape[0]);
  outputs.m = static_cast<std::uint32_t>(info.shape[1]);
  const std::vector<std::uint8_t> bytes = file.read(info);
  outputs.bits.resize(bytes.size() / dtype_bytes(info.dtype));
  for (std::size_t i = 0; i < outputs.bits.size(); ++i)
    outputs.bits[i] = outputs.format == OutputFormat::binary32
                          ? little_endian_word<std::uint32_t>(bytes, i)
                          : little_endian_word<std::uint16_t>(bytes, i);
  return outputs;
}

void write_outputs(const std::filesystem::path& path, const Outputs& outputs) {
  const Dtype dtype = outputs.format == OutputFormat::binary32 ? Dtype::f32 : Dtype::f16;
  write_safetensors(path, {{kFormatKey, kFormat}},
                    {{"y", dtype, {outputs.tokens, outputs.m}, output_bytes(outputs)}});
}

std::vector<std::uint8_t> output_bytes(const Outputs& outputs) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(outputs.bits.size() * 4);
  for (const std::uint32_t word : outputs.bits) {
    if (outputs.format == OutputFormat::binary32)
      append_word(bytes, word);
    else
      append_word(bytes, static_cast<std::uint16_t>(word));
  }
  return bytes;
}

}  // namespace bitloom
