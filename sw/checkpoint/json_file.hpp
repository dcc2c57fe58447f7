// SPDX-License-Identifier: Apache-2.0
// JSON files of checkpoints: config.json and the index of shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bitloom {

/// The longest JSON file that is read. An index of 100,000 tensors has a tenth of it.
inline constexpr std::uint64_t kMaxJsonBytes = 64U << 20U;

/// A value in a message; of an array or object only that it is one.
std::string value_text(const nlohmann::json& value);

/// A JSON object with the place that its errors name.
class JsonObject {
 public:
  /// Throws Error checkpoint_config for a text that is not a JSON object or nests too deeply.
  JsonObject(std::string place, const std::string& text);

  [[nodiscard]] const nlohmann::json& value() const { return value_; }
  [[nodiscard]] const std::string& place() const { return place_; }
  [[nodiscard]] bool has(const std::string& key) const;

  /// A whole number in [least, most]; or `otherwise` where the key is missing or null. Throw Error
  /// checkpoint_config.
  [[nodiscard]] std::uint32_t number(const std::string& key, std::uint32_t least,
                                     std::uint32_t most) const;
  [[nodiscard]] std::uint32_t number_or(const std::string& key, std::uint32_t otherwise,
                                        std::uint32_t least, std::uint32_t most) const;
  /// A number in [least, most], or `otherwise`. Throws Error checkpoint_config.
  [[nodiscard]] double real_or(const std::string& key, double otherwise, double least,
                               double most) const;
  /// A text. Throws Error checkpoint_config.
  [[nodiscard]] std::string text(const std::string& key) const;
  /// True or false, or `otherwise`. Throws Error checkpoint_config.
  [[nodiscard]] bool flag_or(const std::string& key, bool otherwise) const;
  /// An object inside this one. Throws Error checkpoint_config.
  [[nodiscard]] JsonObject object(const std::string& key) const;
  /// An array of any values; or the objects of an array of these. Throw Error checkpoint_config.
  [[nodiscard]] const nlohmann::json& array(const std::string& key) const;
  [[nodiscard]] std::vector<JsonObject> objects(const std::string& key) const;

  [[noreturn]] void fail(const std::string& key, std::string found, std::string expected) const;

 private:
  JsonObject(std::string place, nlohmann::json value);

  std::string place_;
  nlohmann::json value_;
};

/// The object of a file. Throws Error io_read and checkpoint_config.
JsonObject read_json_file(const std::filesystem::path& path);

}  // namespace bitloom
