// SPDX-License-Identifier: Apache-2.0
#include "host/generation/generation_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "gen/version.hpp"
#include "host/runtime/names.hpp"
#include "sw/config/config.hpp"

namespace bitloom {
namespace {

using Json = nlohmann::ordered_json;

const char* state_name(TextState state) {
  switch (state) {
    case TextState::complete:
      return "complete";
    case TextState::failed:
      return "failed";
    case TextState::interrupted:
      break;
  }
  return "interrupted";
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

// Null where there is nothing to divide by, or nothing that JSON could hold.
Json ratio(double value, double by) {
  const double result = value / by;
  return std::isfinite(result) ? Json(result) : Json();
}

Json per_token(const std::optional<std::uint64_t>& cycles, std::uint64_t tokens) {
  return cycles ? ratio(static_cast<double>(*cycles), static_cast<double>(tokens)) : Json();
}

Json phase_json(const PhaseUsage& phase) {
  const std::optional<std::uint64_t> cycles = total_cycles(phase.linear);
  Json layers = Json::object();
  for (std::size_t kind = 0; kind < phase.linear.size(); ++kind) {
    const KindUsage& usage = phase.linear.at(kind);
    layers[std::string(kLinearKindNames.at(kind))] = {
        {"calls", usage.calls},
        {"cycles", or_null(usage.cycles)},
        {"cycles_per_token", per_token(usage.cycles, phase.tokens)}};
  }
  return {{"tokens", phase.tokens},
          {"seconds", phase.seconds},
          {"tokens_per_second",
           phase.tokens == 0 ? Json() : ratio(static_cast<double>(phase.tokens), phase.seconds)},
          {"cycles", or_null(cycles)},
          {"cycles_per_token", per_token(cycles, phase.tokens)},
          {"layers", layers}};
}

Json run_json(const TextRun& run) {
  const TransformerShape& shape = run.shape;
  const bool read = !run.weights.empty();
  return {
      {"model", run.model},
      {"tokenizer", run.tokenizer},
      {"shape",
       {{"dim", shape.dim},
        {"hidden_dim", shape.hidden_dim},
        {"blocks", shape.blocks},
        {"heads", shape.heads},
        {"kv_heads", shape.kv_heads},
        {"vocab_size", shape.vocab_size},
        {"context", shape.context}}},
      {"backend", run.backend},
      {"config", run.config.name},
      {"clock_mhz", run.config.system.clock_mhz},
      {"weights", read ? Json(run.weights) : Json()},
      {"method", read ? Json() : Json(name_in(kModeNames, run.method))},
      {"group_size", read ? Json() : Json(run.group_size)},
      {"seed_precision", run.precisions ? Json(run.precisions->first()) : Json()},
      {"highest_precision", run.precisions ? Json(run.precisions->bits) : Json()},
      {"versions", {{"tool", kVersion}, {"configuration", hardware_hash(run.config.hardware)}}}};
}

void add_outcome(Json& json, const TextOutcome& outcome) {
  json["state"] = state_name(outcome.state);
  json["error"] = outcome.state == TextState::failed ? Json(outcome.error) : Json();
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string generation_json(const GenerationReport& report) {
  Json json = run_json(report.run);
  add_outcome(json, report.outcome);
  json["bits_schedule"] = Json::array();
  for (const ScheduleStep& step : report.plan.schedule())
    json["bits_schedule"].push_back({{"from_token", step.from}, {"bits", step.bits}});
  json["layer_bits"] = Json::array();
  for (const LayerRule& rule : report.plan.rules())
    json["layer_bits"].push_back({{"pattern", rule.pattern}, {"bits", rule.bits}});
  json["sampling"] = {{"temperature", report.sampling.temperature},
                      {"top_p", report.sampling.top_p},
                      {"seed", report.sampling.seed}};
  const Generation& generation = report.generation;
  json["prompt"] = report.prompt;
  json["prompt_tokens"] = report.prompt_tokens;
  json["text"] = report.text;
  json["token_ids"] = generation.tokens;
  json["ended"] = generation.ended;
  json["prefill"] = phase_json(generation.prefill);
  json["decode"] = phase_json(generation.decode);
  return dump(json);
}

std::string perplexity_json(const PerplexityReport& report) {
  Json json = run_json(report.run);
  add_outcome(json, report.outcome);
  const bool sampled = report.origin.empty();
  json["text"] = {{"file", sampled ? Json() : Json(report.origin)},
                  {"seed", sampled ? Json(report.seed) : Json()},
                  {"windows", report.windows},
                  {"tokens", report.text_tokens}};
  json["precisions"] = Json::array();
  for (const PrecisionScore& score : report.scores) {
    Json entry = {{"bits", score.bits},
                  {"tokens", score.tokens},
                  {"perplexity", ratio(score.perplexity(), 1)},
                  {"negative_log_likelihood",
                   ratio(score.negative_log_likelihood, static_cast<double>(score.tokens))},
                  {"kl_divergence", ratio(score.mean_divergence(), 1)},
                  {"usage", phase_json(score.usage)}};
    json["precisions"].push_back(std::move(entry));
  }
  return dump(json);
}

}  // namespace bitloom
