// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/tensor_store.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "sw/checkpoint/json_file.hpp"
#include "sw/checkpoint/name_list.hpp"
#include "sw/checkpoint/torch_file.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;

class SafetensorsStore : public TensorStore {
 public:
  explicit SafetensorsStore(const fs::path& path) : file_(path) {
    path_ = path;
    for (const auto& [name, info] : file_.tensors())
      tensors_.emplace(name, StoredTensor{info.dtype, info.shape});
  }

  using TensorStore::read;
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name, std::uint64_t offset,
                                               std::size_t length) const override {
    return file_.read(file_.tensors().at(name), offset, length);
  }

 private:
  SafetensorsFile file_;
};

[[noreturn]] void fail_shard(const fs::path& place, std::string found, std::string expected) {
  throw Error(ErrorCode::checkpoint_shard, {place.string(), std::move(found), std::move(expected),
                                            "Download the checkpoint again, all of its files."});
}

// How the tensors of a folder may be stored.
struct Storage {
  const char* file;   // all in one
  const char* index;  // which shard has which tensor
  std::unique_ptr<TensorStore> (*open)(const fs::path& path);
};

constexpr Storage kStorages[] = {
    {"model.safetensors", "model.safetensors.index.json", open_safetensors_store},
    {"pytorch_model.bin", "pytorch_model.bin.index.json", open_torch_store}};

// Shard of each tensor, as the index says. Shards lie in the folder itself.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const JsonObject weights = read_json_file(path).object("weight_map");
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : weights.value().items()) {
    const std::string file = shard.is_string() ? shard.get<std::string>() : "";
    if (file.empty() || file == "." || file == ".." || file.find('/') != std::string::npos ||
        file.find('\0') != std::string::npos)
      fail_shard(path, fmt::format("shard {} of {}", quotation(file), quotation(tensor)),
                 "the name of a file in the same folder");
    shard_of.emplace(tensor, file);
  }
  return shard_of;
}

class ShardedStore : public TensorStore {
 public:
  ShardedStore(const fs::path& folder, const fs::path& index, const Storage& storage) {
    path_ = folder;
    const std::map<std::string, std::string> shard_of = read_index(index);
    open_shards(index, shard_of, storage);
    adopt(index, shard_of);
  }

  using TensorStore::read;
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name, std::uint64_t offset,
                                               std::size_t length) const override {
    return shard_of_.at(name)->read(name, offset, length);
  }

 private:
  void open_shards(const fs::path& index, const std::map<std::string, std::string>& shard_of,
                   const Storage& storage) {
    std::set<std::string> missing;
    for (const auto& [tensor, shard] : shard_of) {
      std::error_code ignored;
      if (!fs::exists(path_ / shard, ignored)) missing.insert(shard);
    }
    if (!missing.empty())
      fail_shard(index, fmt::format("no {}", name_list(missing)),
                 "every shard that the index names");
    for (const auto& [tensor, shard] : shard_of)
      if (!shards_.contains(shard)) shards_.emplace(shard, storage.open(path_ / shard));
  }

  // Every tensor must be in the shard that the index names, and in no other.
  void adopt(const fs::path& index, const std::map<std::string, std::string>& shard_of) {
    std::set<std::string> missing;
    for (const auto& [tensor, shard] : shard_of) {
      const TensorStore& store = *shards_.at(shard);
      const auto found = store.tensors().find(tensor);
      if (found == store.tensors().end()) {
        missing.insert(fmt::format("{} in {}", tensor, shard));
        continue;
      }
      tensors_.emplace(*found);
      shard_of_.emplace(tensor, &store);
    }
    if (!missing.empty())
      fail_shard(index, fmt::format("no {}", name_list(missing)),
                 "every tensor in the shard that the index names");
    for (const auto& [shard, store] : shards_)
      for (const auto& [tensor, info] : store->tensors()) {
        const auto named = shard_of.find(tensor);
        if (named == shard_of.end() || named->second != shard)
          fail_shard(path_ / shard, fmt::format("tensor {}", quotation(tensor)),
                     named == shard_of.end() ? "only tensors of the index"
                                             : fmt::format("it in {} only", named->second));
      }
  }

  std::map<std::string, std::unique_ptr<TensorStore>> shards_;
  std::map<std::string, const TensorStore*> shard_of_;
};

}  // namespace

std::unique_ptr<TensorStore> open_safetensors_store(const fs::path& path) {
  return std::make_unique<SafetensorsStore>(path);
}

std::unique_ptr<TensorStore> open_folder_store(const fs::path& folder) {
  for (const Storage& storage : kStorages) {
    std::error_code ignored;
    if (fs::exists(folder / storage.file, ignored)) return storage.open(folder / storage.file);
    if (fs::exists(folder / storage.index, ignored))
      return std::make_unique<ShardedStore>(folder, folder / storage.index, storage);
  }
  throw Error(ErrorCode::checkpoint_path,
              {folder.string(), "no weights",
               "model.safetensors, pytorch_model.bin, or the index of its shards",
               "Give the folder of a whole checkpoint."});
}

}  // namespace bitloom
