// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/rtl_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "gen/descriptor.hpp"
#include "sim/rtl/layer_images.hpp"
#include "sim/rtl/rtl_support.hpp"
#include "sim/rtl/session.hpp"
#include "sim/rtl/wave_view.hpp"
#include "sw/error/error.hpp"
#include "sw/layout/layout.hpp"

namespace bitloom {
namespace {

using sim::CompletionReport;
using sim::LayerImages;
using sim::Placement;
using sim::Record;
using sim::Session;
using sim::WorkerProcess;

struct QueuedCall {
  Ticket ticket{};
  std::shared_ptr<const LayerImages> layer;
  Call call;
  std::optional<Error> failure;
};

// Outcome of a call: its completion, or the error that poll() throws.
using Outcome = std::variant<Completion, Error>;

// A descriptor of a call: as many of its tokens as the array takes at once.
struct Batch {
  Descriptor descriptor;
  std::uint64_t activations = 0;  // regions
  std::uint64_t outputs = 0;
};

// One queued call while its descriptors run.
struct RunningCall {
  QueuedCall* queued = nullptr;
  std::vector<Batch> batches;
  std::size_t completed = 0;
  std::vector<bool> nan_tokens;
  CycleStats stats;
  std::optional<Error> error;

  [[nodiscard]] bool done() const { return completed == batches.size(); }
};

void demand(std::optional<Error> refusal) {
  if (refusal) throw Error(std::move(*refusal));
}

class RtlDevice final : public Device {
 public:
  RtlDevice(const Config& config, RtlOptions options)
      : config_(config), options_(std::move(options)) {
    worker_ = sim::ensure_worker(config.hardware, options_.worker);
    session_.emplace(worker_, config_, options_);
    if (!options_.observation.wave_file.empty())
      sim::write_wave_view(options_.observation.wave_file, config.hardware);
  }

  [[nodiscard]] std::string_view name() const override { return "rtl"; }

  LayerId load(const Layer& layer) override {
    // The least that a call can ask; submit() sees what it does ask.
    demand(rtl_refusal(config_, rtl_request(layer, 1)));
    auto images = std::make_shared<LayerImages>(sim::make_layer_images(layer, config_.hardware));
    const LayerId id{next_layer_++};
    layers_.emplace(id, std::move(images));
    return id;
  }

  void unload(LayerId layer) override { layers_.erase(layer); }

  Ticket submit(Call call) override {
    const auto found = layers_.find(call.layer);
    if (found == layers_.end()) throw std::invalid_argument("a call names a layer not loaded");
    const LayerImages& layer = *found->second;
    check_call(layer.shape, layer.served, call);
    demand(rtl_refusal(config_, rtl_request(layer.shape, call.bits)));
    const Ticket ticket{next_ticket_++};
    queue_.push_back({ticket, found->second, std::move(call), std::nullopt});
    return ticket;
  }

  std::optional<Completion> poll() override {
    while (outcomes_.empty() && !queue_.empty()) run_queue();
    if (outcomes_.empty()) return std::nullopt;
    Outcome outcome = std::move(outcomes_.front());
    outcomes_.pop_front();
    if (const Error* error = std::get_if<Error>(&outcome)) throw Error(*error);
    return std::get<Completion>(std::move(outcome));
  }

 private:
  // Runs everything queued, back to back. If the worker fails, the call to blame is marked with the
  // error, and a new worker runs all others again: the results of finished ones went down with the
  // old one's memory.
  void run_queue() {
    const bool all_failed = std::all_of(queue_.begin(), queue_.end(),
                                        [](const QueuedCall& call) { return call.failure; });
    if (all_failed) return deliver({});
    std::vector<RunningCall> calls;
    QueuedCall* placing = nullptr;
    try {
      open_session();
      for (QueuedCall& queued : queue_) {
        if (queued.failure) continue;
        placing = &queued;
        calls.push_back(place(queued));
      }
      placing = nullptr;
      run_descriptors(calls);
      std::deque<Outcome> finished;
      for (RunningCall& call : calls) finished.push_back(finish(call));
      deliver(std::move(finished));
    } catch (const Error& error) {
      session_.reset();
      mark_failed(placing, calls, error);
    } catch (const std::exception& error) {  // of this process: no memory, no file descriptor
      session_.reset();
      mark_failed(placing, calls,
                  Error(ErrorCode::rtl_fault, {"rtl device", error.what(), "", ""}));
    }
  }

  // An observed worker is never replaced: a second one would write over the waveform and the trace
  // of the fault.
  void open_session() {
    if (!session_ && options_.worker.observe)
      throw Error(ErrorCode::rtl_fault, {"rtl device", "a call after the observed run has failed",
                                         "none", "Make another device to observe another run."});
    if (!session_) session_.emplace(worker_, config_, options_);
    session_->drop_unused();
  }

  void mark_failed(QueuedCall* placing, const std::vector<RunningCall>& calls, const Error& error) {
    const auto unfinished = std::find_if(calls.begin(), calls.end(),
                                         [](const RunningCall& call) { return !call.done(); });
    if (placing == nullptr && unfinished != calls.end()) placing = unfinished->queued;
    if (placing != nullptr && !options_.worker.observe) {
      placing->failure = error;
      return;
    }
    // Observed, or failed before or after all of them: it cannot be trusted with any.
    for (QueuedCall& queued : queue_) queued.failure = error;
    deliver({});
  }

  // Empties the queue into outcomes, in order; `finished` are those of the calls without failure.
  void deliver(std::deque<Outcome> finished) {
    for (QueuedCall& queued : queue_) {
      if (queued.failure) {
        outcomes_.emplace_back(std::move(*queued.failure));
        continue;
      }
      outcomes_.push_back(std::move(finished.front()));
      finished.pop_front();
    }
    queue_.clear();
  }

  RunningCall place(QueuedCall& queued) {
    RunningCall running;
    running.queued = &queued;
    const HardwareConfig& hardware = config_.hardware;
    const LayerImages& layer = *queued.layer;
    const Call& call = queued.call;
    const Placement& placement = session_->placement(queued.layer, call.bits);
    for (std::uint32_t token = 0; token < call.acts.tokens; token += hardware.tokens) {
      const std::uint32_t tokens = std::min(hardware.tokens, call.acts.tokens - token);
      const Image image = activation_image(call.acts, token, tokens, layer.shape, hardware);
      Batch batch;
      batch.activations = session_->place(image.bytes);
      batch.outputs =
          session_->reserve(output_image_bytes(layer.shape.m, tokens, call.format, hardware));
      batch.descriptor = sim::make_descriptor(layer,
                                              {.bits = call.bits,
                                               .format = call.format,
                                               .tokens = tokens,
                                               .activations_stripe = image.stripe},
                                              {.weights = placement.weights,
                                               .scales = placement.scales.at(call.bits),
                                               .activations = batch.activations,
                                               .outputs = batch.outputs});
      running.batches.push_back(batch);
    }
    return running;
  }

  void run_descriptors(std::vector<RunningCall>& calls) {
    std::vector<Record> descriptors;
    std::vector<RunningCall*> owners;
    for (RunningCall& call : calls) {
      for (const Batch& batch : call.batches) {
        descriptors.push_back(encode(batch.descriptor));
        owners.push_back(&call);
      }
    }
    if (descriptors.empty()) return;  // calls without tokens
    std::size_t next = 0;
    session_->begin_run();
    session_->process().run(
        descriptors, [&](const CompletionReport& report) { complete(*owners.at(next++), report); },
        options_.progress);
  }

  void complete(RunningCall& call, const CompletionReport& report) {
    const CompletionRecord record = decode_completion(report.record);
    session_->account(report, record, call.stats);
    const std::uint32_t tokens = call.batches.at(call.completed++).descriptor.tokens;
    for (std::uint32_t token = 0; token < tokens; ++token)
      call.nan_tokens.push_back((record.nan_tokens >> token & 1U) != 0);
    if (record.status == static_cast<std::uint32_t>(StatusCode::ok) || call.error) return;
    std::string found = fmt::format("status {}: {}", record.status, status_text(record.status));
    if (record.status == static_cast<std::uint32_t>(StatusCode::bus_error))
      found += fmt::format(
          " Stream {}, address 0x{:x}.",
          record.stream < kStreamNames.size() ? kStreamNames.at(record.stream) : "unknown",
          record.fault_address);
    call.error.emplace(ErrorCode::rtl_fault, ErrorParts{"layer " + call.queued->layer->shape.name,
                                                        found, "status 0", ""});
  }

  Outcome finish(RunningCall& call) {
    WorkerProcess& process = session_->process();
    const std::uint32_t m = call.queued->layer->shape.m;
    const OutputFormat format = call.queued->call.format;
    Completion completion;
    completion.ticket = call.queued->ticket;
    completion.nan_tokens = std::move(call.nan_tokens);
    completion.stats = call.stats;
    completion.y = {.format = format, .tokens = call.queued->call.acts.tokens, .m = m, .bits = {}};
    for (const Batch& batch : call.batches) {
      const std::uint32_t tokens = batch.descriptor.tokens;
      const std::vector<std::uint8_t> image =
          process.read(batch.outputs, output_image_bytes(m, tokens, format, config_.hardware));
      read_output_image(image, m, tokens, format, config_.hardware, completion.y.bits);
      process.unmap(batch.outputs);
      process.unmap(batch.activations);
    }
    if (call.error) return std::move(*call.error);
    return completion;
  }

  Config config_;
  RtlOptions options_;
  sim::WorkerExecutable worker_;
  std::optional<Session> session_;  // empty after a failure, until the next run
  std::map<LayerId, std::shared_ptr<const LayerImages>> layers_;
  std::deque<QueuedCall> queue_;
  std::deque<Outcome> outcomes_;
  std::uint64_t next_layer_ = 0;
  std::uint64_t next_ticket_ = 0;
};

}  // namespace

std::unique_ptr<Device> make_rtl_device(const Config& config, RtlOptions options) {
  return std::make_unique<RtlDevice>(config, std::move(options));
}

}  // namespace bitloom
