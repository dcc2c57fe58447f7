// SPDX-License-Identifier: Apache-2.0
// A whole run: one layer on one backend, checked bit for bit against others.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gen/config.hpp"
#include "host/runtime/compare.hpp"
#include "host/runtime/devices.hpp"
#include "host/runtime/localization.hpp"
#include "sw/layer/layer.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

/// A layer and what is known of where it comes from.
struct LayerSource {
  Layer layer;
  std::string origin;                      ///< for people: "synthetic, seed 1", or a path
  std::optional<FloatMatrix> unquantized;  ///< the weights that it was quantized from
  std::optional<double> weight_error;      ///< relative Frobenius error of the quantization
};

struct RunOptions {
  Config config;
  std::string backend;
  std::vector<std::string> checks;  ///< backends to compare with, in this order
  unsigned bits = 0;
  OutputFormat format = OutputFormat::binary32;
  std::uint32_t repeat = 0;  ///< back-to-back calls behind the isolated one; 0 = none
  RtlOptions rtl;
};

/// Wall time by phase, in the order in which phases were first entered.
class Phases {
 public:
  /// Runs `work` and adds its time to phase `name`.
  template <class Work>
  auto measure(const std::string& name, Work&& work) {
    const Timer timer(*this, name);
    return std::forward<Work>(work)();
  }

  [[nodiscard]] const std::vector<std::pair<std::string, double>>& seconds() const {
    return seconds_;
  }

 private:
  class Timer {
   public:
    Timer(Phases& phases, std::string name) : phases_(phases), name_(std::move(name)) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { phases_.add(name_, std::chrono::steady_clock::now() - start_); }

   private:
    Phases& phases_;
    std::string name_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  void add(const std::string& name, std::chrono::duration<double> time);

  std::vector<std::pair<std::string, double>> seconds_;
};

/// What repeated calls are compared with.
inline constexpr std::string_view kIsolatedCall = "isolated call";

struct Check {
  std::string against;  ///< a backend, or kIsolatedCall for the repeated calls
  Comparison comparison;
};

struct RunResult {
  Completion call;                      ///< the isolated one
  std::optional<double> steady_cycles;  ///< per repeated call, the first left out
  std::uint64_t simulated_cycles = 0;   ///< of all calls, from reset
  std::vector<Check> checks;
  std::optional<double> output_snr_db;  ///< against the unquantized layer
  std::string output_sha256;            ///< of the little-endian bytes of y
  Phases phases;
  std::optional<Localization> location;  ///< of the first mismatch, on hardware

  [[nodiscard]] const Outputs& outputs() const { return call.y; }
  [[nodiscard]] const std::optional<CycleStats>& stats() const { return call.stats; }
  [[nodiscard]] std::uint32_t tokens() const { return outputs().tokens; }
  /// Tokens that held a NaN or Inf.
  [[nodiscard]] std::uint32_t nan_tokens() const;
  /// Empty when nothing was compared.
  [[nodiscard]] std::optional<bool> bit_exact() const;
  /// The largest number of differing outputs of any check.
  [[nodiscard]] std::uint64_t mismatches() const;
  /// The first check that found a difference; null when none did.
  [[nodiscard]] const Check* first_failure() const;
};

/// Refuses by Error backend_name what is not a backend, before any work is done.
void check_backends(const RunOptions& options);

/// Refuses by Error, before anything is run, what cannot be run: a precision that the layer does
/// not serve, activations of another shape, and, where the backend or one to compare with is the
/// hardware, what is beyond its limits (rtl_refusal). `layer` needs no planes and tables.
void check_call_fits(const Layer& layer, const Activations& acts, const RunOptions& options);

/// Runs the layer and hands the result to `save` as soon as there are outputs, so that nothing
/// behind it can lose them; then repeats the call and compares with the other backends. `phases`
/// may already hold earlier phases.
RunResult run_and_check(const LayerSource& source, const Activations& acts,
                        const RunOptions& options, Phases phases,
                        const std::function<void(const RunResult&)>& save);

}  // namespace bitloom
