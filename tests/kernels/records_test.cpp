// SPDX-License-Identifier: Apache-2.0
// Records of gpu-check, from GPUs (tests/golden/gpu) and from the host run that CTest makes just
// before, hold what the fast CPU model and, for small cases, the machine give: other
// implementations, and OpenSSL's digest.
#include <openssl/sha.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "kernels/check/cases.hpp"
#include "sim/rtl/rtl_device.hpp"
#include "sw/config/config.hpp"
#include "sw/cpu/cpu_device.hpp"

namespace bitloom::kernels {
namespace {

std::string digest(Device& device, const Case& c) {
  const CaseData data = make_data(c);
  const std::vector<std::uint8_t> bytes =
      output_bytes(run_layer(device, data.layer, c.bits, data.acts, c.format).y);
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> sum{};
  SHA256(bytes.data(), bytes.size(), sum.data());
  std::string hex;
  for (const std::uint8_t byte : sum) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::vector<std::filesystem::path> record_files() {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path folder : {BITLOOM_HOST_RECORDS, "tests/golden/gpu"})
    if (std::filesystem::is_directory(folder))
      for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".json") files.push_back(entry.path());
  return files;
}

TEST_CASE("Every record of gpu-check holds the digests of the fast CPU model") {
  std::map<std::string, Case> cases;
  for (const Case& c : all_cases()) cases[c.name] = c;
  std::map<std::string, std::string> digests;  // of the cases met so far

  const auto files = record_files();
  REQUIRE_FALSE(files.empty());  // the host's own at least
  for (const auto& file : files) {
    INFO(file);
    std::ifstream stream(file);
    const nlohmann::json record = nlohmann::json::parse(stream);
    CHECK_FALSE(record.at("device").get<std::string>().empty());
    const bool host = record.at("device") == "host";
    std::set<std::string> found;
    for (const auto& entry : record.at("cases")) {
      const auto name = entry.at("name").get<std::string>();
      INFO(name);
      found.insert(name);
      CHECK(entry.at("mismatches") == 0);
      if (!digests.contains(name)) {
        const Case& c = cases.at(name);
        digests[name] = digest(*make_cpu_device(c.arithmetic), c);
      }
      CHECK(entry.at("sha256").get<std::string>() == digests[name]);
    }
    for (const auto& [name, c] : cases) {
      INFO(name);
      CHECK(found.contains(name) == (!host || fits_host(c)));
    }
  }
}

TEST_CASE("The machine gives the recorded digests of small cases of its arithmetic") {
  const Config config = load_config("tiny");
  const auto rtl = make_rtl_device(config);
  std::map<std::string, std::string> digests;
  for (const Case& c : all_cases()) {
    const std::uint32_t most_bits =
        c.mode == Mode::bcq ? config.hardware.max_bits : config.hardware.max_codebook_bits;
    if (is_small(c) && c.arithmetic == config.arithmetic() && c.bits <= most_bits &&
        c.k <= config.hardware.max_k)
      digests[c.name] = digest(*rtl, c);
  }
  CHECK(digests.size() >= 10);
  for (const auto& file : record_files()) {
    INFO(file);
    std::ifstream stream(file);
    const nlohmann::json record = nlohmann::json::parse(stream);
    std::size_t compared = 0;
    for (const auto& entry : record.at("cases")) {
      const auto found = digests.find(entry.at("name").get<std::string>());
      if (found == digests.end()) continue;
      INFO(found->first);
      CHECK(entry.at("sha256").get<std::string>() == found->second);
      ++compared;
    }
    CHECK(compared >= digests.size());
  }
}

}  // namespace
}  // namespace bitloom::kernels
