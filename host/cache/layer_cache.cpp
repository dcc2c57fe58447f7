// SPDX-License-Identifier: Apache-2.0
#include "host/cache/layer_cache.hpp"

#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <span>

#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/half_bytes.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> environment_path(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

// Of all that a layer holds, so that no file is read for it.
std::string digest(const Layer& layer) {
  Sha256 hash;
  const auto add_text = [&hash](std::string text) {
    text += ' ';
    hash.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  const auto add_table = [&](const std::vector<Half>& table) {
    add_text(std::to_string(table.size()));
    hash.update(bytes_of(table));
  };
  add_text(layer.name);
  add_text(layer.mode == Mode::bcq ? "bcq" : "codebook");
  for (const std::uint32_t number : {layer.m, layer.k, layer.group_size, layer.plane_count})
    add_text(std::to_string(number));
  hash.update(layer.planes);
  for (const auto& [bits, tables] : layer.precisions) {
    add_text(std::to_string(bits));
    add_table(tables.alpha);
    add_table(tables.beta);
    add_table(tables.codebook);
  }
  return hash.hex();
}

// Keys are SHA-256 digests in hexadecimal.
bool is_entry(const fs::path& path) {
  const std::string stem = path.stem().string();
  return stem.size() == 64 && stem.find_first_not_of("0123456789abcdef") == std::string::npos &&
         (path.extension() == ".json" || path.extension() == ".safetensors");
}

}  // namespace

fs::path cache_directory() {
  if (const auto own = environment_path("BITLOOM_CACHE")) return *own;
  if (const auto cache = environment_path("XDG_CACHE_HOME")) return *cache / "bitloom";
  if (const auto home = environment_path("HOME")) return *home / ".cache" / "bitloom";
  return fs::path("build") / "cache";
}

fs::path LayerCache::layer_path(const std::string& key) const {
  return directory_ / (key + ".safetensors");
}

fs::path LayerCache::index_path(const std::string& key) const {
  return directory_ / (key + ".json");
}

std::optional<Quantized> LayerCache::find(const std::string& key) const {
  std::error_code unknown;
  if (!fs::exists(index_path(key), unknown)) return std::nullopt;
  try {
    const nlohmann::json index = nlohmann::json::parse(InputFile(index_path(key)).text());
    Quantized entry{read_layer(layer_path(key), index.at("layer").get<std::string>()), {}};
    if (digest(entry.layer) != index.at("sha256").get<std::string>()) return std::nullopt;
    for (const unsigned bits : entry.layer.served())
      entry.relative_errors[bits] = index.at("relative_errors").at(std::to_string(bits));
    return entry;
  } catch (const std::exception&) {
    return std::nullopt;  // a damaged entry is made again, whatever the damage
  }
}

void LayerCache::clear() const {
  std::error_code ignored;
  if (!fs::is_directory(fs::symlink_status(directory_, ignored))) return;  // it is not ours
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, ignored))
    if (is_entry(entry.path())) fs::remove(entry.path(), ignored);
  fs::remove(directory_, ignored);  // if it is empty
}

void LayerCache::store(const std::string& key, const Quantized& quantized) const {
  std::error_code failure;
  fs::create_directories(directory_, failure);
  if (failure)
    throw Error(ErrorCode::output_path,
                {directory_.string(), failure.message(), "a cache directory that can be written",
                 "Set BITLOOM_CACHE to another directory."});
  write_layers(layer_path(key), std::span(&quantized.layer, 1));
  nlohmann::json errors;
  for (const auto& [bits, error] : quantized.relative_errors) errors[std::to_string(bits)] = error;
  const nlohmann::json index = {{"layer", quantized.layer.name},
                                {"relative_errors", errors},
                                {"sha256", digest(quantized.layer)}};
  OutputFile file(index_path(key));
  file.write(index.dump());
  file.commit();
}

}  // namespace bitloom
