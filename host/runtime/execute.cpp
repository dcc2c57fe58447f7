// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/execute.hpp"

#include <algorithm>
#include <stdexcept>

namespace bitloom {
namespace {

Activations slice_tokens(const Activations& acts, std::uint32_t first, std::uint32_t count) {
  const auto begin = acts.x.begin() + static_cast<std::ptrdiff_t>(std::size_t{first} * acts.k);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::size_t{count} * acts.k);
  return {count, acts.k, {begin, end}};
}

void add(CycleStats& total, const CycleStats& part) {
  total.cycles += part.cycles;
  for (std::size_t i = 0; i < total.by_cause.size(); ++i) total.by_cause[i] += part.by_cause[i];
  for (std::size_t i = 0; i < total.stream_bytes.size(); ++i)
    total.stream_bytes[i] += part.stream_bytes[i];
  total.simulated_cycles += part.simulated_cycles;
  total.wall_seconds += part.wall_seconds;
}

void append(Execution& pass, const Completion& done) {
  pass.y.bits.insert(pass.y.bits.end(), done.y.bits.begin(), done.y.bits.end());
  pass.nan_tokens.insert(pass.nan_tokens.end(), done.nan_tokens.begin(), done.nan_tokens.end());
  if (!done.stats) return;
  if (!pass.stats) pass.stats.emplace();
  add(*pass.stats, *done.stats);
}

void submit_pass(Device& device, const Work& work) {
  for (std::uint32_t first = 0; first < work.acts.tokens; first += work.tokens_at_once) {
    const std::uint32_t count = std::min(work.tokens_at_once, work.acts.tokens - first);
    device.submit({work.layer, work.bits, slice_tokens(work.acts, first, count), work.format});
  }
}

Execution collect_pass(Device& device, const Work& work) {
  Execution pass;
  pass.y = {work.format, work.acts.tokens, work.m, {}};
  pass.y.bits.reserve(std::size_t{work.acts.tokens} * work.m);
  for (std::uint32_t first = 0; first < work.acts.tokens; first += work.tokens_at_once) {
    std::optional<Completion> done = device.poll();
    if (!done) throw std::runtime_error("the device lost a call");
    append(pass, *done);
  }
  return pass;
}

// Cycles per pass of a train without its first pass, whose start-up is not hidden.
std::optional<double> run_train(Device& device, const Work& work, std::uint32_t train,
                                const Outputs& expected) {
  for (std::uint32_t i = 0; i < train; ++i) submit_pass(device, work);
  std::uint64_t cycles = 0;
  bool timed = true;
  for (std::uint32_t i = 0; i < train; ++i) {
    const Execution pass = collect_pass(device, work);
    if (pass.y != expected)
      throw std::runtime_error("back-to-back calls gave other results than an isolated one");
    timed = timed && pass.stats.has_value();
    if (timed && i > 0) cycles += pass.stats->cycles;
  }
  if (!timed) return std::nullopt;
  return static_cast<double>(cycles) / (train - 1);
}

}  // namespace

Execution execute(Device& device, const Work& work, std::uint32_t train) {
  submit_pass(device, work);
  Execution result = collect_pass(device, work);
  if (train >= 2) result.steady_cycles = run_train(device, work, train, result.y);
  return result;
}

}  // namespace bitloom
