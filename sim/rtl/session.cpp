// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/session.hpp"

namespace bitloom::sim {
namespace {

std::uint32_t record_beats(std::uint32_t beat_bytes) {
  const auto bytes = static_cast<std::uint32_t>(kRecordBytes);
  return (bytes + beat_bytes - 1) / beat_bytes;
}

}  // namespace

Session::Session(const WorkerExecutable& worker, const Config& config, const RtlOptions& options)
    : process_(worker.path, worker.hash, options.reply_limit) {
  if (options.worker.observe) process_.observe(options.observation);
  const SystemConfig& system = config.system;
  process_.configure({.clock_mhz = system.clock_mhz,
                      .latency_ns = system.memory_latency_ns,
                      .jitter_ns = system.memory_jitter_ns,
                      .stall_percent = system.memory_stall_percent,
                      .seed = system.memory_seed});
  // A record counts as moved by the call that it reports, but not yet in its own counter.
  last_.beats.back() = 0U - record_beats(process_.beat_bytes());
}

std::uint64_t Session::place(std::span<const std::uint8_t> bytes) {
  const std::uint64_t address = reserve(bytes.size());
  process_.write(address, bytes);
  return address;
}

std::uint64_t Session::reserve(std::uint64_t bytes) {
  const std::uint64_t address = next_address_;
  process_.map(address, bytes);
  next_address_ += (bytes / kImageAlignment + 2) * kImageAlignment;
  return address;
}

const Placement& Session::placement(const std::shared_ptr<const LayerImages>& layer,
                                    unsigned bits) {
  auto& [kept, placement] = placed_[layer.get()];
  if (!kept) {
    kept = layer;
    placement.weights = place(layer->weights.bytes);
  }
  if (!placement.scales.contains(bits))
    placement.scales[bits] = place(layer->tables.at(bits).image.bytes);
  return placement;
}

void Session::drop_unused() {
  for (auto entry = placed_.begin(); entry != placed_.end();) {
    auto& [kept, placement] = entry->second;
    if (kept.use_count() > 1) {
      ++entry;
      continue;
    }
    process_.unmap(placement.weights);
    for (const auto& [bits, address] : placement.scales) process_.unmap(address);
    entry = placed_.erase(entry);
  }
}

Session::Counters Session::counters_of(const CompletionRecord& r) {
  return {{r.cycles_busy, r.cycles_output, r.cycles_activations, r.cycles_scales, r.cycles_weights,
           r.cycles_control},
          {r.beats_weights, r.beats_scales, r.beats_activations, r.beats_descriptors,
           r.beats_outputs, r.beats_completions}};
}

void Session::account(const CompletionReport& report, const CompletionRecord& record,
                      CycleStats& stats) {
  const Counters now = counters_of(record);
  for (std::size_t i = 0; i < now.cycles.size(); ++i) {
    const std::uint32_t cycles = now.cycles.at(i) - last_.cycles.at(i);
    stats.by_cause.at(i) += cycles;
    stats.cycles += cycles;
    const std::uint32_t beats = now.beats.at(i) - last_.beats.at(i);
    stats.stream_bytes.at(i) += std::uint64_t{beats} * process_.beat_bytes();
  }
  last_ = now;
  stats.simulated_cycles += report.cycle - last_cycle_;
  stats.wall_seconds += static_cast<double>(report.wall_nanoseconds - last_wall_) * 1e-9;
  last_cycle_ = report.cycle;
  last_wall_ = report.wall_nanoseconds;
}

}  // namespace bitloom::sim
