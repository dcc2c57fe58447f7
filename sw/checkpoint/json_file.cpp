// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/json_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

using nlohmann::json;

// Configurations nest three or four deep; the tree's own destructor and writer recurse.
constexpr int kMaxDepth = 32;

[[noreturn]] void fail_at(const std::string& place, std::string found, std::string expected) {
  throw Error(ErrorCode::checkpoint_config, {place, std::move(found), std::move(expected),
                                             "Download or export the checkpoint again."});
}

json parse(const std::string& place, const std::string& text) {
  const auto watch_depth = [&place](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth)
      fail_at(place, "JSON nested too deeply", fmt::format("at most {} levels", kMaxDepth));
    return true;
  };
  try {
    json value = json::parse(text, watch_depth);
    if (value.is_object()) return value;
  } catch (const json::exception& error) {
    fail_at(place, quotation(error.what()), "a JSON object");
  }
  fail_at(place, "JSON that is not an object", "a JSON object");
}

}  // namespace

std::string value_text(const json& value) {
  return quotation(value.is_structured() ? value.type_name() : value.dump(-1, ' ', true));
}

JsonObject::JsonObject(std::string place, const std::string& text)
    : place_(std::move(place)), value_(parse(place_, text)) {}

JsonObject::JsonObject(std::string place, json value)
    : place_(std::move(place)), value_(std::move(value)) {}

void JsonObject::fail(const std::string& key, std::string found, std::string expected) const {
  fail_at(place_ + ", " + key, std::move(found), std::move(expected));
}

bool JsonObject::has(const std::string& key) const {
  const auto found = value_.find(key);
  return found != value_.end() && !found->is_null();
}

std::uint32_t JsonObject::number(const std::string& key, std::uint32_t least,
                                 std::uint32_t most) const {
  const std::string expected = fmt::format("a whole number from {} to {}", least, most);
  if (!has(key)) fail(key, "no such key", expected);
  const json& value = value_.at(key);
  const bool whole = value.is_number_unsigned();
  if (!whole || value.get<std::uint64_t>() < least || value.get<std::uint64_t>() > most)
    fail(key, value_text(value), expected);
  return value.get<std::uint32_t>();
}

std::uint32_t JsonObject::number_or(const std::string& key, std::uint32_t otherwise,
                                    std::uint32_t least, std::uint32_t most) const {
  return has(key) ? number(key, least, most) : otherwise;
}

double JsonObject::real_or(const std::string& key, double otherwise, double least,
                           double most) const {
  if (!has(key)) return otherwise;
  const json& value = value_.at(key);
  if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most))
    fail(key, value_text(value), fmt::format("a number from {} to {}", least, most));
  return value.get<double>();
}

std::string JsonObject::text(const std::string& key) const {
  if (!has(key) || !value_.at(key).is_string())
    fail(key, has(key) ? "another type" : "no such key", "a text");
  return value_.at(key).get<std::string>();
}

bool JsonObject::flag_or(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const json& value = value_.at(key);
  if (!value.is_boolean()) fail(key, value_text(value), "true or false");
  return value.get<bool>();
}

const json& JsonObject::array(const std::string& key) const {
  if (!has(key) || !value_.at(key).is_array())
    fail(key, has(key) ? "another type" : "no such key", "an array");
  return value_.at(key);
}

std::vector<JsonObject> JsonObject::objects(const std::string& key) const {
  std::vector<JsonObject> result;
  for (const json& value : array(key)) {
    const std::string name = fmt::format("{}, {}", key, result.size());
    if (!value.is_object()) fail(name, value_text(value), "an object");
    result.push_back({place_ + ", " + name, value});
  }
  return result;
}

JsonObject JsonObject::object(const std::string& key) const {
  if (!has(key) || !value_.at(key).is_object())
    fail(key, has(key) ? "another type" : "no such key", "an object");
  return {place_ + ", " + key, value_.at(key)};
}

JsonObject read_json_file(const std::filesystem::path& path) {
  const InputFile file(path);
  if (file.size() > kMaxJsonBytes)
    fail_at(path.string(), fmt::format("{} bytes", file.size()),
            fmt::format("at most {} bytes", kMaxJsonBytes));
  return {path.string(), file.text()};
}

}  // namespace bitloom
