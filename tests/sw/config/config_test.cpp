// SPDX-License-Identifier: Apache-2.0
#include "sw/config/config.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "sw/config/schema.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json read_json(const fs::path& path) { return Json::parse(std::ifstream(path)); }

const Json& edge_json() {
  static const Json json = read_json("sw/config/named/edge.json");
  return json;
}

// The rows of schema.json, the reference for ranges and types.
const Json& schema_json() {
  static const Json json = read_json("sw/config/schema.json");
  return json;
}

// A configuration file that lives as long as the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(fs::temp_directory_path() / fmt::format("bitloom-config-{}.json", ::getpid())) {
    std::ofstream(path_) << text;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { fs::remove(path_); }

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

// What load_config says about a file with this text; fails the test when it says nothing.
Error error_of_text(const std::string& text) {
  const TemporaryFile file(text);
  try {
    load_config(file.path());
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Catch::Contains(file.path()));
    return error;
  }
  FAIL("accepted: " << text);
  throw std::logic_error("unreachable");
}

// The same for edge.json after `change`.
Error error_of(const std::function<void(Json&)>& change) {
  Json json = edge_json();
  change(json);
  return error_of_text(json.dump());
}

void check_error(const Error& error, ErrorCode code, const std::vector<std::string>& parts) {
  INFO(error.what());
  CHECK(code_text(error.code()) == code_text(code));
  for (const std::string& part : parts) CHECK_THAT(error.what(), Catch::Contains(part));
}

TEST_CASE("The named configurations are those of sw/config/named") {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator("sw/config/named"))
    files.push_back(entry.path().stem().string());
  std::sort(files.begin(), files.end());
  CHECK(configuration_names() == files);
}

TEST_CASE("edge is the machine of the documentation") {
  const Config edge = load_config("edge");
  CHECK(edge.name == "edge");
  CHECK(edge.hardware.rows == 16);
  CHECK(edge.hardware.columns == 32);
  CHECK(edge.hardware.mu == 4);
  CHECK(edge.hardware.tokens == 4);
  CHECK(edge.hardware.max_k == 16384);
  CHECK(edge.hardware.read_channels == 1);
  CHECK(edge.hardware.channel_bits == 512);
  CHECK(edge.system.clock_mhz == 1000);
  CHECK(edge.system.memory == MemoryKind::fixed);
  CHECK(edge.system.memory_latency_ns == 100);
  CHECK(edge.arithmetic() == Arithmetic{16, Accumulator{}});
}

TEST_CASE("server is the machine of the documentation") {
  const Config server = load_config("server");
  CHECK(server.hardware.rows == 64);
  CHECK(server.hardware.columns == 128);
  CHECK(server.hardware.mu == 4);
  CHECK(server.hardware.tokens == 4);
  CHECK(server.hardware.max_k == 49152);
  CHECK(server.hardware.read_channels == 16);
  CHECK(server.hardware.channel_bits == 512);
  CHECK(server.system.clock_mhz == 1000);
  CHECK(server.system.memory_latency_ns == 100);
}

TEST_CASE("The variants of tiny differ from it in one arithmetic key") {
  const Config tiny = load_config("tiny");
  CHECK(tiny.arithmetic() == Arithmetic{16, Accumulator{}});
  const auto changed = [&tiny](const std::string& name) {
    Config config = load_config(name);
    const Arithmetic arithmetic = config.arithmetic();
    config.hardware.mantissa_bits = tiny.hardware.mantissa_bits;
    config.hardware.accumulator = tiny.hardware.accumulator;
    CHECK(config.hardware == tiny.hardware);
    CHECK(config.system == tiny.system);
    return arithmetic;
  };
  CHECK(changed("tiny-mb8") == Arithmetic{8, Accumulator{}});
  CHECK(changed("tiny-mb24") == Arithmetic{24, Accumulator{}});
  CHECK(changed("tiny-acc48") == Arithmetic{16, Accumulator{48}});
}

TEST_CASE("Every key of a file reaches its member") {
  // Distinct values, so that a mix-up of two keys shows.
  const TemporaryFile file(R"({"system": {"memory_seed": 11, "memory_stall_percent": 12,
      "memory_jitter_ns": 13, "memory_latency_ns": 14, "memory": "fixed", "clock_mhz": 15},
    "hardware": {"channel_bits": 64, "read_channels": 4, "burst_beats": 8,
      "output_buffer_beats": 256, "scale_buffer_beats": 512, "weight_buffer_beats": 1024,
      "max_m": 5001, "max_k": 5888, "max_codebook_bits": 0, "max_bits": 5, "accumulator": 33,
      "mantissa_bits": 17, "tokens": 7, "results_per_cycle": 1, "rows_per_scale": 2,
      "rows_per_lut": 16, "mu": 3, "columns": 128, "rows": 32}})");
  const Config config = load_config(file.path());
  CHECK(config.name == file.path());
  CHECK(config.hardware == HardwareConfig{32, 128, 3, 16, 2, 1, 7, 17, Accumulator{33}, 5, 0, 5888,
                                          5001, 1024, 512, 256, 8, 4, 64});
  CHECK(config.system == SystemConfig{15, MemoryKind::fixed, 14, 13, 12, 11});
}

TEST_CASE("The hardware text and its hash are canonical") {
  // Spelled and hashed outside this program: printf '%s' '<text>' | sha256sum.
  const HardwareConfig tiny = load_config("tiny").hardware;
  CHECK(hardware_json(tiny) ==
        "{\"rows\":4,\"columns\":16,\"mu\":4,\"rows_per_lut\":4,\"rows_per_scale\":2,"
        "\"results_per_cycle\":2,\"tokens\":4,"
        "\"mantissa_bits\":16,\"accumulator\":\"exact\",\"max_bits\":8,\"max_codebook_bits\":4,"
        "\"max_k\":4096,\"max_m\":4096,\"weight_buffer_beats\":256,\"scale_buffer_beats\":64,"
        "\"output_buffer_beats\":16,\"burst_beats\":16,\"read_channels\":1,\"channel_bits\":64}");
  CHECK(hardware_hash(tiny) == "aaabd17f655d529749e445b8d036e00b42fc906d6f39f2e23f3df3e409025a8a");
}

TEST_CASE("Every hardware key changes the hash and no system key does") {
  const Config edge = load_config("edge");
  for (const auto& field : kHardwareFields) {
    HardwareConfig changed = edge.hardware;
    field.set(changed, field.get(changed) + 1);
    INFO(field.key);
    CHECK(hardware_hash(changed) != hardware_hash(edge.hardware));
  }
  Json json = edge_json();
  json["system"]["clock_mhz"] = 10;
  const TemporaryFile slow(json.dump());
  CHECK(hardware_hash(load_config(slow.path()).hardware) == hardware_hash(edge.hardware));
}

TEST_CASE("The accumulator width follows from the largest layer, unless a number says it") {
  const auto width = [](std::uint32_t accumulator, std::uint32_t max_bits, std::uint32_t max_k) {
    return accumulator_bits(
        {{"accumulator", accumulator}, {"max_bits", max_bits}, {"max_k", max_k}});
  };
  // Evaluated with Python's integers: 2 + ((b + 1) * k * 65504**2).bit_length() - 1 + 48.
  CHECK(width(0, 8, 32768) == 100);
  CHECK(width(0, 8, 4096) == 97);
  CHECK(width(0, 8, 16384) == 99);
  CHECK(width(0, 1, 128) == 89);
  CHECK(width(0, 4, 20000) == 98);
  CHECK(width(0, 8, 1048576) == 105);
  CHECK(width(48, 8, 32768) == 48);
}

TEST_CASE("An unknown configuration is answered with the nearest names (BL-CFG-name)") {
  try {
    load_config("egde");
    FAIL("accepted");
  } catch (const Error& error) {
    check_error(error, ErrorCode::config_name, {"\"egde\"", "Did you mean edge,"});
  }
}

TEST_CASE("A file that cannot be read is refused (BL-CFG-json)") {
  CHECK_THROWS_WITH(load_config("no/such/file.json"), Catch::Contains("no such file"));
  const fs::path folder = fs::temp_directory_path() / "bitloom-folder.json";
  fs::create_directory(folder);
  CHECK_THROWS_WITH(load_config(folder.string()), Catch::Contains("no such file"));
  fs::remove(folder);
}

TEST_CASE("A file that is not JSON is refused with the place of the fault (BL-CFG-json)") {
  check_error(error_of_text("{\"hardware\": {\n"), ErrorCode::config_json, {"line 2"});
  check_error(error_of_text(""), ErrorCode::config_json, {"a JSON object"});
  check_error(error_of_text("\xff\xfe"), ErrorCode::config_json, {"a JSON object"});
}

TEST_CASE("Huge and deep files are refused without being swallowed (BL-CFG-json, BL-CFG-type)") {
  check_error(error_of_text(std::string(70000, ' ')), ErrorCode::config_json, {"64 KiB"});
  check_error(error_of_text(std::string(60000, '[')), ErrorCode::config_json, {});
  const std::string deep = std::string(30000, '[') + std::string(30000, ']');
  check_error(error_of_text(deep), ErrorCode::config_type, {"found an array", "an object"});
  check_error(error_of_text("{\"hardware\": " + deep + ", \"system\": {}}"), ErrorCode::config_type,
              {"hardware", "found an array"});
}

TEST_CASE("An unknown key is answered with the nearest keys (BL-CFG-key)") {
  check_error(error_of([](Json& json) { json["hardware"]["row"] = 16; }), ErrorCode::config_key,
              {"hardware", "unknown key \"row\"", "Did you mean rows,"});
  check_error(error_of([](Json& json) { json["sytem"] = 1; }), ErrorCode::config_key,
              {"unknown key \"sytem\"", "Did you mean system,"});
}

TEST_CASE("Every key must be there (BL-CFG-key)") {
  for (const std::string section : {"hardware", "system"}) {
    for (const auto& item : edge_json().at(section).items()) {
      const std::string& key = item.key();
      check_error(error_of([&](Json& json) { json[section].erase(key); }), ErrorCode::config_key,
                  {section, fmt::format("no key \"{}\"", key)});
    }
  }
  check_error(error_of([](Json& json) { json.erase("system"); }), ErrorCode::config_key,
              {"no key \"system\""});
}

TEST_CASE("A key that stands twice is refused (BL-CFG-key)") {
  std::string text = edge_json().dump();
  text.insert(text.find("\"rows\":16"), "\"rows\":8,");
  check_error(error_of_text(text), ErrorCode::config_key, {"rows", "twice"});
}

TEST_CASE("Equal keys in different sections do not count as twice") {
  // "memory" only exists in one section; as an unknown key of the other it is the unknown key.
  check_error(error_of([](Json& json) { json["hardware"]["memory"] = "fixed"; }),
              ErrorCode::config_key, {"unknown key \"memory\""});
}

TEST_CASE("Every value must have its type (BL-CFG-type)") {
  for (const std::string section : {"hardware", "system"}) {
    for (const Json& field : schema_json().at(section)) {
      const auto key = field.at("key").get<std::string>();
      for (const Json& value : {Json(true), Json(nullptr), Json(16.5), Json::array({16})}) {
        check_error(error_of([&](Json& json) { json[section][key] = value; }),
                    ErrorCode::config_type, {fmt::format("{}.{}", section, key), "expected"});
      }
    }
  }
  check_error(error_of([](Json& json) { json["hardware"]["rows"] = "16"; }), ErrorCode::config_type,
              {"hardware.rows", "found \"16\"", "2 .. 256 rows"});
  check_error(error_of([](Json& json) { json["hardware"]["accumulator"] = "precise"; }),
              ErrorCode::config_type, {"found \"precise\"", "\"exact\" or 32 .. 128 bits"});
  check_error(error_of([](Json& json) { json["system"]["memory"] = 1; }), ErrorCode::config_type,
              {"system.memory", "found 1", "\"fixed\""});
}

TEST_CASE("Every number must lie in its range (BL-CFG-range)") {
  for (const std::string section : {"hardware", "system"}) {
    for (const Json& field : schema_json().at(section)) {
      if (!field.contains("min")) continue;
      const auto key = field.at("key").get<std::string>();
      const std::string place = fmt::format("{}.{}", section, key);
      for (const std::int64_t value :
           {field["min"].get<std::int64_t>() - 1, field["max"].get<std::int64_t>() + 1}) {
        check_error(error_of([&](Json& json) { json[section][key] = value; }),
                    ErrorCode::config_range, {place, fmt::format("found {}", value)});
      }
      check_error(error_of([&](Json& json) { json[section][key] = 18446744073709551615U; }),
                  ErrorCode::config_range, {place, "found 18446744073709551615"});
    }
  }
}

TEST_CASE("A value must be a power of two where the hardware needs one (BL-CFG-range)") {
  for (const Json& field : schema_json().at("hardware")) {
    if (!field.value("power_of_two", false)) continue;
    const auto key = field.at("key").get<std::string>();
    const auto value = field["max"].get<int>() - 1;
    check_error(error_of([&](Json& json) { json["hardware"][key] = value; }),
                ErrorCode::config_range, {key, fmt::format("found {}", value), "a power of two"});
  }
}

TEST_CASE("An enumeration takes only its values (BL-CFG-range)") {
  check_error(error_of([](Json& json) { json["system"]["memory"] = "ideal"; }),
              ErrorCode::config_range, {"system.memory", "found \"ideal\"", "\"fixed\""});
}

TEST_CASE("A very long value is cut in the message (BL-CFG-type)") {
  const Error error =
      error_of([](Json& json) { json["system"]["memory"] = std::string(9999, 'x'); });
  CHECK(std::string(error.what()).size() < 400);
}

TEST_CASE("Values that contradict each other are refused with both numbers (BL-CFG-rule)") {
  const auto hardware = [](const std::string& key, int value) {
    return error_of([&](Json& json) { json["hardware"][key] = value; });
  };
  check_error(hardware("rows_per_lut", 32), ErrorCode::config_rule,
              {"hardware.rows_per_lut", "found 32", "a divisor of rows = 16"});
  check_error(error_of([](Json& json) {
                json["hardware"]["rows"] = 4;
                json["hardware"]["rows_per_lut"] = 4;
                json["hardware"]["rows_per_scale"] = 8;
              }),
              ErrorCode::config_rule,
              {"hardware.rows_per_scale", "found 8", "a divisor of rows = 4"});
  check_error(error_of([](Json& json) {
                json["hardware"]["rows"] = 4;
                json["hardware"]["rows_per_lut"] = 4;
                json["hardware"]["read_channels"] = 1;
                json["hardware"]["channel_bits"] = 128;
                json["hardware"]["results_per_cycle"] = 8;
              }),
              ErrorCode::config_rule,
              {"hardware.results_per_cycle", "found 8", "a divisor of rows = 4"});
  check_error(error_of([](Json& json) {
                json["hardware"]["channel_bits"] = 64;
                json["hardware"]["results_per_cycle"] = 4;
              }),
              ErrorCode::config_rule, {"results_per_cycle * 32", "found 128", "at most 64"});
  check_error(hardware("burst_beats", 128), ErrorCode::config_rule,
              {"burst_beats * channel_bits / 8", "found 8192", "at most 4096"});
  check_error(hardware("max_k", 16385), ErrorCode::config_rule,
              {"hardware.max_k", "found 16385", "a multiple of 256"});
  check_error(hardware("read_channels", 2), ErrorCode::config_rule,
              {"read_channels * channel_bits", "found 1024", "at most 512"});
  check_error(error_of([](Json& json) {
                json["hardware"]["max_m"] = 1048576;
                json["hardware"]["max_k"] = 1048576;
              }),
              ErrorCode::config_rule,
              {"max_m * max_k * max(max_bits, max_codebook_bits) / channel_bits",
               "found 17179869184", "less than 2^32"});
  check_error(hardware("weight_buffer_beats", 32), ErrorCode::config_rule,
              {"burst_beats", "found 32", "at most 16", "weight_buffer_beats"});
  check_error(hardware("scale_buffer_beats", 32), ErrorCode::config_rule,
              {"burst_beats", "found 32", "at most 16", "scale_buffer_beats"});
}

// What the hardware counts in 32 bits: accepted below the limit, refused at it.
void check_limit(const std::function<void(Json&)>& at_limit, const std::string& key, int below,
                 const std::vector<std::string>& parts) {
  check_error(error_of(at_limit), ErrorCode::config_rule, parts);
  Json json = edge_json();
  at_limit(json);
  json["hardware"][key] = below;
  const TemporaryFile file(json.dump());
  CHECK_NOTHROW(load_config(file.path()));
}

TEST_CASE("The planes of the mode that has more of them are counted (BL-CFG-rule)") {
  const std::vector<std::string> parts = {
      "max_m * max_k * max(max_bits, max_codebook_bits) / channel_bits", "found 4294967296",
      "less than 2^32", "beats of a layer's planes"};
  const auto bits = [](int bcq, int codebook) {
    return [=](Json& json) {
      json["hardware"]["rows"] = 64;  // few tiles, and so few vectors of scales
      json["hardware"]["max_m"] = 1 << 20;
      json["hardware"]["max_k"] = 1 << 19;
      json["hardware"]["max_bits"] = bcq;
      json["hardware"]["max_codebook_bits"] = codebook;
    };
  };
  check_limit(bits(1, 4), "max_codebook_bits", 3, parts);
  check_limit(bits(4, 0), "max_bits", 3, parts);
}

TEST_CASE("The vectors of scales of the largest layer are counted (BL-CFG-rule)") {
  // Two rows per tile: 2^17 tiles of 2^12 groups of 32 columns, each with an offset and 7 scales.
  const auto narrow = [](Json& json) {
    json["hardware"]["rows"] = 2;
    json["hardware"]["rows_per_lut"] = 2;
    json["hardware"]["results_per_cycle"] = 2;
    json["hardware"]["columns"] = 128;
    json["hardware"]["channel_bits"] = 256;
    json["hardware"]["max_bits"] = 7;
    json["hardware"]["max_k"] = 1 << 17;
    json["hardware"]["max_m"] = (1 << 18) - 1;  // the last tile is half a one
  };
  check_limit(narrow, "max_m", (1 << 18) - 2,
              {"ceil(max_m / rows) * max_k / 32 * (max_bits + 1)", "found 4294967296",
               "less than 2^32 - 1", "vectors of scales"});
  check_limit(narrow, "max_bits", 6, {});
  check_limit(narrow, "max_k", (1 << 17) - 256, {});
}

TEST_CASE("The largest and smallest value of every range is accepted where no rule forbids it") {
  Json json = edge_json();
  json["hardware"]["accumulator"] = 128;
  json["hardware"]["max_k"] = 1048576;
  json["hardware"]["max_m"] = 16384;  // their product is at its limit
  json["hardware"]["max_bits"] = 8;
  json["hardware"]["results_per_cycle"] = 16;  // 512 bits
  json["hardware"]["mu"] = 3;                  // ten tables of 3 columns and one of 2
  json["hardware"]["burst_beats"] = 64;        // 64 beats of 64 bytes are 4096 bytes
  json["hardware"]["scale_buffer_beats"] = 128;
  json["system"]["memory_stall_percent"] = 90;
  const TemporaryFile file(json.dump());
  const Config config = load_config(file.path());
  CHECK(config.hardware.accumulator == Accumulator{128});
  CHECK(config.hardware.results_per_cycle == 16);
  CHECK(config.hardware.mu == 3);
  CHECK(config.hardware.burst_beats == 64);
}

}  // namespace
}  // namespace bitloom
