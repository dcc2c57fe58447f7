// SPDX-License-Identifier: Apache-2.0
// Our own files (docs/formats.md) as checkpoints.
#include <algorithm>
#include <utility>

#include "sw/checkpoint/json_file.hpp"
#include "sw/checkpoint/layer_names.hpp"
#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/io/layer_file.hpp"

namespace bitloom {
namespace {

constexpr const char* kConfigKey = "bitloom.config";

class BitloomCheckpoint : public QuantizedCheckpoint {
 public:
  explicit BitloomCheckpoint(const std::filesystem::path& path) : file_(path) {
    std::vector<std::string> names = file_.names();
    std::sort(names.begin(), names.end(), natural_order);
    for (const std::string& name : names) layers_.push_back(file_.outline(name));
    for (const auto& [name, info] : file_.container().tensors())
      if (!file_.is_layer_tensor(name)) others_.emplace(name, StoredTensor{info.dtype, info.shape});
    const auto& metadata = file_.container().metadata();
    const auto config = metadata.find(kConfigKey);
    if (config == metadata.end()) return;
    const JsonObject checked(path.string() + ", metadata " + kConfigKey, config->second);
    config_ = config->second;
  }

  [[nodiscard]] Layer read(std::size_t index) const override {
    return file_.read(layers_.at(index).name);
  }

  [[nodiscard]] std::vector<std::uint8_t> read_other(const std::string& name, std::uint64_t offset,
                                                     std::size_t length) const override {
    return file_.container().read(file_.container().tensors().at(name), offset, length);
  }

 private:
  LayerFile file_;
};

}  // namespace

std::unique_ptr<QuantizedCheckpoint> open_bitloom_checkpoint(const std::filesystem::path& path) {
  return std::make_unique<BitloomCheckpoint>(path);
}

void write_bitloom_checkpoint(const std::filesystem::path& path, const QuantizedCheckpoint& source,
                              const Selection& selection) {
  std::vector<LayerOutline> layers;
  for (const std::size_t index : selection.layers) layers.push_back(source.layers().at(index));
  std::vector<TensorSpec> others;
  for (const auto& [name, tensor] : source.other_tensors())
    others.push_back({name, tensor.dtype, tensor.shape});
  std::map<std::string, std::string> metadata;
  if (!source.config().empty()) metadata[kConfigKey] = source.config();
  LayerFileWriter writer(path, layers, metadata, others);
  for (const std::size_t index : selection.layers) {
    writer.write(source.read(index));
    if (selection.layer_done) selection.layer_done();
  }
  for (const TensorSpec& other : others)
    writer.write(other.name, [&](std::uint64_t offset, std::size_t length) {
      return source.read_other(other.name, offset, length);
    });
  writer.commit();
}

}  // namespace bitloom
