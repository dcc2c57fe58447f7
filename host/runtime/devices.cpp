// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/devices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "kernels/cuda_device.hpp"
#include "sw/cpu/cpu_device.hpp"
#include "sw/error/error.hpp"
#include "sw/golden/golden_device.hpp"

namespace bitloom {
namespace {

struct Backend {
  std::string name;
  bool hardware;
  std::function<std::unique_ptr<Device>(const Config&)> make;
};

const std::vector<Backend>& backends() {
  static const std::vector<Backend> all = {
      {"golden", false, [](const Config& c) { return make_golden_device(c.arithmetic()); }},
      {"cpu", false, [](const Config& c) { return make_cpu_device(c.arithmetic()); }},
      {"cuda", false, [](const Config& c) { return make_cuda_device(c.arithmetic()); }},
  };
  return all;
}

const Backend& find_backend(std::string_view name) {
  const auto found = std::find_if(backends().begin(), backends().end(),
                                  [name](const Backend& backend) { return backend.name == name; });
  if (found != backends().end()) return *found;
  throw Error(ErrorCode::backend_name,
              {"backend", std::string(name), fmt::format("{}", fmt::join(backend_names(), ", ")),
               fmt::format("Nearest: {}.", nearest_names(name, backend_names(), 1).front())});
}

}  // namespace

const std::vector<std::string>& backend_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Backend& backend : backends()) list.push_back(backend.name);
    return list;
  }();
  return names;
}

std::unique_ptr<Device> make_device(std::string_view backend, const Config& config) {
  return find_backend(backend).make(config);
}

bool is_hardware(std::string_view backend) { return find_backend(backend).hardware; }

}  // namespace bitloom
