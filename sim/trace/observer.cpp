// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/observer.hpp"

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bitloom::sim {
namespace {

// The DPI functions are free functions, and there is one model per process: so is the trace.
struct Trace {
  std::FILE* file = nullptr;
  std::uint64_t cycle = 0;
} trace;

[[noreturn]] void throw_unwritable(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), "cannot write " + path);
}

}  // namespace

Observer::Observer(VerilatedContext& context, Vbl_top& top, const Observation& observation)
    : observation_(observation) {
  if (!observation.trace_file.empty()) {
    trace.file = std::fopen(observation.trace_file.c_str(), "w");
    if (trace.file == nullptr) throw_unwritable(observation.trace_file);
  }
  if (observation.wave_file.empty()) return;
  // Verilator's FST writer does not report a file that it cannot open.
  std::FILE* probe = std::fopen(observation.wave_file.c_str(), "w");
  if (probe == nullptr) throw_unwritable(observation.wave_file);
  std::fclose(probe);
  std::remove(observation.wave_file.c_str());
  context.traceEverOn(true);
  top.trace(&wave_, 99);
}

Observer::~Observer() {
  if (wave_.isOpen()) wave_.close();
  if (trace.file != nullptr) std::fclose(trace.file);
  trace.file = nullptr;
}

void Observer::begin_cycle(std::uint64_t cycle) {
  trace.cycle = cycle;
  const bool wanted =
      !observation_.wave_file.empty() && cycle >= observation_.from && cycle <= observation_.to;
  if (wanted && !wave_.isOpen()) wave_.open(observation_.wave_file.c_str());
  if (!wanted && wave_.isOpen()) wave_.close();
  recording_ = wanted;
}

void Observer::flush_trace() const {
  if (trace.file == nullptr) return;
  if (std::fflush(trace.file) != 0 || std::ferror(trace.file) != 0)
    throw std::runtime_error("cannot write " + observation_.trace_file);
}

}  // namespace bitloom::sim

// Called from bl_trace.sv: one record "cycle event fields", fields in decimal.
extern "C" void bl_trace_event(const char* name, int count, long long f0, long long f1,
                               long long f2, long long f3, long long f4, long long f5) {
  using bitloom::sim::trace;
  if (trace.file == nullptr) return;
  const long long fields[] = {f0, f1, f2, f3, f4, f5};
  std::fprintf(trace.file, "%llu %s", static_cast<unsigned long long>(trace.cycle), name);
  for (int i = 0; i < count; ++i) std::fprintf(trace.file, " %lld", fields[i]);
  std::fputc('\n', trace.file);
}
