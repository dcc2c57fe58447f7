// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/rtl_support.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "sw/config/config.hpp"

namespace bitloom {
namespace {

struct Limit {
  const char* what;
  std::uint32_t found;
  const char* key;  // of the configuration
  std::uint32_t most;
};

std::optional<Limit> exceeded(const HardwareConfig& hardware, const RtlRequest& request) {
  const Limit bits = request.mode == Mode::bcq
                         ? Limit{"precision", request.bits, "max_bits", hardware.max_bits}
                         : Limit{"codebook precision", request.bits, "max_codebook_bits",
                                 hardware.max_codebook_bits};
  for (const Limit& limit : {Limit{"K", request.k, "max_k", hardware.max_k},
                             Limit{"M", request.m, "max_m", hardware.max_m}, bits})
    if (limit.found > limit.most) return limit;
  return std::nullopt;
}

std::string advice_for(const Limit& limit, const RtlRequest& request) {
  std::vector<std::string> names;
  for (const std::string& name : configuration_names())
    if (!exceeded(load_config(name).hardware, request)) names.push_back(name);
  if (!names.empty())
    return fmt::format("Named configurations that can run it: {}.", fmt::join(names, ", "));
  if (limit.found <= largest_value(limit.key))
    return fmt::format("No named configuration can run it; raise {} in a file.", limit.key);
  return "No hardware can run it; use the golden, cpu or cuda backend.";
}

}  // namespace

RtlRequest rtl_request(const LayerShape& layer, unsigned bits) {
  return {.layer = layer.name, .mode = layer.mode, .m = layer.m, .k = layer.k, .bits = bits};
}

std::optional<Error> rtl_refusal(const Config& config, const RtlRequest& request) {
  const std::optional<Limit> limit = exceeded(config.hardware, request);
  if (!limit) return std::nullopt;
  return Error(
      ErrorCode::layer_limit,
      {"layer " + request.layer, fmt::format("{} = {}", limit->what, limit->found),
       fmt::format("at most {} ({} of configuration {})", limit->most, limit->key, config.name),
       advice_for(*limit, request)});
}

}  // namespace bitloom
