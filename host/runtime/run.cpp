// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/run.hpp"

#include <algorithm>

#include "host/report/accuracy.hpp"
#include "host/runtime/admission.hpp"
#include "host/runtime/devices.hpp"
#include "sw/device/functional_device.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom {
namespace {

std::uint32_t tokens_at_once(const std::string& backend, const Activations& acts,
                             const Config& config) {
  if (!is_hardware(backend)) return std::max(1U, acts.tokens);
  return config.hardware.tokens;
}

Execution execute_on(const std::string& backend, const Layer& layer, const Activations& acts,
                     const RunOptions& options, std::uint32_t train) {
  const std::unique_ptr<Device> device = make_device(backend, options.config);
  const Work work{device->load(layer), layer.m,
                  options.bits,        acts,
                  options.format,      tokens_at_once(backend, acts, options.config)};
  return execute(*device, work, train);
}

}  // namespace

void Phases::add(const std::string& name, std::chrono::duration<double> time) {
  const auto found = std::find_if(seconds_.begin(), seconds_.end(),
                                  [&name](const auto& phase) { return phase.first == name; });
  if (found != seconds_.end())
    found->second += time.count();
  else
    seconds_.emplace_back(name, time.count());
}

std::optional<bool> RunResult::bit_exact() const {
  if (checks.empty()) return std::nullopt;
  return first_failure() == nullptr;
}

std::uint64_t RunResult::mismatches() const {
  std::uint64_t most = 0;
  for (const Check& check : checks) most = std::max(most, check.comparison.mismatches);
  return most;
}

const Check* RunResult::first_failure() const {
  const auto found = std::find_if(checks.begin(), checks.end(), [](const Check& check) {
    return check.comparison.mismatches != 0;
  });
  return found == checks.end() ? nullptr : &*found;
}

void check_run(const Layer& layer, const Activations& acts, const RunOptions& options) {
  for (const std::string& backend : options.checks) static_cast<void>(is_hardware(backend));
  check_call(layer, {LayerId{}, options.bits, acts, options.format});
  if (is_hardware(options.backend)) check_admission(layer, options.bits, options.config);
}

RunResult run_and_check(const LayerSource& source, const Activations& acts,
                        const RunOptions& options, Phases phases,
                        const std::function<void(const Outputs&)>& save) {
  RunResult result;
  result.phases = std::move(phases);
  result.execution = result.phases.measure("run", [&] {
    return execute_on(options.backend, source.layer, acts, options, options.train);
  });
  result.output_sha256 = sha256_hex(output_bytes(result.execution.y));
  result.phases.measure("write", [&] { save(result.execution.y); });
  for (const std::string& backend : options.checks) {
    const Execution expected = result.phases.measure(
        "check", [&] { return execute_on(backend, source.layer, acts, options, 0); });
    result.checks.push_back({backend, compare_outputs(result.execution.y, expected.y)});
  }
  if (source.unquantized) {
    result.output_snr_db = result.phases.measure("accuracy", [&] {
      return signal_to_noise_db(float_outputs(*source.unquantized, acts),
                                output_values(result.execution.y));
    });
  }
  return result;
}

}  // namespace bitloom
