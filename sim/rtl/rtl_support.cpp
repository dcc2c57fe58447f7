// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/rtl_support.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>
#include <vector>

#include "sw/config/config.hpp"

namespace bitloom {
namespace {

constexpr std::uint32_t kGroupSize = 128;
constexpr std::uint32_t kReadChannels = 1;

// A refusal before its advice, which takes asking other configurations.
struct Finding {
  ErrorCode code{};
  std::string place;
  std::string found;
  std::string expected;
  std::string limit;  // the configuration's key that is exceeded, if that is the reason
};

std::optional<Finding> check(const Config& config) {
  const HardwareConfig& hardware = config.hardware;
  const std::string place = "configuration " + config.name;
  if (!hardware.accumulator.exact())
    return Finding{ErrorCode::rtl_unsupported, place,
                   fmt::format("accumulator = {}", hardware.accumulator.bits),
                   "\"exact\" on the rtl backend", ""};
  if (hardware.read_channels != kReadChannels)
    return Finding{ErrorCode::rtl_unsupported, place,
                   fmt::format("read_channels = {}", hardware.read_channels),
                   fmt::format("{} on the rtl backend", kReadChannels), ""};
  return std::nullopt;
}

std::optional<Finding> check(const RtlRequest& request) {
  const auto refuse = [&](std::string found, std::string expected) {
    return Finding{ErrorCode::rtl_unsupported, "layer " + request.layer, std::move(found),
                   std::move(expected) + " on the rtl backend", ""};
  };
  if (request.mode != Mode::bcq) return refuse("codebook mode", "BCQ mode");
  if (request.group_size != kGroupSize)
    return refuse(fmt::format("group size {}", request.group_size), fmt::format("{}", kGroupSize));
  if (request.format != OutputFormat::binary32) return refuse("binary16 results", "binary32");
  return std::nullopt;
}

std::optional<Finding> check_limits(const Config& config, const RtlRequest& request) {
  struct Limit {
    const char* what;
    std::uint32_t found;
    const char* key;
    std::uint32_t most;
  };
  const HardwareConfig& hardware = config.hardware;
  for (const auto& [what, found, key, most] :
       std::array{Limit{"K", request.k, "max_k", hardware.max_k},
                  Limit{"M", request.m, "max_m", hardware.max_m},
                  Limit{"precision", request.bits, "max_bits", hardware.max_bits}})
    if (found > most)
      return Finding{
          ErrorCode::layer_limit, "layer " + request.layer, fmt::format("{} = {}", what, found),
          fmt::format("at most {} ({} of configuration {})", most, key, config.name), key};
  return std::nullopt;
}

// What no configuration changes comes first: it is then the reason that the message gives.
std::optional<Finding> check(const Config& config, const RtlRequest& request) {
  if (auto finding = check(request)) return finding;
  if (auto finding = check(config)) return finding;
  return check_limits(config, request);
}

template <typename... Request>
std::optional<Error> refusal(const Config& config, const Request&... request) {
  std::optional<Finding> finding = check(config, request...);
  if (!finding) return std::nullopt;
  std::vector<std::string> names;
  for (const std::string& name : configuration_names())
    if (!check(load_config(name), request...)) names.push_back(name);
  std::string advice = "Use the golden, cpu or cuda backend.";
  if (!names.empty())
    advice = fmt::format("Named configurations that can run it: {}.", fmt::join(names, ", "));
  else if (!finding->limit.empty())
    advice = fmt::format("No named configuration can run it; raise {} in a file.", finding->limit);
  return Error(finding->code, {std::move(finding->place), std::move(finding->found),
                               std::move(finding->expected), std::move(advice)});
}

}  // namespace

RtlRequest rtl_request(const Layer& layer, unsigned bits, OutputFormat format) {
  return {.layer = layer.name,
          .mode = layer.mode,
          .m = layer.m,
          .k = layer.k,
          .group_size = layer.group_size,
          .bits = bits,
          .format = format};
}

std::optional<Error> rtl_refusal(const Config& config) { return refusal(config); }

std::optional<Error> rtl_refusal(const Config& config, const RtlRequest& request) {
  return refusal(config, request);
}

}  // namespace bitloom
