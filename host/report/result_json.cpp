// SPDX-License-Identifier: Apache-2.0
#include "host/report/result_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "gen/version.hpp"
#include "host/metrics/bounds.hpp"
#include "host/runtime/names.hpp"
#include "sw/config/config.hpp"

namespace bitloom {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinities and no NaN.
Json number_or_null(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json named_counts(const auto& names, const auto& counts, std::size_t begin, std::size_t end) {
  Json object = Json::object();
  for (std::size_t i = begin; i < end; ++i) object[std::string(names.at(i))] = counts.at(i);
  return object;
}

constexpr auto kFirstWriteStream = static_cast<std::size_t>(Stream::outputs);

void add_timing(Json& json, const LayerSource& source, const RunOptions& options,
                const RunResult& result) {
  const std::optional<CycleStats>& stats = result.stats();
  const std::uint32_t tokens = result.tokens();
  for (const char* key : {"cycles", "busy_cycles", "stall_cycles", "steady_state_cycles",
                          "bytes_read", "bytes_written", "utilization", "simulation"})
    json[key] = nullptr;
  if (!stats) return;
  json["cycles"] = stats->cycles;
  json["busy_cycles"] = stats->by_cause[static_cast<std::size_t>(Cause::busy)];
  json["stall_cycles"] = named_counts(kCauseNames, stats->by_cause, 1, kCauseNames.size());
  json["steady_state_cycles"] = number_or_null(result.steady_cycles);
  json["bytes_read"] = named_counts(kStreamNames, stats->stream_bytes, 0, kFirstWriteStream);
  json["bytes_written"] =
      named_counts(kStreamNames, stats->stream_bytes, kFirstWriteStream, kStreamNames.size());
  const Rates rate = rates(source.layer, options.bits, tokens, *stats, options.config);
  json["utilization"] = {{"array", rate.array_utilization}, {"memory", rate.memory_utilization}};
  json["simulation"] = {{"cycles", stats->simulated_cycles}, {"seconds", stats->wall_seconds}};
}

// Null fields: no partial sum is known to be wrong.
Json location(const Localization& found) {
  Json json = {{"group", nullptr},
               {"plane", nullptr},
               {"found_partial", nullptr},
               {"expected_partial", nullptr},
               {"wave", found.wave.string()},
               {"wave_from_cycle", found.from},
               {"wave_to_cycle", found.to}};
  if (!found.difference) return json;
  json["group"] = found.difference->found.group;
  json["plane"] = found.difference->found.plane;
  json["found_partial"] = found.difference->found.value;
  json["expected_partial"] = found.difference->expected;
  return json;
}

Json first_mismatch(const RunResult& result) {
  const Check* failure = result.first_failure();
  if (failure == nullptr) return nullptr;
  const Mismatch& mismatch = *failure->comparison.first;
  return {{"against", failure->against},
          {"row", mismatch.row},
          {"token", mismatch.token},
          {"found_bits", mismatch.found},
          {"expected_bits", mismatch.expected},
          {"location", result.location ? location(*result.location) : Json()}};
}

void add_verdict(Json& json, const RunResult& result) {
  const std::optional<bool> exact = result.bit_exact();
  Json checks = Json::array();
  for (const Check& check : result.checks)
    checks.push_back({{"against", check.against},
                      {"outputs", check.comparison.compared},
                      {"mismatches", check.comparison.mismatches}});
  json["bit_exact"] = exact ? Json(*exact) : Json();
  json["mismatches"] = exact ? Json(result.mismatches()) : Json();
  json["checks"] = checks;
  json["first_mismatch"] = first_mismatch(result);
  json["output_sha256"] = result.output_sha256;
}

}  // namespace

std::string result_json(const LayerSource& source, const RunOptions& options,
                        const RunResult& result) {
  const Layer& layer = source.layer;
  const std::uint32_t tokens = result.tokens();
  const Bounds bound = bounds(layer, options.bits, tokens, options.config.hardware);
  Json json;
  json["layer"] = layer.name;
  json["weights"] = source.origin;
  json["shape"] = {{"m", layer.m}, {"k", layer.k}, {"group_size", layer.group_size}};
  json["bits"] = options.bits;
  json["seed_precision"] = layer.precisions.begin()->first;
  json["highest_precision"] = layer.precisions.rbegin()->first;
  json["mode"] = name_in(kModeNames, layer.mode);
  json["backend"] = options.backend;
  json["config"] = options.config.name;
  json["clock_mhz"] = options.config.system.clock_mhz;
  json["output_dtype"] = name_in(kFormatNames, options.format);
  json["tokens"] = tokens;
  json["nan_tokens"] = result.nan_tokens();
  add_timing(json, source, options, result);
  json["bounds"] = {{"compute_cycles", bound.compute_cycles},
                    {"memory_cycles", bound.memory_cycles}};
  json["quantization"] = {{"weight_relative_error", number_or_null(source.weight_error)},
                          {"output_snr_db", number_or_null(result.output_snr_db)}};
  add_verdict(json, result);
  json["versions"] = {{"tool", kVersion},
                      {"configuration", hardware_hash(options.config.hardware)}};
  json["wall_seconds"] = Json::object();
  for (const auto& [phase, seconds] : result.phases.seconds())
    json["wall_seconds"][phase] = seconds;
  return json.dump(2) + "\n";
}

}  // namespace bitloom
