// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/devices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "kernels/cuda_device.hpp"
#include "sw/cpu/cpu_device.hpp"
#include "sw/error/error.hpp"
#include "sw/golden/golden_device.hpp"

namespace bitloom {
namespace {

struct Backend {
  std::string_view name;
  bool hardware;
  std::unique_ptr<Device> (*make)(const Config&, const RtlOptions&);
};

std::unique_ptr<Device> make_golden(const Config& config, const RtlOptions&) {
  return make_golden_device(config.arithmetic());
}

std::unique_ptr<Device> make_cpu(const Config& config, const RtlOptions&) {
  return make_cpu_device(config.arithmetic());
}

std::unique_ptr<Device> make_cuda(const Config& config, const RtlOptions&) {
  return make_cuda_device(config.arithmetic());
}

std::unique_ptr<Device> make_rtl(const Config& config, const RtlOptions& options) {
  return make_rtl_device(config, options);
}

constexpr std::array kBackends = {
    Backend{"golden", false, make_golden},
    Backend{"cpu", false, make_cpu},
    Backend{"cuda", false, make_cuda},
    Backend{"rtl", true, make_rtl},
};

const Backend& find_backend(std::string_view name) {
  const auto found = std::find_if(kBackends.begin(), kBackends.end(),
                                  [name](const Backend& backend) { return backend.name == name; });
  if (found != kBackends.end()) return *found;
  throw Error(ErrorCode::backend_name,
              {"backend", std::string(name), fmt::format("{}", fmt::join(backend_names(), ", ")),
               fmt::format("Nearest: {}.", nearest_list(name, backend_names(), 1))});
}

}  // namespace

const std::vector<std::string>& backend_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    list.reserve(kBackends.size());
    for (const Backend& backend : kBackends) list.emplace_back(backend.name);
    return list;
  }();
  return names;
}

std::unique_ptr<Device> make_device(std::string_view backend, const Config& config,
                                    const RtlOptions& rtl) {
  return find_backend(backend).make(config, rtl);
}

bool is_hardware(std::string_view backend) { return find_backend(backend).hardware; }

}  // namespace bitloom
