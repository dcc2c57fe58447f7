// SPDX-License-Identifier: Apache-2.0
// The simulation worker: one hardware configuration, driven over stdin and stdout
// (docs/simulation.md).
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <systemc>
#include <utility>
#include <vector>

#include "sim/mem/fixed_memory.hpp"
#include "sim/protocol/protocol.hpp"
#include "sim/tb/accelerator.hpp"
#include "sim/tb/host_driver.hpp"
#include "sim/tb/memory_target.hpp"

namespace bitloom::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMaxClockMhz = 10'000;
constexpr std::uint32_t kMaxNanoseconds = 100'000;
constexpr std::uint32_t kMaxStallPercent = 90;

FixedTiming fixed_timing(const SystemSettings& settings) {
  return {.latency = Picoseconds{settings.latency_ns} * 1000,
          .jitter = Picoseconds{settings.jitter_ns} * 1000,
          .seed = settings.seed};
}

std::uint64_t worst_latency_cycles(const SystemSettings& settings) {
  return (std::uint64_t{settings.latency_ns} + settings.jitter_ns) * settings.clock_mhz / 1000 + 1;
}

void check_settings(const SystemSettings& settings) {
  if (settings.clock_mhz == 0 || settings.clock_mhz > kMaxClockMhz || settings.latency_ns == 0 ||
      settings.latency_ns > kMaxNanoseconds || settings.jitter_ns > kMaxNanoseconds ||
      settings.stall_percent > kMaxStallPercent)
    throw ProtocolError(Refusal::malformed, "a system setting is out of its range");
}

// Everything that `configure` brings to life; SystemC allows it once per process.
struct Bench {
  Bench(const SystemSettings& settings, const Observation& observation, AddressSpace& space)
      : timing(fixed_timing(settings), space),
        memory("memory", timing, space),
        machine("machine", settings, observation),
        driver("driver", machine, space, worst_latency_cycles(settings)) {
    machine.bind(memory.socket);
  }

  FixedMemory timing;
  MemoryTarget memory;
  Accelerator machine;
  HostDriver driver;
};

class Worker {
 public:
  explicit Worker(const Link& link) : link_(link) {}

  void serve() {
    while (const std::optional<Frame> frame = receive()) {
      try {
        handle(*frame);
      } catch (const ProtocolError& error) {
        refuse(error.refusal(), error.what());
      } catch (const std::invalid_argument& error) {
        refuse(Refusal::bad_address, error.what());
      } catch (const std::bad_alloc&) {
        refuse(Refusal::bad_address, "the host has no memory left for a region");
      }
    }
  }

 private:
  // After a frame that is broken itself the next one cannot be found: the session ends.
  std::optional<Frame> receive() {
    try {
      return link_.receive();
    } catch (const ProtocolError& error) {
      refuse(error.refusal(), error.what());
      throw;
    }
  }

  void handle(const Frame& frame) {
    PayloadReader reader(frame.payload);
    switch (frame.type) {
      case Message::hello:
        return hello(reader);
      case Message::configure:
        return configure(reader);
      case Message::observe:
        return observe(reader);
      case Message::map:
        return map(reader);
      case Message::unmap:
        return unmap(reader);
      case Message::write_memory:
        return write_memory(reader);
      case Message::read_memory:
        return read_memory(reader);
      case Message::run:
        return run(reader);
      case Message::inject:
        return inject(reader);
      case Message::reset_at:
        return reset_at(reader);
      default:
        throw ProtocolError(
            Refusal::unknown_message,
            "unknown message type " + std::to_string(static_cast<std::uint32_t>(frame.type)));
    }
  }

  void hello(PayloadReader& reader) {
    reader.u32();  // the caller's revision: it decides whether it can talk to ours
    reader.finish();
    PayloadWriter reply;
    reply.u32(kProtocolRevision).u32(kBeatBytes).text(BITLOOM_WORKER_HASH);
    link_.send(Message::hello_reply, reply.payload());
  }

  void configure(PayloadReader& reader) {
    const SystemSettings settings = get_settings(reader);
    reader.finish();
    if (bench_) throw ProtocolError(Refusal::wrong_state, "the worker is configured already");
    check_settings(settings);
    try {
      bench_ = std::make_unique<Bench>(settings, observation_, space_);
    } catch (const std::system_error& error) {
      return send_fault(error.what());
    }
    link_.send(Message::ok);
  }

  void observe(PayloadReader& reader) {
    const Observation observation = get_observation(reader);
    reader.finish();
    if (!Observer::kAvailable)
      throw ProtocolError(Refusal::wrong_state, "this executable was built without observation");
    if (bench_) throw ProtocolError(Refusal::wrong_state, "observe comes before configure");
    observation_ = observation;
    link_.send(Message::ok);
  }

  void map(PayloadReader& reader) {
    const std::uint64_t address = reader.u64();
    const std::uint64_t bytes = reader.u64();
    reader.finish();
    space_.map(address, bytes);
    link_.send(Message::ok);
  }

  void unmap(PayloadReader& reader) {
    const std::uint64_t address = reader.u64();
    reader.finish();
    if (address == HostDriver::kRingAddress)
      throw ProtocolError(Refusal::bad_address, "the driver's rings cannot be unmapped");
    space_.unmap(address);
    link_.send(Message::ok);
  }

  void write_memory(PayloadReader& reader) {
    const std::uint64_t address = reader.u64();
    if (!space_.write(address, reader.rest()))
      throw ProtocolError(Refusal::bad_address, "the bytes to write are not mapped");
    link_.send(Message::ok);
  }

  void read_memory(PayloadReader& reader) {
    const std::uint64_t address = reader.u64();
    const std::uint32_t bytes = reader.u32();
    reader.finish();
    if (bytes > kMaxTransfer)
      throw ProtocolError(Refusal::malformed, "a read exceeds the transfer limit");
    std::vector<std::uint8_t> data(bytes);
    if (!space_.read(address, data))
      throw ProtocolError(Refusal::bad_address, "the bytes to read are not mapped");
    link_.send(Message::data, data);
  }

  void run(PayloadReader& reader) {
    const std::uint32_t count = reader.u32();
    const std::span<const std::uint8_t> raw = reader.rest();
    if (count == 0 || raw.size() != std::uint64_t{count} * kRecordBytes)
      throw ProtocolError(Refusal::malformed, "a run does not hold the descriptors it announces");
    if (!bench_) throw ProtocolError(Refusal::wrong_state, "run comes after configure");
    std::vector<Record> descriptors(count);
    std::memcpy(descriptors.data(), raw.data(), raw.size());
    try {
      const bool completed = simulate(descriptors);
      bench_->machine.flush_trace();
      return send_cycle(completed ? Message::done : Message::cut_off);
    } catch (const std::system_error&) {
      throw;  // the link is gone
    } catch (const std::exception& error) {
      return send_fault(error.what());
    }
  }

  void inject(PayloadReader& reader) {
    const std::vector<ErrorResponse> errors = get_error_responses(reader);
    reader.finish();
    for (const ErrorResponse& error : errors)
      if ((error.channel >= kReadChannels && error.channel != ErrorResponse::kWriteChannel) ||
          error.id >= kMaxMemoryIds || error.response < 2 || error.response > 3)
        throw ProtocolError(Refusal::malformed, "an error response that no burst can have");
    if (!bench_) throw ProtocolError(Refusal::wrong_state, "inject comes after configure");
    bench_->machine.inject(errors);
    link_.send(Message::ok);
  }

  void reset_at(PayloadReader& reader) {
    const std::uint64_t cycle = reader.u64();
    reader.finish();
    if (!bench_) throw ProtocolError(Refusal::wrong_state, "reset_at comes after configure");
    reset_after_ = cycle;
    link_.send(Message::ok);
  }

  // False when a reset cut the run off.
  bool simulate(const std::vector<Record>& descriptors) {
    const Clock::time_point start = Clock::now();
    const HostDriver::Callbacks callbacks{
        .completion =
            [&](const Record& record) {
              const auto wall =
                  std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
              PayloadWriter reply;
              put(reply,
                  {bench_->machine.cycle(), static_cast<std::uint64_t>(wall.count()), record});
              link_.send(Message::completion, reply.payload());
            },
        .progress = [&] { send_cycle(Message::progress); }};
    return bench_->driver.run(descriptors, callbacks,
                              std::exchange(reset_after_, Accelerator::kNoCycle));
  }

  void send_cycle(Message type) const {
    PayloadWriter reply;
    reply.u64(bench_->machine.cycle());
    link_.send(type, reply.payload());
  }

  void send_fault(const std::string& text) const {
    PayloadWriter reply;
    reply.text(text);
    link_.send(Message::fault, reply.payload());
  }

  void refuse(Refusal refusal, const std::string& text) const {
    PayloadWriter reply;
    reply.u32(static_cast<std::uint32_t>(refusal)).text(text);
    link_.send(Message::error, reply.payload());
  }

  Link link_;
  AddressSpace space_;
  Observation observation_;
  std::unique_ptr<Bench> bench_;
  std::uint64_t reset_after_ = Accelerator::kNoCycle;  // of the next run
};

// The link takes stdout for itself; whatever the model or SystemC prints goes to stderr, line by
// line, so that it is there when a fault is reported.
int take_stdout() {
  const int link = ::dup(STDOUT_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  return link;
}

}  // namespace
}  // namespace bitloom::sim

int sc_main(int, char**) {
  std::signal(SIGPIPE, SIG_IGN);  // a device that is gone is an error of write, not a signal
  const bitloom::sim::Link link(STDIN_FILENO, bitloom::sim::take_stdout());
  try {
    bitloom::sim::Worker(link).serve();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bl_worker: %s\n", error.what());
    return 1;
  }
}

int main(int argc, char** argv) {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);  // read before sc_main begins
  return sc_core::sc_elab_and_sim(argc, argv);
}
