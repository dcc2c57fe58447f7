// SPDX-License-Identifier: Apache-2.0
// A running simulation worker: the requests of the pipe protocol as functions (docs/simulation.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sim/protocol/protocol.hpp"
#include "sim/rtl/subprocess.hpp"

namespace bitloom::sim {

/// The constructor and every request throw Error rtl_fault when the worker cannot be started,
/// reports a fault, refuses the request, breaks the protocol, dies, or says nothing for the reply
/// limit; after that the object is of no further use.
class WorkerProcess {
 public:
  /// Starts the executable and checks that it speaks this protocol and was built under `hash`.
  WorkerProcess(const std::filesystem::path& executable, const std::string& hash,
                std::chrono::milliseconds reply_limit);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  /// Ends the worker and waits for it: an observed one for as long as it takes, so that its
  /// waveform and trace are complete, another one for a few seconds, after which it is killed.
  ~WorkerProcess();

  [[nodiscard]] std::uint32_t beat_bytes() const { return beat_bytes_; }

  void observe(const Observation& observation);
  void configure(const SystemSettings& settings);
  void map(std::uint64_t address, std::uint64_t bytes);
  void unmap(std::uint64_t address);
  void write(std::uint64_t address, std::span<const std::uint8_t> data);
  std::vector<std::uint8_t> read(std::uint64_t address, std::uint64_t bytes);

  /// For tests: error responses that bursts have from now on, in place of those asked for before.
  void inject(std::span<const ErrorResponse> errors);
  /// For tests: the machine is reset in this cycle of the next run, if that takes so long.
  void reset_at(std::uint64_t cycle);

  /// Runs descriptors to their end; `completion` is called for each in order, `progress` now and
  /// then, with the cycles simulated so far. Returns those at the end. An observed worker has
  /// written its trace so far when this returns. After reset_at() the run may be cut off: then not
  /// all have completed.
  std::uint64_t run(std::span<const Record> descriptors,
                    const std::function<void(const CompletionReport&)>& completion,
                    const std::function<void(std::uint64_t)>& progress);

  /// The last run was cut off by a reset.
  [[nodiscard]] bool cut_off() const { return cut_off_; }

 private:
  Frame receive();
  void send(Message request, const PayloadWriter& payload);
  Frame ask(Message request, const PayloadWriter& payload, Message expected);
  void expect(const Frame& frame, Message expected) const;
  template <typename Take>
  auto parse(const Frame& frame, Take take) const;
  [[noreturn]] void fail(const std::string& found, const std::string& expected) const;
  [[noreturn]] void fail_dead();

  std::filesystem::path executable_;
  std::chrono::milliseconds reply_limit_;
  FileDescriptor log_;     // an unnamed file that takes the worker's stderr
  FileDescriptor socket_;  // our end of its stdin and stdout
  Subprocess process_;
  Link link_;
  std::uint32_t beat_bytes_ = 0;
  bool observed_ = false;
  bool cut_off_ = false;
};

}  // namespace bitloom::sim
