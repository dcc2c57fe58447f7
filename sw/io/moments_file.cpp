// SPDX-License-Identifier: Apache-2.0
#include "sw/io/moments_file.hpp"

#include <bit>
#include <cmath>
#include <string_view>

#include "sw/error/error.hpp"
#include "sw/io/little_endian.hpp"
#include "sw/io/safetensors.hpp"

namespace bitloom {
namespace {

constexpr std::string_view kSuffix = ".moments";

std::string tensor_of(const std::string& layer) { return layer + std::string(kSuffix); }

[[noreturn]] void refuse(ErrorCode code, const std::filesystem::path& path,
                         const std::string& place, std::string found, std::string expected) {
  throw Error(code, {path.string() + ", " + place, std::move(found), std::move(expected),
                     "Measure the moments again with `bitloom calibrate`."});
}

std::vector<std::uint8_t> floats_of(const std::string& layer, const std::vector<double>& moments) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(4 * moments.size());
  for (std::size_t column = 0; column < moments.size(); ++column) {
    const auto value = static_cast<float>(moments[column]);
    if (!std::isfinite(value))
      throw Error(ErrorCode::model_value,
                  {"input column " + std::to_string(column) + " of layer " + layer,
                   "a mean square of " + std::to_string(moments[column]), "a binary32 value",
                   "Check the model's weights: activations are far beyond their usual range."});
    append_word(bytes, std::bit_cast<std::uint32_t>(value));
  }
  return bytes;
}

const TensorInfo& find_moments(const SafetensorsFile& file, const std::string& layer) {
  const auto found = file.tensors().find(tensor_of(layer));
  if (found != file.tensors().end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors())
    if (name.ends_with(kSuffix)) names.push_back(name.substr(0, name.size() - kSuffix.size()));
  throw Error(ErrorCode::layer_name,
              {file.path().string(), "no moments of layer " + quotation(layer),
               names.empty() ? "a tensor N.moments for every linear layer N"
                             : "one of its layers, nearest: " + nearest_list(layer, names),
               "Measure the moments with the model that is quantized."});
}

}  // namespace

void write_moments(const std::filesystem::path& path, const MomentsOrigin& origin,
                   const LayerMoments& moments) {
  std::vector<NamedTensor> tensors;
  for (const auto& [layer, columns] : moments)
    tensors.push_back({tensor_of(layer), Dtype::f32, {columns.size()}, floats_of(layer, columns)});
  write_safetensors(
      path, {{"bitloom.model", origin.model}, {"bitloom.tokens", std::to_string(origin.tokens)}},
      tensors);
}

std::vector<double> read_moments(const std::filesystem::path& path, const std::string& layer,
                                 std::uint32_t k) {
  const SafetensorsFile file(path);
  const TensorInfo& tensor = find_moments(file, layer);
  if (tensor.dtype != Dtype::f32 || tensor.shape != Shape{k})
    refuse(ErrorCode::moments_tensor, path, "tensor " + tensor_of(layer),
           std::string(dtype_name(tensor.dtype)) + " " + shape_text(tensor.shape),
           "F32 " + shape_text({k}) + ", a value for every column of the layer");
  const std::vector<std::uint8_t> bytes = file.read(tensor);
  std::vector<double> moments;
  moments.reserve(k);
  for (std::size_t column = 0; column < k; ++column) {
    const auto value = std::bit_cast<float>(little_endian_word<std::uint32_t>(bytes, column));
    if (!std::isfinite(value) || value < 0)
      refuse(ErrorCode::moments_value, path,
             "tensor " + tensor_of(layer) + ", value " + std::to_string(column),
             std::to_string(value), "a finite number that is not negative");
    moments.push_back(value);
  }
  return moments;
}

}  // namespace bitloom
