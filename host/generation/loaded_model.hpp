// SPDX-License-Identifier: Apache-2.0
// The linear layers of a model on a device, at the precisions that a run needs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "host/generation/layer_makers.hpp"
#include "host/generation/precision.hpp"
#include "sw/device/device.hpp"
#include "sw/transformer/float_layers.hpp"
#include "sw/transformer/linear_layers.hpp"

namespace bitloom {

/// What the layers of one kind did.
struct KindUsage {
  std::uint64_t calls = 0;
  std::optional<std::uint64_t> cycles;  ///< empty when no call was timed
};

/// By LinearKind.
using LinearUsage = std::array<KindUsage, kLinearKindNames.size()>;

/// The cycles of all kinds; empty when no call was timed.
std::optional<std::uint64_t> total_cycles(const LinearUsage& usage);

/// Every layer at every precision it is needed at: on the device, or as floats on the host.
class LoadedModel {
 public:
  /// Makes what `needed` asks for and loads it; `device` may be null when all of it is kFloatBits.
  /// `loaded` is told after each layer. Throws Error as `make`, the device and FloatLayers do.
  LoadedModel(const FloatModel& model, const NeededPrecisions& needed, const LayerMaker& make,
              std::unique_ptr<Device> device, const std::function<void(LinearId)>& loaded);

  /// Runs independent products, product i at bits[i], all of them queued before the first is waited
  /// for. A device gets x rounded to binary16, ties to even, and returns y as binary32. Adds calls
  /// and cycles to `usage`. Throws Error model_value when an x is not finite or beyond binary16,
  /// and what the device throws.
  void multiply(std::span<const LinearProduct> products, std::span<const unsigned> bits,
                std::uint32_t tokens, LinearUsage& usage);

 private:
  void load(const FloatModel& model, LinearId id, const std::set<unsigned>& bits,
            const LayerMaker& make);

  std::map<LinearId, std::string> names_;
  std::unique_ptr<Device> device_;
  std::map<LinearId, LayerId> on_device_;
  std::optional<FloatLayers> floats_;
};

/// A loaded model as a plan has it, at one generated token after the other.
class PlannedLayers final : public LinearLayers {
 public:
  /// Both outlive the object.
  PlannedLayers(LoadedModel& model, const PrecisionPlan& plan) : model_(model), plan_(plan) {}

  /// From now on layers have the precisions of generated token `index`.
  void begin_token(std::uint32_t index) { index_ = index; }

  void multiply(std::span<const LinearProduct> products, std::uint32_t tokens) override;

  /// What was done since the last take_usage().
  [[nodiscard]] const LinearUsage& usage() const { return usage_; }
  LinearUsage take_usage() { return std::exchange(usage_, {}); }

 private:
  LoadedModel& model_;
  const PrecisionPlan& plan_;
  std::uint32_t index_ = 0;
  LinearUsage usage_{};
};

}  // namespace bitloom
