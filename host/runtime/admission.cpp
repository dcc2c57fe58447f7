// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/admission.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "sw/config/config.hpp"
#include "sw/error/error.hpp"

namespace bitloom {
namespace {

struct Limit {
  const char* key;
  const char* what;
  std::uint32_t needed;
  std::uint32_t admitted;
};

std::array<Limit, 3> limits(const Layer& layer, unsigned bits, const HardwareConfig& hardware) {
  const bool bcq = layer.mode == Mode::bcq;
  return {{{"max_k", "K", layer.k, hardware.max_k},
           {"max_m", "M", layer.m, hardware.max_m},
           {bcq ? "max_bits" : "max_codebook_bits", "precision", bits,
            bcq ? hardware.max_bits : hardware.max_codebook_bits}}};
}

bool admits(const Layer& layer, unsigned bits, const HardwareConfig& hardware) {
  const auto all = limits(layer, bits, hardware);
  return std::all_of(all.begin(), all.end(),
                     [](const Limit& limit) { return limit.needed <= limit.admitted; });
}

std::string advice(const Layer& layer, unsigned bits, const char* key) {
  std::vector<std::string> names;
  for (const std::string& name : configuration_names())
    if (admits(layer, bits, load_config(name).hardware)) names.push_back(name);
  if (names.empty())
    return fmt::format("No named configuration admits it; raise {} in a file.", key);
  return fmt::format("Named configurations that admit it: {}.", fmt::join(names, ", "));
}

}  // namespace

void check_admission(const Layer& layer, unsigned bits, const Config& config) {
  for (const Limit& limit : limits(layer, bits, config.hardware)) {
    if (limit.needed <= limit.admitted) continue;
    throw Error(
        ErrorCode::layer_limit,
        {fmt::format("layer {}", layer.name), fmt::format("{} = {}", limit.what, limit.needed),
         fmt::format("at most {} ({} of configuration {})", limit.admitted, limit.key, config.name),
         advice(layer, bits, limit.key)});
  }
}

}  // namespace bitloom
