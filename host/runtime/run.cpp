// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/run.hpp"

#include <algorithm>

#include "host/metrics/accuracy.hpp"
#include "host/runtime/calls.hpp"
#include "host/runtime/devices.hpp"
#include "sim/rtl/rtl_support.hpp"
#include "sw/device/functional_device.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom {
namespace {

void check_backend_runs(std::string_view backend, const Layer& layer, const RunOptions& options) {
  if (!is_hardware(backend)) return;
  if (const std::optional<Error> refusal =
          rtl_refusal(options.config, rtl_request(layer, options.bits)))
    throw Error(*refusal);
}

// A second simulation must not write over the files of the one that is observed.
RtlOptions unobserved(RtlOptions rtl) {
  rtl.worker.observe = false;
  rtl.observation = {};
  return rtl;
}

Check compare_with(const std::string& backend, const LayerSource& source, const Activations& acts,
                   const RunOptions& options, const Outputs& found) {
  const auto device = make_device(backend, options.config, unobserved(options.rtl));
  const Completion expected = run_layer(*device, source.layer, options.bits, acts, options.format);
  return {backend, compare_outputs(found, expected.y)};
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
  const std::vector<bool>& nan = call.nan_tokens;
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
  check_call(layer, layer.served(), {LayerId{}, options.bits, acts, options.format});
  check_backend_runs(options.backend, layer, options);
  for (const std::string& backend : options.checks) check_backend_runs(backend, layer, options);
}

RunResult run_and_check(const LayerSource& source, const Activations& acts,
                        const RunOptions& options, Phases phases,
                        const std::function<void(const RunResult&)>& save) {
  RunResult result;
  result.phases = std::move(phases);
  std::unique_ptr<Device> device;
  Call call;
  result.phases.measure("run", [&] {
    device = make_device(options.backend, options.config, options.rtl);
    call = {device->load(source.layer), options.bits, acts, options.format};
    result.call = run_call(*device, call);
  });
  if (result.stats()) result.simulated_cycles = result.stats()->simulated_cycles;
  result.output_sha256 = sha256_hex(output_bytes(result.outputs()));
  result.phases.measure("write", [&] { save(result); });
  std::optional<Check> repeated;
  if (options.repeat != 0) {
    const Repetition repetition = result.phases.measure(
        "run", [&] { return repeat_call(*device, call, options.repeat, result.outputs()); });
    result.steady_cycles = repetition.steady_cycles;
    result.simulated_cycles += repetition.simulated_cycles;
    repeated = Check{std::string(kIsolatedCall), repetition.comparison};
  }
  for (const std::string& backend : options.checks)
    result.checks.push_back(result.phases.measure(
        "check", [&] { return compare_with(backend, source, acts, options, result.outputs()); }));
  // Behind the backends: only against these a mismatch can be located.
  if (repeated) result.checks.push_back(std::move(*repeated));
  if (source.unquantized) {
    result.output_snr_db = result.phases.measure("accuracy", [&] {
      return signal_to_noise_db(float_outputs(*source.unquantized, acts),
                                output_values(result.outputs()));
    });
  }
  return result;
}

}  // namespace bitloom
