// SPDX-License-Identifier: Apache-2.0
#include "host/generation/precision.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

#include "host/checkpoints/select.hpp"
#include "sw/error/error.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {
namespace {

constexpr const char* kPrecisionWords = "1 to 8 bits, or 16 for unquantized weights";

[[noreturn]] void refuse(const std::string& option, const std::string& found,
                         const std::string& expected, const std::string& example) {
  throw Error(ErrorCode::usage,
              {option, quotation(found), expected, "For example " + option + " " + example + "."});
}

// The items between commas, empty ones as well.
std::vector<std::string> items_of(const std::string& text) {
  std::vector<std::string> items;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = text.find(',', begin);
    items.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return items;
    begin = end + 1;
  }
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<unsigned> precision(std::string_view text) {
  const std::optional<std::uint32_t> bits = number(text);
  const bool known = bits && ((*bits >= 1 && *bits <= kMaxBits) || *bits == kFloatBits);
  return known ? bits : std::nullopt;
}

// The precisions that "3" or "2-4" names; none for another text.
std::vector<unsigned> precisions_in(const std::string& item) {
  const std::size_t dash = std::min(item.find('-'), item.size());
  const std::optional<unsigned> first = precision(item.substr(0, dash));
  const std::optional<unsigned> last =
      dash < item.size() ? precision(item.substr(dash + 1)) : first;
  if (!first || !last || *first > *last || (*first != *last && *last > kMaxBits)) return {};
  std::vector<unsigned> list(*last - *first + 1);
  std::iota(list.begin(), list.end(), *first);
  return list;
}

}  // namespace

unsigned parse_precision(const std::string& option, const std::string& text) {
  const std::optional<unsigned> bits = precision(text);
  if (!bits) refuse(option, text, kPrecisionWords, "3");
  return *bits;
}

std::vector<unsigned> parse_precisions(const std::string& option, const std::string& text) {
  std::vector<unsigned> list;
  for (const std::string& item : items_of(text)) {
    const std::vector<unsigned> named = precisions_in(item);
    list.insert(list.end(), named.begin(), named.end());
    const bool different = std::set(list.begin(), list.end()).size() == list.size();
    if (named.empty() || !different)
      refuse(option, text,
             std::string("different precisions or ranges separated by commas, each ") +
                 kPrecisionWords,
             "2-4,8");
  }
  return list;
}

std::vector<ScheduleStep> parse_schedule(const std::string& option, const std::string& text) {
  std::vector<ScheduleStep> steps;
  for (const std::string& item : items_of(text)) {
    const std::size_t colon = std::min(item.find(':'), item.size());
    const std::optional<std::uint32_t> from = number(item.substr(0, colon));
    const std::optional<unsigned> bits =
        colon < item.size() ? precision(item.substr(colon + 1)) : std::nullopt;
    const bool ordered = from && (steps.empty() ? *from == 0 : *from > steps.back().from);
    if (!ordered || !bits)
      refuse(option, text,
             std::string("TOKEN:BITS separated by commas, the first token 0, the others "
                         "ascending, BITS ") +
                 kPrecisionWords,
             "0:2,20:4");
    steps.push_back({*from, *bits});
  }
  return steps;
}

std::vector<LayerRule> parse_layer_rules(const std::string& option, const std::string& text) {
  std::vector<LayerRule> rules;
  for (const std::string& item : items_of(text)) {
    const std::size_t equals = item.rfind('=');
    const std::optional<unsigned> bits =
        equals != std::string::npos ? precision(item.substr(equals + 1)) : std::nullopt;
    if (!bits || equals == 0)
      refuse(option, text, std::string("PATTERN=BITS separated by commas, BITS ") + kPrecisionWords,
             "'classifier=8,layers.*.w2=4'");
    rules.push_back({item.substr(0, equals), *bits});
  }
  return rules;
}

std::optional<PrecisionRange> range_of(std::set<unsigned> bits) {
  bits.erase(kFloatBits);
  if (bits.empty()) return std::nullopt;
  return PrecisionRange{.seed = *bits.begin(), .bits = *bits.rbegin()};
}

PrecisionPlan::PrecisionPlan(const FloatModel& model, std::vector<ScheduleStep> schedule,
                             std::vector<LayerRule> rules)
    : schedule_(std::move(schedule)), rules_(std::move(rules)), layers_(model.linears()) {
  std::vector<std::string> names;
  for (const LinearId layer : layers_) names.push_back(model.linear(layer).name);
  for (const LayerRule& rule : rules_)
    for (const std::size_t index : select_layers(names, rule.pattern))
      fixed_[layers_[index]] = rule.bits;
}

unsigned PrecisionPlan::bits(LinearId layer, std::uint32_t index) const {
  const auto fixed = fixed_.find(layer);
  if (fixed != fixed_.end()) return fixed->second;
  const auto later =
      std::upper_bound(schedule_.begin(), schedule_.end(), index,
                       [](std::uint32_t i, const ScheduleStep& step) { return i < step.from; });
  return std::prev(later)->bits;
}

std::set<unsigned> PrecisionPlan::scheduled() const {
  std::set<unsigned> bits;
  for (const ScheduleStep& step : schedule_) bits.insert(step.bits);
  return bits;
}

NeededPrecisions PrecisionPlan::needed() const {
  NeededPrecisions needed;
  for (const LinearId layer : layers_)
    for (const ScheduleStep& step : schedule_) needed[layer].insert(bits(layer, step.from));
  return needed;
}

}  // namespace bitloom
