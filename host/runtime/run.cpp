// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/run.hpp"

#include <algorithm>

#include "host/metrics/accuracy.hpp"
#include "host/runtime/admission.hpp"
#include "host/runtime/devices.hpp"
#include "sw/device/functional_device.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom {
namespace {

Execution execute_on(Device& device, const Layer& layer, const Activations& acts,
                     const RunOptions& options, std::uint32_t train = 0) {
  return execute(device, {device.load(layer), options.bits, acts, options.format}, train);
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

std::uint32_t RunResult::nan_tokens() const {
  const std::vector<bool>& nan = execution.done.nan_tokens;
  return static_cast<std::uint32_t>(std::count(nan.begin(), nan.end(), true));
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

void check_backends(const RunOptions& options) {
  static_cast<void>(is_hardware(options.backend));
  for (const std::string& backend : options.checks) static_cast<void>(is_hardware(backend));
}

void check_call_fits(const Layer& layer, const Activations& acts, const RunOptions& options) {
  check_call(layer, {LayerId{}, options.bits, acts, options.format});
  if (is_hardware(options.backend)) check_admission(layer, options.bits, options.config);
}

RunResult run_and_check(const LayerSource& source, const Activations& acts,
                        const RunOptions& options, Phases phases,
                        const std::function<void(const Outputs&)>& save) {
  RunResult result;
  result.phases = std::move(phases);
  result.execution = result.phases.measure("run", [&] {
    const auto device = make_device(options.backend, options.config, options.device);
    return execute_on(*device, source.layer, acts, options, options.train);
  });
  result.output_sha256 = sha256_hex(output_bytes(result.outputs()));
  result.phases.measure("write", [&] { save(result.outputs()); });
  for (const std::string& backend : options.checks) {
    const Execution expected = result.phases.measure("check", [&] {
      const auto device = make_device(backend, options.config);
      return execute_on(*device, source.layer, acts, options);
    });
    result.checks.push_back({backend, compare_outputs(result.outputs(), expected.done.y)});
  }
  if (source.unquantized) {
    result.output_snr_db = result.phases.measure("accuracy", [&] {
      return signal_to_noise_db(float_outputs(*source.unquantized, acts),
                                output_values(result.outputs()));
    });
  }
  return result;
}

}  // namespace bitloom
