// SPDX-License-Identifier: Apache-2.0
#include "host/generation/generation_tables.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>

#include "host/report/summary.hpp"

namespace bitloom {
namespace {

std::string line(std::string_view label, std::string_view text) {
  return fmt::format("{:<14}{}\n", label, text);
}

std::string bits_text(unsigned bits) {
  return bits == kFloatBits ? "float" : fmt::format("{} bit{}", bits, bits == 1 ? "" : "s");
}

std::string precision_text(const PrecisionPlan& plan) {
  std::string text;
  for (const ScheduleStep& step : plan.schedule())
    text += step.from == 0 ? bits_text(step.bits)
                           : fmt::format(", from token {} {}", step.from, bits_text(step.bits));
  for (const LayerRule& rule : plan.rules())
    text += fmt::format("; {} {}", rule.pattern, bits_text(rule.bits));
  return text;
}

std::string layers_text(const TextRun& run) {
  if (!run.weights.empty()) return run.weights;
  const std::string groups =
      run.group_size == 0 ? "one group per row" : fmt::format("groups of {}", run.group_size);
  return fmt::format("{}, {}", run.method == Mode::bcq ? "BCQ" : "codebook", groups);
}

std::string what_was_run(const TextRun& run) {
  const TransformerShape& shape = run.shape;
  return line("model",
              fmt::format("{}: dim {}, hidden {}, {} blocks, {} heads, {} key/value heads, "
                          "vocabulary {}",
                          run.model, shape.dim, shape.hidden_dim, shape.blocks, shape.heads,
                          shape.kv_heads, shape.vocab_size)) +
         line("layers", layers_text(run)) +
         line("backend", fmt::format("{}, {}", run.backend, run.config.name));
}

std::optional<double> per_token(const std::optional<std::uint64_t>& cycles, std::uint64_t tokens) {
  if (!cycles || tokens == 0) return std::nullopt;
  return static_cast<double>(*cycles) / static_cast<double>(tokens);
}

std::string cell(const std::optional<double>& value) {
  return value ? grouped_digits(static_cast<std::uint64_t>(std::llround(*value))) : "-";
}

std::string phase_line(std::string_view label, const PhaseUsage& phase, const Config& config) {
  if (phase.tokens == 0) return "";
  const auto tokens = static_cast<double>(phase.tokens);
  std::string text =
      fmt::format("{} token{} in {:.2f} s: {:.1f} tokens/s", phase.tokens,
                  phase.tokens == 1 ? "" : "s", phase.seconds, tokens / phase.seconds);
  if (const auto cycles = per_token(total_cycles(phase.linear), phase.tokens))
    text += fmt::format(", {} cycles/token = {:.2f} us at {} MHz", cell(cycles),
                        *cycles / config.system.clock_mhz, config.system.clock_mhz);
  return line(label, text);
}

std::string cycles_table(const Generation& generation) {
  const auto all = total_cycles(generation.decode.linear);
  if (!all && !total_cycles(generation.prefill.linear)) return "";
  std::string text = fmt::format("\n{:<18}{:>12}{:>12}{:>12}\n", "cycles per token", "prefill",
                                 "decode", "of decode");
  const auto row = [&](std::string_view name, const std::optional<std::uint64_t>& prefill,
                       const std::optional<std::uint64_t>& decode) {
    const std::string share = decode && all
                                  ? fmt::format("{:.1f} %", 100.0 * static_cast<double>(*decode) /
                                                                static_cast<double>(*all))
                                  : "-";
    text += fmt::format("  {:<16}{:>12}{:>12}{:>12}\n", name,
                        cell(per_token(prefill, generation.prefill.tokens)),
                        cell(per_token(decode, generation.decode.tokens)), share);
  };
  for (std::size_t kind = 0; kind < kLinearKindNames.size(); ++kind)
    row(kLinearKindNames.at(kind), generation.prefill.linear.at(kind).cycles,
        generation.decode.linear.at(kind).cycles);
  row("all", total_cycles(generation.prefill.linear), all);
  return text;
}

}  // namespace

std::string generation_summary(const GenerationReport& report) {
  const Generation& generation = report.generation;
  return what_was_run(report.run) + line("precision", precision_text(report.plan)) +
         line("tokens", fmt::format("{} of prompt, {} generated{}", report.prompt_tokens,
                                    generation.tokens.size(),
                                    generation.ended ? ", ended by the model" : "")) +
         phase_line("prefill", generation.prefill, report.run.config) +
         phase_line("decode", generation.decode, report.run.config) + cycles_table(generation);
}

std::string perplexity_summary(const PerplexityReport& report) {
  const std::string origin = report.origin.empty()
                                 ? fmt::format("sampled from the float model, seed {}", report.seed)
                                 : report.origin;
  std::string text =
      what_was_run(report.run) +
      line("text", fmt::format("{}: {} tokens to predict in {} window{}", origin,
                               report.text_tokens, report.windows, report.windows == 1 ? "" : "s"));
  text += fmt::format("\n{:<8}{:>12}{:>18}{:>10}{:>10}{:>14}\n", "bits", "perplexity",
                      "KL, nats/token", "tokens", "tokens/s", "cycles/token");
  for (const PrecisionScore& score : report.scores)
    text += fmt::format("{:<8}{:>12.4f}{:>18.6f}{:>10}{:>10.0f}{:>14}\n",
                        score.bits == kFloatBits ? "float" : std::to_string(score.bits),
                        score.perplexity(), score.mean_divergence(), score.tokens,
                        static_cast<double>(score.usage.tokens) / score.usage.seconds,
                        cell(per_token(total_cycles(score.usage.linear), score.usage.tokens)));
  return text;
}

}  // namespace bitloom
