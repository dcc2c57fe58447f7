// SPDX-License-Identifier: Apache-2.0
#include "sw/io/layer_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "sw/contract/half.hpp"
#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/io/half_bytes.hpp"
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
void clear_padding(const LayerShape& layer, std::span<std::uint8_t> planes) {
  const unsigned used = layer.k % 8;
  if (used == 0) return;
  for (std::size_t last = layer.row_bytes() - 1; last < planes.size(); last += layer.row_bytes())
    planes[last] &= static_cast<std::uint8_t>((1U << used) - 1);
}

// What a layer's tensors are, proved from the header alone; their bytes are read afterwards.
class LayerReader {
 public:
  LayerReader(const SafetensorsFile& file, const std::string& name) : file_(file) {
    layer_.name = name;
    read_metadata();
    check_planes();
    for (const char* kind : {"alpha", "beta", "codebook"}) find_tables(kind);
    check_tables();
  }

  [[nodiscard]] LayerOutline outline() const {
    LayerOutline outline{layer_.shape(), {}};
    for (const Table& table : tables_) outline.precisions[table.bits] |= table.kind == "beta";
    return outline;
  }

  Layer read() && {
    layer_.planes = file_.read(file_.tensors().at(layer_.name + std::string(kPlanesSuffix)));
    clear_padding(layer_, layer_.planes);
    for (const Table& table : tables_) table_of(table) = read_halves(table);
    return std::move(layer_);
  }

 private:
  struct Table {
    std::string kind;    // "alpha", "beta" or "codebook"
    unsigned bits = 0;   // precision
    std::string suffix;  // of the tensor's name behind that of the layer
  };

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

  void check_planes() {
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
  }

  // All tables of one kind: the tensors N.<kind>.<digits>.
  void find_tables(const std::string& kind) {
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
      check_dtype(entry->second, Dtype::f16, suffix);
      const Shape shape = table_shape(bits, kind);
      if (entry->second.shape != shape)
        fail(ErrorCode::layer_shape, suffix, "shape " + shape_text(entry->second.shape),
             shape_text(shape));
      tables_.push_back({kind, bits, suffix});
    }
  }

  void check_tables() const {
    if (tables_.empty())
      fail(ErrorCode::layer_tensor, "", "no " + table_kind() + " tensor", "at least one precision");
    for (const Table& beta : tables_) {
      const bool alone = beta.kind == "beta" &&
                         std::none_of(tables_.begin(), tables_.end(), [&beta](const Table& table) {
                           return table.kind == "alpha" && table.bits == beta.bits;
                         });
      if (alone)
        fail(ErrorCode::layer_tensor, beta.suffix, "offsets without scales",
             layer_.name + ".alpha." + std::to_string(beta.bits) + " beside it");
    }
  }

  [[nodiscard]] unsigned table_bits(const std::string& precision, const std::string& suffix) const {
    const auto bits = parse_number<unsigned>(precision);
    if (!bits || *bits < 1 || *bits > layer_.plane_count)
      fail(ErrorCode::layer_tensor, suffix, "precision " + quotation(precision),
           "1 to the " + std::to_string(layer_.plane_count) + " planes of the layer");
    return *bits;
  }

  std::vector<Half>& table_of(const Table& table) {
    PrecisionTables& tables = layer_.precisions[table.bits];
    if (table.kind == "alpha") return tables.alpha;
    return table.kind == "beta" ? tables.beta : tables.codebook;
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

  [[nodiscard]] std::vector<Half> read_halves(const Table& table) const {
    const TensorInfo& info = file_.tensors().at(layer_.name + table.suffix);
    std::vector<Half> values = halves_of(file_.read(info));
    const auto bad = std::find_if_not(values.begin(), values.end(), contract::is_finite);
    if (bad != values.end())
      fail(ErrorCode::layer_not_finite, table.suffix,
           "NaN or infinity at " +
               index_text(static_cast<std::size_t>(bad - values.begin()), info.shape),
           "finite values");
    return values;
  }

  const SafetensorsFile& file_;
  Layer layer_;
  std::vector<Table> tables_;
};

std::string table_name(const LayerShape& layer, const char* kind, unsigned bits) {
  return layer.name + "." + kind + "." + std::to_string(bits);
}

void append_specs(const LayerOutline& layer, std::vector<TensorSpec>& specs) {
  specs.push_back({layer.name + std::string(kPlanesSuffix),
                   Dtype::u8,
                   {layer.plane_count, layer.m, layer.row_bytes()}});
  for (const auto& [bits, has_offsets] : layer.precisions) {
    const auto append = [&, b = bits](const char* kind, Shape shape) {
      specs.push_back({table_name(layer, kind, b), Dtype::f16, std::move(shape)});
    };
    if (layer.mode == Mode::codebook) {
      append("codebook", {layer.m, std::uint64_t{1} << bits});
      continue;
    }
    append("alpha", {layer.m, layer.groups(), bits});
    if (has_offsets) append("beta", {layer.m, layer.groups()});
  }
}

SafetensorsWriter layer_writer(const std::filesystem::path& path,
                               std::span<const LayerOutline> layers,
                               std::map<std::string, std::string> metadata,
                               std::vector<TensorSpec> other_tensors) {
  metadata[kFormatKey] = kFormat;
  std::vector<TensorSpec> specs;
  for (const LayerOutline& layer : layers) {
    metadata[layer.name + ".group_size"] = std::to_string(layer.group_size);
    metadata[layer.name + ".in_features"] = std::to_string(layer.k);
    metadata[layer.name + ".mode"] = layer.mode == Mode::bcq ? "bcq" : "codebook";
    append_specs(layer, specs);
  }
  std::move(other_tensors.begin(), other_tensors.end(), std::back_inserter(specs));
  return {path, metadata, std::move(specs)};
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

LayerFile::LayerFile(const std::filesystem::path& path) : file_(open_file(path)) {}

std::vector<std::string> LayerFile::names() const {
  std::vector<std::string> names;
  for (const auto& [tensor, info] : file_.tensors())
    if (tensor.ends_with(kPlanesSuffix))
      names.push_back(tensor.substr(0, tensor.size() - kPlanesSuffix.size()));
  std::sort(names.begin(), names.end());
  return names;
}

bool LayerFile::is_layer_tensor(const std::string& tensor) const {
  if (tensor.ends_with(kPlanesSuffix)) return true;
  const std::size_t precision = tensor.rfind('.');
  if (precision == std::string::npos || !all_digits(tensor.substr(precision + 1))) return false;
  for (const std::string_view kind : {".alpha", ".beta", ".codebook"}) {
    const std::string_view front = std::string_view(tensor).substr(0, precision);
    if (!front.ends_with(kind)) continue;
    const std::string layer(front.substr(0, front.size() - kind.size()));
    if (file_.tensors().contains(layer + std::string(kPlanesSuffix))) return true;
  }
  return false;
}

void LayerFile::require(const std::string& name) const {
  if (!file_.tensors().contains(name + std::string(kPlanesSuffix)))
    fail_unknown_layer(file_.path().string(), name, names());
}

LayerOutline LayerFile::outline(const std::string& name) const {
  require(name);
  return LayerReader(file_, name).outline();
}

Layer LayerFile::read(const std::string& name) const {
  require(name);
  return LayerReader(file_, name).read();
}

std::vector<std::string> list_layers(const std::filesystem::path& path) {
  return LayerFile(path).names();
}

Layer read_layer(const std::filesystem::path& path, const std::string& name) {
  return LayerFile(path).read(name);
}

LayerFileWriter::LayerFileWriter(const std::filesystem::path& path,
                                 std::span<const LayerOutline> layers,
                                 std::map<std::string, std::string> metadata,
                                 std::vector<TensorSpec> other_tensors)
    : writer_(layer_writer(path, layers, std::move(metadata), std::move(other_tensors))) {}

void LayerFileWriter::write(const Layer& layer) {
  const std::string planes_name = layer.name + std::string(kPlanesSuffix);
  if (layer.k % 8 == 0) {
    writer_.write(planes_name, layer.planes);
  } else {
    std::vector<std::uint8_t> planes = layer.planes;
    clear_padding(layer, planes);
    writer_.write(planes_name, planes);
  }
  for (const auto& [bits, tables] : layer.precisions) {
    const auto write_table = [&, b = bits](const char* kind, const std::vector<Half>& values) {
      if (!values.empty()) writer_.write(table_name(layer, kind, b), bytes_of(values));
    };
    write_table("alpha", tables.alpha);
    write_table("beta", tables.beta);
    write_table("codebook", tables.codebook);
  }
}

void write_layers(const std::filesystem::path& path, std::span<const Layer> layers) {
  std::vector<LayerOutline> outlines;
  outlines.reserve(layers.size());
  for (const Layer& layer : layers) outlines.push_back(layer.outline());
  LayerFileWriter writer(path, outlines);
  for (const Layer& layer : layers) writer.write(layer);
  writer.commit();
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
