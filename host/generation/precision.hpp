// SPDX-License-Identifier: Apache-2.0
// Which precision which layer has when.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sw/quant/quantized.hpp"
#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// The precision that stands for unquantized weights.
inline constexpr unsigned kFloatBits = 16;

/// "2", of 1 to 8 or 16. Throws Error usage that names `option`.
unsigned parse_precision(const std::string& option, const std::string& text);

/// "2,3,16", and ranges: "2-4,8". Ascending order is not asked for, repetition is refused. Throws
/// Error usage.
std::vector<unsigned> parse_precisions(const std::string& option, const std::string& text);

/// From generated token `from` on, counted from 0, layers have `bits`.
struct ScheduleStep {
  std::uint32_t from = 0;
  unsigned bits = 0;
  friend bool operator==(const ScheduleStep&, const ScheduleStep&) = default;
};

/// "0:2,20:4,60:3": the first step at 0, the others ascending. Throws Error usage.
std::vector<ScheduleStep> parse_schedule(const std::string& option, const std::string& text);

/// Layers whose names match `pattern` (select_layers) have `bits` all the time.
struct LayerRule {
  std::string pattern;
  unsigned bits = 0;
  friend bool operator==(const LayerRule&, const LayerRule&) = default;
};

/// "classifier=8,layers.*.w2=4". Throws Error usage.
std::vector<LayerRule> parse_layer_rules(const std::string& option, const std::string& text);

/// From the lowest to the highest quantized one of `bits`, as layers are made for them; nothing
/// when all are kFloatBits.
std::optional<PrecisionRange> range_of(std::set<unsigned> bits);

/// The precisions that layers are asked for.
using NeededPrecisions = std::map<LinearId, std::set<unsigned>>;

class PrecisionPlan {
 public:
  /// The last rule that fits a layer holds for it, and else the schedule. Throws Error layer_name
  /// for a rule that fits no layer.
  PrecisionPlan(const FloatModel& model, std::vector<ScheduleStep> schedule,
                std::vector<LayerRule> rules = {});

  /// The precision of a layer in the pass that makes generated token `index`; the first pass, that
  /// over the prompt, makes token 0.
  [[nodiscard]] unsigned bits(LinearId layer, std::uint32_t index) const;
  [[nodiscard]] NeededPrecisions needed() const;
  /// The precisions of layers that no rule fits.
  [[nodiscard]] std::set<unsigned> scheduled() const;

  [[nodiscard]] const std::vector<ScheduleStep>& schedule() const { return schedule_; }
  [[nodiscard]] const std::vector<LayerRule>& rules() const { return rules_; }

 private:
  std::vector<ScheduleStep> schedule_;
  std::vector<LayerRule> rules_;
  std::vector<LinearId> layers_;
  std::map<LinearId, unsigned> fixed_;  // by rules
};

}  // namespace bitloom
