// SPDX-License-Identifier: Apache-2.0
#include "host/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/metrics/bounds.hpp"

namespace bitloom {
namespace {

constexpr std::size_t kBarWidth = 40;

std::string line(std::string_view label, std::string_view text) {
  return fmt::format("{:<14}{}\n", label, text);
}

std::string what_was_run(const LayerSource& source, const RunOptions& options,
                         const RunResult& result) {
  const Layer& layer = source.layer;
  const HardwareConfig& hardware = options.config.hardware;
  const std::uint32_t tokens = result.tokens();
  const std::string groups =
      layer.group_size == 0 ? "one group per row" : fmt::format("groups of {}", layer.group_size);
  const std::string accumulator =
      hardware.accumulator.exact() ? "exact accumulator"
                                   : fmt::format("{}-bit accumulator", hardware.accumulator.bits);
  return line("layer", fmt::format("{}: {} x {}, {} at {} bit{}, {}", layer.name, layer.m, layer.k,
                                   layer.mode == Mode::bcq ? "BCQ" : "codebook", options.bits,
                                   options.bits == 1 ? "" : "s", groups)) +
         line("weights", source.origin) +
         line("config", fmt::format("{}: {} rows x {} columns, mu {}, {}-bit mantissas, {}",
                                    options.config.name, hardware.rows, hardware.columns,
                                    hardware.mu, hardware.mantissa_bits, accumulator)) +
         line("backend",
              fmt::format("{}, {} token{}{}", options.backend, tokens, tokens == 1 ? "" : "s",
                          options.format == OutputFormat::binary16 ? ", binary16 outputs" : ""));
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3f} ms", seconds * 1e3);
  return fmt::format("{:.3f} s", seconds);
}

std::string bound_text(const Bounds& bound, double cycles) {
  return fmt::format("{} cycles, {} bound (compute {}, memory {}): {:.3f} x the bound",
                     grouped_digits(bound.roofline()), bound.memory_bound() ? "memory" : "compute",
                     grouped_digits(bound.compute_cycles), grouped_digits(bound.memory_cycles),
                     cycles / static_cast<double>(bound.roofline()));
}

// Name, amount, share and bar of each nonzero entry.
std::string table(const auto& names, const auto& amounts, std::string_view title) {
  std::uint64_t total = 0;
  for (const std::uint64_t amount : amounts) total += amount;
  if (total == 0) return "";
  std::string text = fmt::format("\n{}\n", title);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (amounts[i] == 0) continue;
    const double share = static_cast<double>(amounts[i]) / static_cast<double>(total);
    const auto bar = static_cast<std::size_t>(std::lround(share * kBarWidth));
    text += fmt::format("  {:<12}{:>16}  {:>5.1f} %{}\n", names[i], grouped_digits(amounts[i]),
                        100 * share, bar == 0 ? "" : "  " + std::string(bar, '#'));
  }
  return text;
}

std::string timing(const LayerSource& source, const RunOptions& options, const RunResult& result) {
  const CycleStats& stats = *result.stats();
  const std::uint32_t tokens = result.tokens();
  const Rates rate = rates(source.layer, options.bits, tokens, stats, options.config);
  const Bounds bound = bounds(source.layer, options.bits, tokens, options.config.hardware);
  std::string text = "\n";
  text += line("cycles", fmt::format("{} = {} at {} MHz", grouped_digits(stats.cycles),
                                     duration(rate.seconds), options.config.system.clock_mhz));
  text += line("roofline", bound_text(bound, static_cast<double>(stats.cycles)));
  if (const std::optional<double> steady = result.steady_cycles)
    text += line("back to back", fmt::format("{:.1f} cycles per call: {:.3f} x the bound", *steady,
                                             *steady / static_cast<double>(bound.roofline())));
  text +=
      line("utilization", fmt::format("array {:.1f} %, memory {:.1f} %",
                                      100 * rate.array_utilization, 100 * rate.memory_utilization));
  text += line("throughput", fmt::format("{:.3f} TOPS, {:.3f} binary TOPS, {:.2f} GB/s", rate.tops,
                                         rate.binary_tops, rate.gigabytes_per_second));
  text += table(kCauseNames, stats.by_cause, "cycles by cause");
  text += table(kStreamNames, stats.stream_bytes, "bytes by stream");
  return text;
}

std::string simulation_speed(const LayerSource& source, const RunOptions& options,
                             const RunResult& result) {
  const CycleStats& stats = *result.stats();
  if (stats.wall_seconds <= 0) return "";
  const double macs =
      static_cast<double>(source.layer.m) * source.layer.k * options.bits * result.tokens();
  return line("simulation",
              fmt::format("{:.2f} s, {:.0f} kcycles/s, {:.2e} binary MACs/s", stats.wall_seconds,
                          static_cast<double>(stats.simulated_cycles) / stats.wall_seconds * 1e-3,
                          macs / stats.wall_seconds));
}

std::string accuracy(const LayerSource& source, const RunResult& result) {
  if (!source.weight_error) return "";
  std::string text = fmt::format("weight error {:.2f} %", 100 * *source.weight_error);
  if (result.output_snr_db) text += fmt::format(", output SNR {:.2f} dB", *result.output_snr_db);
  return line("quantization", text + " against the unquantized layer");
}

std::string name_of(const Check& check) {
  return check.against == kIsolatedCall ? "the isolated call" : check.against;
}

std::string mismatch_text(const Check& check) {
  const Mismatch& first = *check.comparison.first;
  return fmt::format(
      "{} of {} outputs differ from {}; first at row {}, token {}: 0x{:08X}, expected 0x{:08X}",
      grouped_digits(check.comparison.mismatches), grouped_digits(check.comparison.compared),
      name_of(check), first.row, first.token, first.found, first.expected);
}

std::string location_text(const Localization& found, Mode mode) {
  const std::string wave = fmt::format("{}, cycles {} to {}", found.wave.string(),
                                       grouped_digits(found.from), grouped_digits(found.to));
  if (found.compared == 0)
    return line("location", "the token holds a NaN or Inf: no partial sums to compare") +
           line("waveform", wave);
  if (!found.difference)
    return line("location", "all partial sums of the row are right: the fault lies behind them") +
           line("waveform", wave);
  const TracedPartial& partial = found.difference->found;
  return line("location", fmt::format("group {}, {} {}: partial sum {}, golden has {}",
                                      partial.group, mode == Mode::bcq ? "plane" : "code",
                                      partial.plane, partial.value, found.difference->expected)) +
         line("waveform", wave);
}

std::string verdict(const LayerSource& source, const RunResult& result) {
  if (result.checks.empty()) return line("check", "none: results were not compared");
  std::string text;
  for (const Check& check : result.checks) {
    const bool equal = check.comparison.mismatches == 0;
    text += line(equal ? "bit-exact" : "MISMATCH",
                 equal ? fmt::format("all {} outputs equal {}",
                                     grouped_digits(check.comparison.compared), name_of(check))
                       : mismatch_text(check));
  }
  if (result.location) text += location_text(*result.location, source.layer.mode);
  return text;
}

std::string nan_tokens(const RunResult& result) {
  if (result.nan_tokens() == 0) return "";
  return line("NaN", fmt::format("{} of {} tokens hold a NaN or Inf: their outputs are NaN",
                                 result.nan_tokens(), result.tokens()));
}

}  // namespace

std::string grouped_digits(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string run_summary(const LayerSource& source, const RunOptions& options,
                        const RunResult& result) {
  const bool timed = result.stats().has_value();
  std::string text = what_was_run(source, options, result);
  if (timed) text += timing(source, options, result) + "\n";
  if (timed) text += simulation_speed(source, options, result);
  text += accuracy(source, result);
  text += nan_tokens(result);
  return text + verdict(source, result);
}

}  // namespace bitloom
