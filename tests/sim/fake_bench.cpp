// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/fake_bench.hpp"

#include <chrono>

#include "sw/config/config.hpp"

namespace bitloom::sim {

WorkerOptions fake_options() {
  WorkerOptions options;
  options.rtl_list = BITLOOM_FAKE_RTL;
  return options;
}

const WorkerExecutable& fake_worker() {
  static const WorkerExecutable worker =
      ensure_worker(load_config("tiny").hardware, fake_options());
  return worker;
}

Descriptor copy_descriptor(std::uint32_t words, std::uint32_t k) {
  Descriptor descriptor;
  descriptor.opcode = 1;
  descriptor.interrupt = 1;
  descriptor.m = words;
  descriptor.k = k;
  descriptor.activations_address = kInput;
  descriptor.outputs_address = kOutput;
  return descriptor;
}

Record copy_of(std::uint32_t words, std::uint32_t k) { return encode(copy_descriptor(words, k)); }

std::vector<std::uint8_t> pattern(std::size_t bytes) {
  std::vector<std::uint8_t> data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  return data;
}

FakeBench::FakeBench(const SystemSettings& settings, const WorkerExecutable& executable)
    : worker(executable.path, executable.hash, std::chrono::seconds(60)) {
  worker.configure(settings);
}

FakeBench::FakeBench(const SystemSettings& settings, std::size_t bytes)
    : FakeBench(settings, fake_worker()) {
  data = pattern(bytes);
  worker.map(kInput, bytes);
  worker.map(kOutput, bytes);
  worker.write(kInput, data);
}

std::vector<CompletionRecord> FakeBench::run(const std::vector<Record>& descriptors) {
  std::vector<CompletionRecord> records;
  worker.run(
      descriptors,
      [&](const CompletionReport& report) { records.push_back(decode_completion(report.record)); },
      nullptr);
  return records;
}

}  // namespace bitloom::sim
